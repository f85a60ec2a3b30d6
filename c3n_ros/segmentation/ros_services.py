"""The services of the segmentation node, for as long as there is the node:

| service | type | |
|---|---|---|
| `~/enable` | std_srvs/SetBool | pauses an active node |
| `~/learn_background` | std_srvs/Trigger | takes the next seconds as the robot's own noise |
| `~/set_classes` | c3n_ros/SetClasses | sets the parameter `classes` |
| `~/last` | c3n_ros/GetLast | the newest segmentation |
"""

from __future__ import annotations

from typing import Protocol

from rclpy.lifecycle import LifecycleNode
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

from c3n_ros.messages.conversions import mask_message, objects_message
from c3n_ros.segmentation.background_learning import BackgroundLearning
from c3n_ros.segmentation.ros_background import serve_background
from c3n_ros.segmentation.ros_outputs import Outputs
from c3n_ros.segmentation.segmentation_parameters import CLASS_SEPARATOR, SegmentationParameters
from c3n_ros.srv import GetLast, SetClasses


class ServedNode(Protocol):
    """What the services read of the segmentation node; `outputs` and `learning` are None while there are none."""

    settings: SegmentationParameters
    outputs: Outputs | None

    @property
    def learning(self) -> BackgroundLearning | None: ...

    def enable(self, wanted: bool) -> None: ...


def serve(node: LifecycleNode | ServedNode) -> None:
    """Create the services; they run in the executor's thread."""

    def enable(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        node.enable(request.data)
        response.success, response.message = True, "enabled" if request.data else "paused"
        return response

    def set_classes(request: SetClasses.Request, response: SetClasses.Response) -> SetClasses.Response:
        value = f"{CLASS_SEPARATOR} ".join(request.classes)
        result = node.set_parameters([Parameter("classes", value=value)])[0]
        response.success, response.message = result.successful, result.reason
        response.classes = list(node.settings.chosen_classes)
        return response

    def last(_: GetLast.Request, response: GetLast.Response) -> GetLast.Response:
        outputs = node.outputs
        newest = outputs.last if outputs is not None else None
        if newest is None:
            response.message = "nothing was segmented yet: see the status of the node in /diagnostics"
            return response
        segmentation, settings, dropped_windows = newest
        response.success = True
        response.objects = objects_message(segmentation, dropped_windows)
        response.mask = mask_message(segmentation, settings.mask_mode, outputs.vocabulary)
        return response

    serve_background(node, lambda: node.learning)
    node.create_service(SetBool, "~/enable", enable)
    node.create_service(SetClasses, "~/set_classes", set_classes)
    node.create_service(GetLast, "~/last", last)
