"""Evaluation of clips: counts, their order, and refused clips."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from bright_model import Clips, make_bright_model, make_clip, rows
from tiny import make_model_that_listens_back, make_tiny_model

from c3n_model.data.avsbench import AVSBench
from c3n_model.progress import silent
from c3n_model.scoring.evaluate import evaluate, predict
from c3n_model.synthetic.synthesize import synthesize

CPU = torch.device("cpu")


def paint_truth(clip):
    """Return the clip with its truth in white on black, which the model of bright pixels predicts."""
    return make_clip(clip.name, clip.masks, clip.masks, clip.category, snippets=clip.snippets, has_mask=clip.has_mask)


def test_perfect_predictions_score_one(tmp_path):
    synthesize(tmp_path, "ms3", {"test": 2}, seed=5, progress=silent)
    clips = AVSBench(tmp_path, "ms3", "test", 32000)
    model = make_bright_model()
    model = replace(model, config=replace(model.config, image_size=224))
    found = evaluate(model, clips, CPU, silent, alter=paint_truth)
    assert np.array_equal(found.counts.true_positive, [clips[i].masks[k].sum() for i in range(2) for k in range(5)])
    summary = found.summary(batch_size=2)
    assert summary["batch_independent"] == {"miou": pytest.approx(1), "fscore": pytest.approx(1)}
    assert summary["official"] == {"miou": pytest.approx(1), "fscore": pytest.approx(1), "batch_size": 2}
    assert (summary["clips"], summary["frames"]) == (2, 10)


def test_frames_without_a_mask_are_not_scored():
    clip = make_clip("a", rows(0, 4, 0), rows(4, 8, 4), "bell", has_mask=np.array([False, True, False]))
    found = evaluate(make_bright_model(), Clips([clip, make_clip("b", rows(2), rows(2))]), CPU, silent)
    assert found.seconds.tolist() == [1, 0]
    assert found.clip_index.tolist() == [0, 1]
    assert found.clip_ious() == pytest.approx([0.5, 1])
    assert (found.names, found.categories) == (("a", "b"), ("bell", ""))
    assert [(label.audio, label.visual) for label in found.labels] == [("ring", "bell")] * 2


def test_gated_masks_are_empty_where_a_session_would_publish_none():
    """Return a clip with silence in the first second, and a class that the classifier does not predict."""
    loud, silent_second = np.full(100, 0.1, np.float32), np.zeros(100, np.float32)
    clips = Clips([make_clip("a", rows(4, 4), rows(4, 4), snippets=np.stack([silent_second, loud]))])
    model = make_bright_model()
    for visibility_threshold, expected in ((0.0, [0, 1]), (1.0, [0, 0])):
        config = replace(model.config, presence_threshold=0.0, visibility_threshold=visibility_threshold)
        found = evaluate(replace(model, config=config), clips, CPU, silent, gated=True)
        assert (found.counts.true_positive > 0).tolist() == expected
    assert (evaluate(model, clips, CPU, silent).counts.true_positive > 0).all()


def test_clips_are_read_once_and_in_order():
    clips = Clips([make_clip(str(k), rows(k), rows(k)) for k in range(1, 6)])
    titles = []

    def progress(items, title):
        titles.append((len(items), title))
        return items

    found = evaluate(make_bright_model(), clips, CPU, progress)
    assert clips.read == list(range(5))
    assert found.names == tuple("12345")
    assert titles == [(5, "s4 test")]


def test_prediction_is_the_networks_mask(tmp_path):
    synthesize(tmp_path, "s4", {"test": 1}, seed=5, progress=silent)
    clip = AVSBench(tmp_path, "s4", "test", 32000)[0]
    model = make_tiny_model(image_size=224)
    masks, _ = predict(model, clip.frames, clip.snippets, CPU)
    frames = torch.from_numpy(clip.frames).permute(0, 3, 1, 2)[None] / 255
    with torch.no_grad():
        expected = model.network(frames, torch.from_numpy(clip.snippets)[None])[0].sigmoid()
    assert masks == pytest.approx(expected.numpy(), abs=1e-6)


def test_wide_frames_keep_their_size():
    masks, _ = predict(make_bright_model(), np.full((2, 20, 50, 3), 255, np.uint8), np.zeros((2, 8), np.float32), CPU)
    assert masks.shape == (2, 20, 50)
    assert 0.999 < masks.min() <= masks.max() <= 1


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    synthesize(tmp_path, "s4", {"test": 2}, seed=5, progress=silent)
    clips = AVSBench(tmp_path, "s4", "test", 32000)
    clips.clips[1].frames[2].write_bytes(b"no picture")
    with pytest.raises(ValueError, match=f"clip 1 of s4 test.*{clips.clips[1].frames[2]}"):
        evaluate(make_bright_model(), clips, CPU, silent)


def test_a_clip_without_any_mask_is_named():
    clip = make_clip("mute", rows(4), rows(4), has_mask=np.array([False]))
    with pytest.raises(ValueError, match="clip mute of s4 test.*gt_masks"):
        evaluate(make_bright_model(), Clips([clip]), CPU, silent)


def test_a_prediction_that_is_not_finite_names_the_clip():
    model = make_bright_model()
    model.network.scale.data.fill_(torch.nan)
    with pytest.raises(ValueError, match="clip a of s4 test is not finite"):
        evaluate(model, Clips([make_clip("a", rows(4), rows(4))]), CPU, silent)


def test_selected_masks_equal_those_of_the_whole_clip():
    model = make_tiny_model()
    random = np.random.default_rng(0)
    frames = random.integers(0, 255, (4, 30, 40, 3), np.uint8)
    snippets = random.normal(0, 0.1, (4, model.sample_rate)).astype(np.float32)
    select = np.array([False, True, False, True])
    whole, _ = predict(model, frames, snippets, CPU)
    assert predict(model, frames, snippets, CPU, select=select)[0] == pytest.approx(whole[select], abs=1e-6)


def test_selected_seconds_are_gated_by_their_own_sound():
    model = make_bright_model()
    model = replace(model, config=replace(model.config, presence_threshold=0.0))
    frames = np.full((3, 20, 50, 3), 255, np.uint8)
    snippets = np.array([[0.0], [0.1], [0.0]], np.float32) * np.ones(100, np.float32)
    for second, loud in enumerate((False, True, False)):
        masks, _ = predict(model, frames, snippets, CPU, gated=True, select=np.arange(3) == second)
        assert masks.shape == (1, 20, 50) and (masks > 0.5).all() == (masks > 0.5).any() == loud


def test_a_clip_longer_than_the_history_is_decoded_as_a_session_does():
    model = make_model_that_listens_back(history=2)
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (4, 64, 64, 3), np.uint8)
    snippets = np.array([0.9, 0.01, 0.3, 0.05], np.float32)[:, None] * random.normal(size=(4, 32000)).astype(np.float32)
    select = np.array([True, False, False, True])
    masks, decoding = predict(model, frames, snippets, CPU, select=select)
    assert len(masks) == len(decoding.presence) == 2
    for row, second in enumerate((slice(0, 1), slice(2, 4))):
        last = predict(model, frames[second], snippets[second], CPU)[0][-1]
        assert np.abs(masks[row] - last).max() < 1e-5
    whole = predict(replace(model, config=replace(model.config, history=4)), frames, snippets, CPU, select=select)[0]
    assert np.abs(masks - whole).max() > 1e-3, "seconds beyond the history would matter"
