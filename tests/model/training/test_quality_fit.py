"""Fitting `network.mask_quality`: the IoU is found, out of fold, and too little is refused."""

import numpy as np
import torch

from c3n_model.training.quality_fit import fit_quality


def seconds(count=200):
    """Three of four seconds are in view, with an IoU of 0.8, and of 0.4 if the mask is unsure; what is named says nothing."""
    random = np.random.default_rng(0)
    in_view = np.arange(count) % 4 > 0
    iou = np.where(np.arange(count) % 4 > 1, 0.8, 0.4)
    sure = np.where(in_view, np.where(iou > 0.5, 2.0, 0.0), -2.0)
    return np.stack([random.normal(size=count), sure], axis=1), in_view, iou, np.arange(count) // 5


def fit(evidence, in_view, iou, clip, learnable=None):
    return fit_quality(evidence, np.ones(len(clip), bool) if learnable is None else learnable, in_view, iou, clip)


def test_the_expected_overlap_is_found():
    evidence, in_view, iou, clip = seconds()
    fitted = fit(evidence, in_view, iou, clip)
    for found in (fitted.quality.judge(torch.from_numpy(evidence).float()).numpy(), fitted.out_of_fold):
        for value, those in ((0.8, in_view & (iou > 0.5)), (0.4, in_view & (iou < 0.5)), (0.0, ~in_view)):
            assert abs(found[those].mean() - value) < 0.12
    assert abs(fitted.quality.plain_view[1].item() - 2) < 1e-6


def test_no_second_is_judged_by_what_learnt_from_its_clip():
    """A clip with sure masks of nothing in view: who learnt from it knows better than who did not."""
    evidence, in_view, iou, clip = seconds()
    odd = clip == 7
    evidence[odd, 1], in_view = 100.0, in_view & ~odd
    fitted = fit(evidence, in_view, iou, clip)
    taught = fitted.quality.judge(torch.from_numpy(evidence).float()).numpy()
    assert (fitted.out_of_fold[odd] > 0.95).all() and (taught[odd] < 0.5).all()


def test_only_masks_that_could_be_published_are_learnt_from():
    evidence, in_view, iou, clip = seconds()
    silent = np.arange(len(clip)) % 3 == 0
    other = np.where(silent[:, None], 100.0, evidence)
    fits = [fit(given, in_view, iou, clip, ~silent) for given in (evidence, other)]
    assert torch.equal(fits[0].quality.weight, fits[1].quality.weight)


def test_too_few_masks_of_one_kind_are_refused():
    evidence, in_view, iou, clip = seconds()
    assert fit(evidence, in_view | (np.arange(len(clip)) >= 36), iou, clip) is None
    assert fit(evidence, in_view & (np.arange(len(clip)) < 12), iou, clip) is None
    assert fit(evidence, in_view, 0 * iou, clip) is None
