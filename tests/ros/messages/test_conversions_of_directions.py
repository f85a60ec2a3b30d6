"""Directions and positions in messages, there and back."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sounding import segmentation

from c3n_model.scoring.recording import segmentation_from_messages
from c3n_ros.geometry.target import sightings_of
from c3n_ros.messages.conversions import objects_message, sightings_from_objects


def test_directions_and_positions_go_there_and_back():
    seen = segmentation(bearing=0.5, position=(-1.0, 0.25, 3.0))
    message = objects_message(seen)
    (region,) = message.objects
    assert (region.bearing, region.elevation, region.half_width) == pytest.approx((0.5, 0.1, 0.05))
    assert (region.position.x, region.position.y, region.position.z) == (-1.0, 0.25, 3.0)
    assert region.position_covariance.tolist() == list(range(9))
    (back,) = segmentation_from_messages(seen.mask, message).objects
    assert back.bearing == 0.5 and back.position == (-1.0, 0.25, 3.0) and back.position_covariance == tuple(range(9))


def test_unknown_values_are_nan_in_messages():
    message = objects_message(segmentation())
    (region,) = message.objects
    unknown = (region.bearing, region.elevation, region.half_width, region.position.x, region.position.z)
    assert all(map(math.isnan, unknown)) and np.isnan(region.position_covariance).all()
    (back,) = segmentation_from_messages(segmentation().mask, message).objects
    assert back.bearing is None and back.position is None and back.position_covariance is None


@pytest.mark.parametrize("position", [None, (-1.0, 0.0, 3.0)])
def test_a_target_is_chosen_alike_from_messages_and_from_segmentations(position):
    seen = segmentation(bearing=0.5, position=position)
    (one,), (other,) = sightings_from_objects(objects_message(seen)), sightings_of(seen)
    assert (one.label, one.bearing) == (other.label, other.bearing)
    assert (one.weight, one.elevation) == pytest.approx((other.weight, other.elevation))
    assert one.distance == other.distance
    assert sightings_from_objects(objects_message(segmentation())) == []


@pytest.mark.parametrize(
    "field, value",
    [("score", math.nan), ("score", -0.1), ("score", 3.0), ("area", 0), ("area", 25), ("bearing", math.inf),
     ("bearing", 4.0), ("elevation", math.nan), ("elevation", 2.0)],
)  # fmt: skip
def test_objects_with_implausible_fields_are_not_plausible_sightings(field, value):
    message = objects_message(segmentation(bearing=0.5, position=(0.0, 0.0, 3.0)))
    assert sightings_from_objects(message)[0].is_plausible
    setattr(message.objects[0], field, value)
    assert not sightings_from_objects(message)[0].is_plausible


@pytest.mark.parametrize("axis", "xyz")
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, 301.0])
def test_a_position_that_is_not_finite_or_too_far_is_not_plausible(axis, value):
    message = objects_message(segmentation(bearing=0.5, position=(0.0, 0.0, 3.0)))
    setattr(message.objects[0].position, axis, value)
    assert not sightings_from_objects(message)[0].is_plausible


def test_what_motion_decided_goes_there_and_back():
    seen = segmentation()
    assert objects_message(seen).motion_decision == "" and math.isnan(objects_message(seen).objects[0].motion)
    chosen = replace(seen, objects=(replace(seen.objects[0], motion=0.75),), motion_decision="chosen")
    back = segmentation_from_messages(seen.mask, objects_message(chosen))
    assert back.motion_decision == "chosen" and back.objects[0].motion == 0.75
