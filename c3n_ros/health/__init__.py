"""Health of the nodes: facts from their callbacks in, statuses for /diagnostics out. ROS only in `ros_*`."""
