"""Run camera, segmentation and follower in one process, each with a thread of its own: python examples/compose_nodes.py clip.mp4

rclpy has no component container; several nodes in one process share the interpreter, and their messages still go through the
middleware. What is gained is one process to start, to watch and to stop.
"""

import contextlib
import sys
import threading

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.parameter import Parameter

from c3n_ros.camera_node import CameraNode
from c3n_ros.follow_sound_node import FollowSoundNode
from c3n_ros.segmentation_node import SegmentationNode


def parameters(**values):
    return {"parameter_overrides": [Parameter(name, value=value) for name, value in values.items()]}


def spin(node):
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    with contextlib.suppress(ExternalShutdownException):
        executor.spin()


rclpy.init()
video, model = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "zero_shot"
camera = CameraNode(**parameters(video=video, horizontal_fov_deg=60.0))
segmentation = SegmentationNode(**parameters(model=model))
nodes = [camera, segmentation, FollowSoundNode()]
if not segmentation.start():
    sys.exit(1)
threads = [threading.Thread(target=spin, args=(node,), daemon=True) for node in nodes]
for thread in threads:
    thread.start()
with contextlib.suppress(KeyboardInterrupt):
    threading.Event().wait()
rclpy.try_shutdown()
for thread in threads:
    thread.join(timeout=5)
for node in nodes:
    node.destroy_node()
