"""Health of the nodes: callbacks record facts, from which the statuses of /diagnostics follow. ROS only in `ros_*`."""
