"""Camera models, depth, directions, and which object to follow. No ROS."""
