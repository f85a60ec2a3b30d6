"""The vision_msgs that the node publishes, or None where the package is not installed.

    from c3n_ros.messages.vision import LabelInfo
    if LabelInfo is not None: ...

Every ROS distribution has vision_msgs, but the ROS wheels on the package index do not, so masks must not depend on it.
"""

from __future__ import annotations

try:
    from vision_msgs.msg import Detection2D, Detection2DArray, LabelInfo, ObjectHypothesisWithPose, VisionClass
except ImportError:  # not installed, or so old (before 4.1) that it has no LabelInfo
    Detection2D = Detection2DArray = LabelInfo = ObjectHypothesisWithPose = VisionClass = None

__all__ = ["Detection2D", "Detection2DArray", "LabelInfo", "ObjectHypothesisWithPose", "VisionClass"]
