"""Fitting `network.in_view`: what tells is found, out of fold, and too little is refused."""

import numpy as np
import torch

from c3n_model.network.in_view import EVIDENCE
from c3n_model.training.in_view_fit import fit_in_view


def seconds(count=200):
    """Of seconds in view the peak is higher; the rest of the evidence is noise."""
    random = np.random.default_rng(0)
    in_view = np.arange(count) % 4 > 0
    evidence = random.normal(size=(count, len(EVIDENCE)))
    evidence[:, EVIDENCE.index("peak")] = np.where(in_view, 3.0, -1.0) + 0.5 * random.normal(size=count)
    return evidence, in_view, np.arange(count) // 5


def test_what_tells_is_found():
    evidence, in_view, clip = seconds()
    fitted = fit_in_view(evidence, np.ones(len(clip), bool), in_view, clip)
    assert int(fitted.in_view.weight.abs().argmax()) == EVIDENCE.index("peak")
    judged = fitted.in_view.judge(torch.from_numpy(evidence).float()).numpy()
    for found in (judged, fitted.out_of_fold):
        assert found[in_view].min() > found[~in_view].max()
    plain = fitted.in_view.plain_view[EVIDENCE.index("peak")].item()
    assert abs(plain - 3) < 0.2


def test_no_second_is_judged_by_what_learnt_from_its_clip():
    """A clip whose evidence speaks against all others is misjudged out of fold."""
    evidence, in_view, clip = seconds()
    odd = clip == 7
    evidence[odd] *= -1
    fitted = fit_in_view(evidence, np.ones(len(clip), bool), in_view, clip)
    assert (fitted.out_of_fold[odd & in_view] < 0.5).all()


def test_only_masks_are_learnt_from():
    evidence, in_view, clip = seconds()
    silent = np.arange(len(clip)) % 3 == 0
    other = evidence.copy()
    other[silent] = 100.0
    fits = [fit_in_view(given, ~silent, in_view, clip) for given in (evidence, other)]
    assert torch.equal(fits[0].in_view.weight, fits[1].in_view.weight)


def test_too_few_masks_of_one_kind_are_refused():
    evidence, in_view, clip = seconds()
    assert fit_in_view(evidence, in_view | (np.arange(len(clip)) < 36), in_view, clip) is None
    assert fit_in_view(evidence, ~in_view, in_view, clip) is None
