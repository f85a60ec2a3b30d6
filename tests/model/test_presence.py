"""The gate between a raw mask and a published one, by hand."""

import numpy as np
import pytest
import torch

from c3n_model.presence import audible_score, judge, loudness_dbfs

AUDIBLE = torch.tensor([True, True, False])


def test_loudness_by_hand():
    assert loudness_dbfs(np.full(100, 0.1, np.float32)) == pytest.approx(-20, abs=1e-4)
    assert loudness_dbfs(np.zeros(100, np.float32)) == -120


def test_score_ignores_classes_that_no_object_makes():
    assert audible_score(torch.tensor([0.0, -2.0, 9.0]), AUDIBLE) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("level", "logit", "audible"), [(0.1, 2.0, True), (0.1, -2.0, False), (0.0005, 2.0, False), (0.002, 2.0, True)]
)
def test_loud_and_recognised(level, logit, audible):
    presence = judge(np.full(100, level, np.float32), torch.tensor([logit, -9.0, 9.0]), AUDIBLE, threshold=0.5)
    assert presence.audible is audible
