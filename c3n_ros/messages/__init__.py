"""Conversions between the library's types and ROS messages."""
