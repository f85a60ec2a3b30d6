"""ROS messages to nouns and back, without ROS: fields are read by name, so rclpy's and rosbags' objects both serve."""
