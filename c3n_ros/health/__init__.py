"""How the node is doing: facts from its callbacks in, statuses for /diagnostics out. No ROS."""
