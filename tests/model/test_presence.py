"""The gate between a raw and a published mask, by hand."""

import numpy as np
import pytest

from c3n_model.presence import decide_presence, loudness_dbfs
from c3n_model.types import REASONS


def test_loudness_by_hand():
    assert loudness_dbfs(np.full(100, 0.1, np.float32)) == pytest.approx(-20, abs=1e-4)
    assert loudness_dbfs(np.zeros(100, np.float32)) == -120


@pytest.mark.parametrize(
    ("level", "score", "audible"), [(0.1, 0.9, True), (0.1, 0.1, False), (0.0005, 0.9, False), (0.002, 0.9, True)]
)
def test_loud_and_recognised(level, score, audible):
    presence = decide_presence(np.full(100, level, np.float32), score, threshold=0.5)
    assert presence.audible is audible and presence.visible
    assert (presence.score, presence.loudness_dbfs) == (score, pytest.approx(20 * np.log10(level)))


@pytest.mark.parametrize("audible", [None, 0.2, 0.5])
def test_a_score_at_the_threshold_is_enough(audible):
    presence = decide_presence(np.full(100, 0.1, np.float32), 0.5, threshold=0.5, audible=audible)
    assert presence.audible and presence.visible


def test_a_sound_that_would_reach_the_threshold_is_heard():
    presence = decide_presence(np.full(100, 0.1, np.float32), 0.1, threshold=0.5, audible=0.5)
    assert presence.audible and not presence.visible


@pytest.mark.parametrize(("visual_score", "present"), [(0.3, True), (0.2, True), (0.1, False)])
def test_a_low_visual_confidence_is_not_in_view(visual_score, present):
    loud = np.full(100, 0.1, np.float32)
    presence = decide_presence(loud, 0.9, threshold=0.5, visual_score=visual_score, visibility_threshold=0.2)
    assert presence.audible and presence.visible is present and presence.present is present
    assert not decide_presence(loud, 0.1, threshold=0.5, visual_score=visual_score, visibility_threshold=0.2).present


@pytest.mark.parametrize(
    ("level", "score", "audible", "visual_score", "reason"),
    [
        (0.1, 0.9, None, 1.0, "sounding"),
        (0.0005, 0.9, None, 1.0, "silent"),
        (0.1, 0.1, None, 1.0, "unsure"),
        (0.1, 0.9, None, 0.1, "not in view"),
        (0.1, 0.1, 0.9, 1.0, "not in view"),
        (0.1, 0.1, 0.2, 1.0, "unsure"),
        (0.1, 0.9, 0.9, 0.1, "not in view"),
        (0.0005, 0.1, 0.9, 0.1, "silent"),
    ],
)
def test_the_reason_explains_an_empty_mask(level, score, audible, visual_score, reason):
    snippet = np.full(100, level, np.float32)
    presence = decide_presence(
        snippet, score, threshold=0.5, audible=audible, visual_score=visual_score, visibility_threshold=0.2
    )
    assert presence.reason == reason and reason in REASONS
    assert presence.present == (reason == "sounding")
