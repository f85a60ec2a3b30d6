"""Figures 5 to 10 for a tiny network on noise: their text agrees with the network's output."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from tiny import make_tiny_model

from c3n_model.experiments.paper import figures
from c3n_model.experiments.paper.baselines import TPAVI
from c3n_model.experiments.paper.noise import add_visual_noise
from c3n_model.preprocess import frames_to_tensor
from c3n_model.scoring.evaluate import predict
from c3n_model.scoring.metrics import count, frame_iou
from c3n_model.types import Clip

CPU = torch.device("cpu")


def make_clip(seed=0, **changes):
    random = np.random.default_rng(seed)
    frames = cv2.GaussianBlur(random.integers(0, 256, (48, 64, 15), np.uint8), (0, 0), 6).reshape(48, 64, 5, 3)
    frames = cv2.normalize(np.moveaxis(frames, 2, 0), None, 0, 255, cv2.NORM_MINMAX)
    snippets = random.normal(0, 0.1, (5, 32000)).astype(np.float32)
    masks = np.zeros((5, 48, 64), bool)
    masks[:, 8:40, 8:32] = True
    clip = Clip(f"noise_{seed}", frames, snippets, masks, np.ones(5, bool))
    return replace(clip, **changes)


def make_model(**settings):
    """Return a tiny model whose masks cover about half of `make_clip`'s pixels, so that scores are not trivially 0 or 1."""
    model = make_tiny_model(**settings)
    clip = make_clip()
    with torch.no_grad():
        logits = model.network(frames_to_tensor(clip.frames, 64)[None], torch.from_numpy(clip.snippets)[None])
        model.network.decoder.classify.bias -= logits.median()
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


def size(path):
    height, width, _ = cv2.imread(str(path)).shape
    return width, height


def scores(model, clip):
    masks = predict(model, clip.frames, clip.snippets, CPU)[0] > 0.5
    return [f"IoU {iou:.2f}" for iou in frame_iou(count(masks, clip.masks))]


def test_examples(model, tmp_path):
    other, clips = make_model(audio_features=False), [make_clip(0), make_clip(1, category="cat_meowing")]
    words = figures.draw_examples(tmp_path / "5.png", clips, {"A": model, "B": other}, CPU)
    first, second = words[:5], words[5:]
    assert first[:3] == ["noise_0", "frame", "truth"]
    assert second[0] == "cat meowing: noise_1"
    for block, clip in ((first, clips[0]), (second, clips[1])):
        assert block[3:] == [f"{name}: {' | '.join(scores(m, clip))}" for name, m in (("A", model), ("B", other))]
    assert size(tmp_path / "5.png")[0] > 2 * 5 * 150  # two clips of five seconds


def test_frames_without_a_mask_have_no_score(model, tmp_path):
    clip = make_clip(has_mask=np.array([True, False, False, False, False]))
    _, _, truth, masks = figures.draw_examples(tmp_path / "5.png", [clip], {"A": model}, CPU)
    assert truth == "truth:  | not annotated | not annotated | not annotated | not annotated"
    assert masks == f"A: {scores(model, clip)[0]} |  |  |  | "


def test_frames_in_which_nothing_sounds_say_so(model, tmp_path, monkeypatch):
    monkeypatch.setattr(
        figures, "predict", lambda *_: (np.broadcast_to(np.arange(64) < 16, (5, 48, 64)).astype(float), None)
    )
    clip = make_clip(masks=np.zeros((5, 48, 64), bool))
    *_, masks = figures.draw_examples(tmp_path / "5.png", [clip], {"A": model}, CPU)
    assert masks == f"A: {' | '.join(['empty truth 0.75'] * 5)}"


def test_consensus_of_a_second_has_the_mask_of_the_whole_clip(model, tmp_path):
    clip = make_clip()
    titles = figures.draw_consensus(tmp_path / "6.png", clip, 1, model, CPU)
    fraction = (predict(model, clip.frames, clip.snippets, CPU)[0][1] > 0.5).mean()
    assert titles[:4] == [
        "frame", "heard: confidence^0.1", "seen: confidence^0.1", f"mask: {100 * fraction:.1f} % of the image",
    ]  # fmt: skip
    assert size(tmp_path / "6.png") == (1600, 900)
    with pytest.raises(ValueError, match="0 to 4 of clip noise_0, got 5"):
        figures.draw_consensus(tmp_path / "6.png", clip, 5, model, CPU)


