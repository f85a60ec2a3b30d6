"""Camera models, depth, directions, and the choice of the object to follow. No ROS."""
