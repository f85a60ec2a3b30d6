"""The cameras and microphones of this machine, without ROS."""
