"""Use the mask in your own node. It is a sensor_msgs/Image, so nothing of c3n is imported.

python examples/subscribe_to_mask.py --ros-args -r mask:=/sounding_object/mask
"""

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import Image


class MaskListener(Node):
    """Logs the position of the sounding object in the image."""

    def __init__(self):
        super().__init__("mask_listener")
        self.create_subscription(Image, "mask", self.on_mask, 10)

    def on_mask(self, message: Image) -> None:
        """Log the centre of the mask. `message` is mono8: 255 (or a class id) for sounding pixels, 0 for all others."""
        rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
        y, x = np.nonzero(rows[:, : message.width])
        if x.size == 0:
            self.get_logger().info("nothing sounds")
            return
        fraction = x.size / (message.width * message.height)
        self.get_logger().info(f"sounds around pixel ({x.mean():.0f}, {y.mean():.0f}), {fraction:.1%} of the image")


rclpy.init()
try:
    rclpy.spin(MaskListener())
except (KeyboardInterrupt, ExternalShutdownException):
    pass
finally:
    rclpy.try_shutdown()
