"""A segmentation with one object, for tests."""

from __future__ import annotations

import numpy as np

from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel

STAMP_NS = 1_700_000_000_123_456_789


def segmentation(height=4, width=6, bearing=None, position=None) -> Segmentation:
    """A clock of 6 pixels in a picture of 24; with a direction and a position where they are given."""
    mask = np.zeros((height, width), bool)
    mask[1:3, 2:5] = True
    found = SoundingObject(
        "clock", 0.8, (2, 1, 3, 2), (3.0, 1.5), 6,
        bearing=bearing, elevation=None if bearing is None else 0.1, half_width=None if bearing is None else 0.05,
        position=position, position_covariance=position and tuple(range(9)),
    )  # fmt: skip
    return Segmentation(
        window_start_ns=1_700_000_000_000_000_000,
        stamp_ns=STAMP_NS,
        frame_id="camera_optical",
        mask=mask,
        confidence=mask.astype(np.uint8) * 200,
        heard=0.75,
        label=UnifiedLabel("Bell", "clock", np.float32(0.5), 0.25, 0.75, 0.6),
        presence=Presence(True, 0.9, -20.0),
        objects=(found,),
    )
