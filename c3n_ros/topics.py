"""The node's topics and their types, before namespace and remapping: what launch files, layouts and tests go by."""

from __future__ import annotations

INPUTS = {
    "camera/image_raw": "sensor_msgs/msg/Image",
    "camera/image_raw/compressed": "sensor_msgs/msg/CompressedImage",  # in its place with image_transport:=compressed
    "camera/camera_info": "sensor_msgs/msg/CameraInfo",
    "camera/depth": "sensor_msgs/msg/Image",
    "camera/points": "sensor_msgs/msg/PointCloud2",
    "audio/audio_stamped": "audio_common_msgs/msg/AudioDataStamped",
    "audio/audio_info": "audio_common_msgs/msg/AudioInfo",
}

OUTPUTS = {
    "sounding_object/mask": "sensor_msgs/msg/Image",
    "sounding_object/confidence": "sensor_msgs/msg/Image",
    "sounding_object/label_info": "vision_msgs/msg/LabelInfo",  # latched
    "sounding_object/detections": "vision_msgs/msg/Detection2DArray",
    "sounding_object/objects": "c3n_ros/msg/SoundingObjects",
    "sounding_object/direction": "geometry_msgs/msg/PoseStamped",
    "sounding_object/target": "geometry_msgs/msg/PoseWithCovarianceStamped",
    "sounding_object/overlay": "sensor_msgs/msg/Image",
    "sounding_object/overlay/compressed": "sensor_msgs/msg/CompressedImage",
    "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
}
