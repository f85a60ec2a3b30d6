"""Where the sound of a window comes from, and which object therefore sounds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Protocol

from c3n_model.direction.heard_before import HeardBefore
from c3n_model.direction.microphone_array import load_array
from c3n_model.direction.sound_bearing import as_published, measure_bearing
from c3n_model.direction.which_object import Pinhole, View, choose_object
from c3n_model.messages.stamps import stamp_of
from c3n_model.streaming.channels import with_microphones
from c3n_model.types import AudioChunk, Segmentation, SoundBearing, Window
from c3n_ros.geometry.camera import Camera
from c3n_ros.geometry.published_bearing import PublishedBearings, bearing_of_pose
from c3n_ros.health.direction_status import DirectionHealth
from c3n_ros.health.guard import in_one_line
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters


class CalibratedInput(Protocol):
    """What is read of the node's `Inputs`."""

    @property
    def calibration(self) -> Camera | None: ...

    @property
    def direction(self) -> DirectionInput: ...


class DirectionInput:
    """A microphone array, and the bearings that another node publishes. The intake thread calls `with_microphones`, the executor's
    `on_pose`; the network thread reads."""

    def __init__(self, settings: SegmentationParameters):
        """Raises what `load_array` raises."""
        self.array = load_array(settings.microphone_array) if settings.microphone_array else None
        self.used_channels = settings.channels  # for the network
        self.bearings = PublishedBearings()
        self.refused = ""  # why the sound is not the array's
        self._yaw = math.radians(settings.sound_direction_yaw)

    @property
    def is_used(self) -> bool:
        """Whether there is an array, or a bearing arrived."""
        return self.array is not None or self.bearings.count > 0

    def with_microphones(self, chunk: AudioChunk) -> AudioChunk:
        """Return `chunk` with the array's microphones apart. Without them there is no direction, but masks as before."""
        if self.array is None:
            return chunk
        try:
            chunk, self.refused = with_microphones(chunk, self.array.channels), ""
        except ValueError as error:
            self.refused = in_one_line(error)
        return chunk

    def on_pose(self, message: Any) -> None:
        """Take a geometry_msgs/PoseStamped. Raises ValueError for one that has no direction."""
        self.bearings.add(stamp_of(message.header), bearing_of_pose(message, self._yaw))


class SoundDirection:
    """Chooses among the objects of each window, in the network thread. A bearing that another node published is used before one of
    the array."""

    def __init__(self, inputs: CalibratedInput, health: DirectionHealth):
        self._inputs, self._health = inputs, health
        self._before = HeardBefore()

    def choose(self, segmentation: Segmentation, window: Window, horizontal_fov_deg: float) -> Segmentation:
        """Return `segmentation` with the direction of its sound and the choice that follows; unchanged without array and bearing.

        `horizontal_fov_deg` is used without a camera_info; 0: unknown, then the direction is reported alone.
        """
        source, health = self._inputs.direction, self._health
        health.is_used = source.is_used
        if not source.is_used:
            return segmentation
        health.unfit = source.refused
        sound = self._measured(window)
        view = self._view(segmentation, horizontal_fov_deg)
        if view is None and not health.unfit:
            health.unfit = "no camera_info and no camera_fov: the direction chooses nothing; set one of them"
        if view is not None:
            segmentation = choose_object(segmentation, sound, view, self._before)
            sound = segmentation.sound
        health.add(sound)
        return replace(segmentation, sound=as_published(sound, sound.decision))

    def _measured(self, window: Window) -> SoundBearing:
        source = self._inputs.direction
        published = source.bearings.of_second(window.start_ns)
        if published.bearing is not None or source.array is None or window.microphones is None:
            return published
        return measure_bearing(window.microphones, source.array)

    def _view(self, segmentation: Segmentation, horizontal_fov_deg: float) -> View | None:
        """Return the camera of the segmented image, or None; raises ValueError if the camera_info is another one's."""
        height, width = segmentation.mask.shape
        camera = self._inputs.calibration
        if camera is not None:
            return camera.for_size(width, height)
        return Pinhole(width, height, horizontal_fov_deg) if horizontal_fov_deg else None
