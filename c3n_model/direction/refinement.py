"""What follows a session, window by window: the choice among its objects by direction."""

from __future__ import annotations

from collections.abc import Callable

from c3n_model.direction.heard_before import HeardBefore
from c3n_model.direction.microphone_array import MicrophoneArray
from c3n_model.direction.sound_bearing import measure_bearing
from c3n_model.direction.which_object import Pinhole, choose_object
from c3n_model.types import Frame, Segmentation, Window

Refine = Callable[[Segmentation, Window[Frame]], Segmentation]


def keep(segmentation: Segmentation, window: Window[Frame]) -> Segmentation:
    """Return the segmentation as it is."""
    return segmentation


def by_direction(array: MicrophoneArray, horizontal_fov_deg: float) -> Refine:
    """Return a function that chooses among objects by the direction of each window's sound, with what the same sound said in the windows
    before, for a camera without distortion.

    Raises ValueError for an angle outside (0, 180) degrees.
    """
    Pinhole(1, 1, horizontal_fov_deg)  # refuses it before a recording is read
    before = HeardBefore()

    def refine(segmentation: Segmentation, window: Window[Frame]) -> Segmentation:
        if window.microphones is None:
            return segmentation
        height, width = segmentation.mask.shape
        sound = measure_bearing(window.microphones, array)
        return choose_object(segmentation, sound, Pinhole(width, height, horizontal_fov_deg), before)

    return refine
