"""Convert ROS messages to the types of this package and back, without ROS: fields are read by name, so that messages of both
rclpy and rosbags work."""
