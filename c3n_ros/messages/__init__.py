"""Nouns to ROS messages and back."""
