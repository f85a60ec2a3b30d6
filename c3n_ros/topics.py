"""The segmentation node's topics and their types, before namespace and remapping. The node creates its endpoints from these two
tables; launch files, viewer layouts and the README are tested against them. Every topic accepts qos_overrides."""

from __future__ import annotations

# Requested best effort, except for sound: what all its publishers offer; and audio_info: reliable, transient local.
INPUTS = {
    "camera/image_raw": "sensor_msgs/msg/Image",
    "camera/image_raw/compressed": "sensor_msgs/msg/CompressedImage",  # instead, with image_transport:=compressed
    "camera/camera_info": "sensor_msgs/msg/CameraInfo",  # without it there are no directions
    "camera/depth": "sensor_msgs/msg/Image",  # depth or points: without them there are no positions
    "camera/points": "sensor_msgs/msg/PointCloud2",
    "audio/audio_stamped": "audio_common_msgs/msg/AudioDataStamped",  # or AudioStamped, AudioData: audio_msg_type
    "audio/direction": "geometry_msgs/msg/PoseStamped",  # where another node hears the sound; without it, or microphone_array, no choice
    "audio/audio_info": "audio_common_msgs/msg/AudioInfo",  # of ros-drivers' audio_common_msgs only
}

# Without vision_msgs, label_info and detections are not published. All are reliable, which matches both kinds of subscribers. All
# messages of a window have the header of the segmented image.
OUTPUTS = {
    "sounding_object/mask": "sensor_msgs/msg/Image",  # mono8: 255, or the class id, where it sounds
    "sounding_object/confidence": "sensor_msgs/msg/Image",  # mono8: 255 = certain
    "sounding_object/objects": "c3n_ros/msg/SoundingObjects",  # labels, scores and regions
    "sounding_object/direction": "geometry_msgs/msg/PoseStamped",  # to the object of largest score x area; needs camera_info
    "sounding_object/target": "geometry_msgs/msg/PoseWithCovarianceStamped",  # position of that object; needs depth as well
    "sounding_object/markers": "visualization_msgs/msg/MarkerArray",  # rays and positions for RViz; needs camera_info
    "sounding_object/overlay": "sensor_msgs/msg/Image",  # rgb8, for people
    "sounding_object/overlay/compressed": "sensor_msgs/msg/CompressedImage",
    "sounding_object/label_info": "vision_msgs/msg/LabelInfo",  # meaning of the mask's values; transient local
    "sounding_object/detections": "vision_msgs/msg/Detection2DArray",
}

DIAGNOSTICS = "/diagnostics"  # diagnostic_msgs/DiagnosticArray, in every state of the node