def test_attention(model, tmp_path):
    clip, tpavi = make_clip(), make_tiny_model(**TPAVI)
    words = figures.draw_attention(tmp_path / "7.png", clip, tpavi, model, CPU)
    images, sounds = frames_to_tensor(clip.frames, 64), torch.from_numpy(clip.snippets)
    with torch.no_grad():
        responses = tpavi.network.fusion_attention(tpavi.network.encode(images, sounds), 5)[2].abs()
        guided = model.network.linear_attention(images, sounds)[2]
    ranges = [[f"{values.min():.3g} to {values.max():.3g}" for values in maps] for maps in (responses, guided)]
    assert words[:3] == ["noise_0", "frame", "truth"]
    assert words[3] == f"TPAVI audio-visual attention: {' | '.join(ranges[0])}"
    labels = [f"{label.audio} ~ {label.visual}" for label in figures.consensus_labels(model, clip, CPU)]
    cells = [f"{span} {label}" for span, label in zip(ranges[1], labels, strict=True)]
    assert words[4] == f"C3N attention of CCAM: {' | '.join(cells)}"


def test_models_without_attention_are_refused(model, tmp_path):
    with pytest.raises(ValueError, match="c3n.*consensus"):
        figures.draw_attention(tmp_path / "7.png", make_clip(), model, make_tiny_model(**TPAVI), CPU)
    with pytest.raises(ValueError, match="tpavi.*audio_features"):
        figures.draw_attention(tmp_path / "7.png", make_clip(), make_tiny_model(audio_features=False), model, CPU)


def test_fusion(model, tmp_path):
    clip, without = make_clip(), make_model(audio_features=False)
    words = figures.draw_fusion(tmp_path / "8.png", clip, model, without, CPU)
    assert [line.split(":")[0] for line in words] == [
        "noise_0", "frame", "truth",
        "features without fusion", "mask without fusion", "features with fusion", "mask with fusion",
    ]  # fmt: skip
    images, sounds = frames_to_tensor(clip.frames, 64), torch.from_numpy(clip.snippets)
    with torch.no_grad():
        plain, fused = (
            network.fuse(network.encode(images, sounds), torch.ones(1, 5, dtype=torch.bool))[1].mean(dim=1)
            for network in (without.network, model.network)
        )
    for line, maps in ((words[3], plain), (words[5], fused)):
        assert line.split(": ")[1] == " | ".join(f"{values.min():.3g} to {values.max():.3g}" for values in maps)
    assert words[4].endswith(" | ".join(scores(without, clip)))
    assert words[6].endswith(" | ".join(scores(model, clip)))


def test_failures_are_the_worst_first(model, tmp_path, monkeypatch):
    """With the left half predicted, truths that are the left n columns have an IoU of n / 32."""
    left = np.arange(64) < 32
    monkeypatch.setattr(figures, "predict", lambda *_: (np.broadcast_to(left, (5, 48, 64)).astype(float), None))
    masks = [np.broadcast_to(np.arange(64) < columns, (5, 48, 64)) for columns in (24, 8, 32, 16)]
    clips = [make_clip(seed, masks=mask) for seed, mask in enumerate(masks)]
    clips.append(make_clip(9, has_mask=np.zeros(5, bool)))
    words = figures.draw_failures(tmp_path / "9.png", clips, model, CPU, count=3)
    assert words[::4] == ["noise_1: mean IoU 0.25", "noise_3: mean IoU 0.50", "noise_0: mean IoU 0.75"]
    labels = figures.consensus_labels(model, clips[1], CPU)
    cells = [f"IoU 0.25 {label.audio} ~ {label.visual}" for label in labels]
    assert words[1:4] == ["frame", "truth", f"C3N: {' | '.join(cells)}"]
    assert len(words) == 3 * 4
    figures.draw_failures(tmp_path / "one.png", clips, model, CPU, count=1)
    assert size(tmp_path / "9.png")[1] > 2.5 * size(tmp_path / "one.png")[1]


def test_noise(model, tmp_path):
    clip = make_clip()
    words = figures.draw_noise(tmp_path / "10.png", clip, model, CPU, snrs=(None, 20, -5))
    assert words[:3] == ["noise_0", "truth", "no noise"]
    assert words[3] == f"mask no noise: {' | '.join(scores(model, clip))}"
    assert (words[4], words[6]) == ("SNR 20 dB", "SNR -5 dB")
    assert words[7] == f"mask SNR -5 dB: {' | '.join(scores(model, add_visual_noise(clip, -5, 0)))}"
