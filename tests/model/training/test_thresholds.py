"""Thresholds of a trained model: the best of the grid on hand-made seconds, and stored by c3n train."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from bright_model import Clips, make_clip
from tiny import make_tiny_model

from c3n_model.network.mask_quality import EVIDENCE, gather_evidence
from c3n_model.progress import silent
from c3n_model.scoring.evaluate import predict
from c3n_model.scoring.metrics import count, frame_iou
from c3n_model.training.thresholds import SHIFTS, SecondScores, choose_gate, fit_gate, fit_masks, score_seconds


def scores(rows):
    """Rows of presence, visibility, in view, IoU, painted; no evidence. Five seconds are a clip."""
    presence, visibility, in_view, iou, painted = zip(*rows)
    return SecondScores(
        np.array(presence), np.array(visibility), np.array(in_view, bool), np.array(iou), np.array(painted, bool),
        np.zeros((len(rows), len(EVIDENCE))), np.arange(len(rows)) // 5,
    )  # fmt: skip


def ambiguous(sure):
    """40 masks, every other of a source in view, all equally audible and visible; `sure`: how sure both kinds are."""
    rows = [(0.5, 0.3, k % 2, 0.7 * (k % 2), True) for k in range(40)]
    found = scores(rows)
    found.evidence[:, EVIDENCE.index("sure")] = np.where(found.in_view, *sure)
    return found


def test_right_masks_are_published_and_wrong_ones_are_not():
    right = [(0.15, 0.3, True, 0.8, True)] * 4
    unheard, unseen = [(0.05, 0.3, False, 0.0, True)] * 2, [(0.9, 0.004, False, 0.0, True)] * 2
    gate = choose_gate(scores(right + unheard + unseen))
    assert 0.05 < gate.presence_threshold <= 0.15 and 0.004 < gate.visibility_threshold <= 0.3
    assert (gate.iou_in_view, gate.painted_without) == (0.8, 0.0)
    assert (gate.seconds_in_view, gate.seconds_without) == (4, 4)


def test_a_network_that_keeps_its_mask_empty_needs_no_gate():
    gate = choose_gate(scores([(0.01, 0.0, True, 0.7, True), (0.9, 0.9, False, 1.0, False)]))
    assert (gate.presence_threshold, gate.visibility_threshold) == (0, 0)


def test_silence_is_never_published():
    gate = choose_gate(scores([(0.5, 0.5, True, 0.7, True), (-1.0, 0.9, False, 0.0, True)]))
    assert gate.painted_without == 0 and gate.presence_threshold == 0


def test_nothing_is_chosen_from_one_kind_of_seconds():
    assert choose_gate(scores([(0.5, 0.5, True, 0.7, True)])) is None
    assert choose_gate(scores([(0.5, 0.5, False, 0.0, True)])) is None


def test_a_weak_network_is_not_silenced():
    """Masks of IoU 0.05, two thirds of which are surer than the wrong ones."""
    right = [(0.8, 0.5, True, 0.05, True)] * 6 + [(0.2, 0.5, True, 0.05, True)] * 3
    gate = choose_gate(scores(right + [(0.5, 0.5, False, 0.0, True)] * 9))
    assert 0.5 < gate.presence_threshold <= 0.8
    assert gate.painted_without == 0 and abs(gate.iou_in_view - 0.05 * 6 / 9) < 1e-9
    assert (gate.iou_ungated, gate.painted_ungated) == (0.05, 1.0)


def test_the_network_judges_its_masks_where_that_is_better():
    model, gate = fit_gate(make_tiny_model(), ambiguous((4.0, 1.0)))
    assert abs(gate.iou_in_view - 0.7) < 1e-9 and (gate.painted_without, gate.visibility_threshold) == (0, 0)
    assert model.config.presence_threshold == gate.presence_threshold > 0
    judged = model.network.mask_quality.judge(torch.from_numpy(ambiguous((4.0, 1.0)).evidence).float()).numpy()
    assert ((judged >= gate.presence_threshold) == ambiguous((4.0, 1.0)).in_view).all()


def test_and_only_there():
    told = ambiguous((2.0, 2.0))
    told = replace(told, presence=np.where(told.in_view, 0.6, 0.4))
    model, gate = fit_gate(make_tiny_model(), told)
    assert model.network.mask_quality is None and gate.painted_without == 0
    assert 0.4 < model.config.presence_threshold <= 0.6


def test_a_model_stays_as_it_is_without_seconds_of_both_kinds():
    model = make_tiny_model()
    assert fit_gate(model, scores([(0.5, 0.5, True, 0.7, True)] * 30)) == (model, None)


def test_the_logits_get_the_shift_with_the_best_masks():
    """Masks of IoU 0.3 as they are, 0.6 with 1.5 more; beyond that they are worse. The gate is fitted to the shifted ones."""
    right, wrong = (0.9, 0.5, True), (0.1, 0.5, False, 0.0, True)
    by_shift = {s: scores([(*right, iou, True)] * 4 + [wrong] * 4) for s, iou in ((0.0, 0.3), (1.5, 0.6), (2.0, 0.5))}
    model = make_tiny_model()
    before = model.network.decoder.classify.bias.clone()
    model, about = fit_masks(model, by_shift)
    assert torch.allclose(model.network.decoder.classify.bias, before + 1.5)
    assert (about["mask_shift"], about["iou_unshifted"], about["iou_in_view"]) == (
        1.5,
        pytest.approx(0.3),
        pytest.approx(0.6),
    )


def test_without_a_gate_nothing_is_shifted():
    model = make_tiny_model()
    before = model.network.decoder.classify.bias.clone()
    fitted, about = fit_masks(model, {s: scores([(0.9, 0.5, True, s / 2, True)]) for s in (0.0, 1.0)})
    assert about is None and fitted is model and torch.equal(model.network.decoder.classify.bias, before)


def test_seconds_are_scored_as_a_shifted_network_would_paint_them():
    model = make_tiny_model()
    random = np.random.default_rng(0)
    masks = np.zeros((2, 64, 64), bool)
    masks[0, :20] = True
    frames = random.integers(0, 256, (2, 64, 64, 3), np.uint8)
    snippets = 0.1 * random.normal(size=(2, 32000)).astype(np.float32)
    snippets[1] = 0
    clip = make_clip("a", frames[..., 0] > 0, masks, snippets=snippets)
    clip = replace(clip, frames=frames)
    found = score_seconds(model, [Clips([clip])], torch.device("cpu"), silent)
    assert list(found) == SHIFTS.tolist()
    scored = found[2.5]
    assert scored.in_view.tolist() == [True, False] and scored.presence[1] == -1 and scored.clip.tolist() == [0, 0]
    with torch.no_grad():
        model.network.decoder.classify.bias += 2.5
    shifted, decoding = predict(model, frames, snippets, torch.device("cpu"))
    assert scored.iou == pytest.approx(frame_iou(count(shifted > 0.5, masks)))
    assert scored.iou[0] > found[0.0].iou[0]
    expected = gather_evidence(decoding.logits, decoding.consensus.audio_score).numpy()
    assert np.allclose(scored.evidence, expected, atol=1e-4) and not np.allclose(
        found[0.0].evidence, expected, atol=1e-2
    )
