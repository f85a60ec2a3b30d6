"""A visual head: it finds what it was shown, its confidences are frequencies, ImageNet's rows stay."""

import numpy as np
import pytest
import torch

from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.training.visual_head import Examples, VisualHead, classifier_inputs, fit, observe


def examples(pictures=60, crops=6, noise=1.0):
    """Features whose first number tells class "a"; nothing tells class "b"."""
    generator = torch.Generator().manual_seed(0)
    picture = np.repeat(np.arange(pictures), crops)
    shows = torch.tensor([[number % 2 == 0, number % 3 == 0] for number in picture])
    features = torch.randn(len(picture), 8, generator=generator)
    features[:, 0] = features[:, 0] * noise + 2 * shows[:, 0]
    rest = 5 + torch.randn(len(picture), generator=generator)
    return Examples(features, rest, shows.float() * 0.2, picture)


def test_it_finds_what_features_tell_and_says_that_others_are_not_told():
    data = examples()
    rows, biases, scores = fit(data, ["a", "b"])
    assert scores["a"]["auc"] > 0.85 and 0.35 < scores["b"]["auc"] < 0.65, "out of fold"
    assert scores["a"]["calibration_error"] < 0.1 and scores["a"]["pictures"] == 30
    confidence = (data.features @ rows.T + biases - data.rest[:, None]).sigmoid()
    assert float(confidence[:, 0].mean()) == pytest.approx(0.5, abs=0.02)
    assert float(confidence[:, 1].mean()) == pytest.approx(1 / 3, abs=0.02)


def test_the_logit_is_measured_against_the_other_classes():
    """Where ImageNet is surer (a larger logsumexp), the logit has to be larger for the same confidence."""
    data = examples(noise=0.1)
    surer = Examples(data.features, data.rest + 7, data.share, data.picture)
    (row, bias, _), (other_row, other_bias, _) = fit(data, ["a"]), fit(surer, ["a"])
    shift = (data.features @ other_row.T + other_bias) - (data.features @ row.T + bias)
    assert float(shift.mean()) == pytest.approx(7, abs=0.3)


def test_crops_count_the_pixels_of_a_class():
    encoder = VisualEncoder("test_resnet", 5).eval()
    mask = np.zeros((40, 60), bool)
    mask[:, :30] = True
    picture = (np.zeros((40, 60, 3), np.uint8), {"a": mask})
    found = observe(encoder, [picture, picture], ["a", "b"], 32, 3, np.random.default_rng(0))
    assert found.picture.tolist() == [3] * 8 + [4] * 8
    assert found.share[:2, 0].tolist() == [0.5, 0.5] and not found.share[:, 1].any()
    assert len(set(found.share[2:8, 0].tolist())) > 2


def test_features_are_what_the_classifier_reads():
    encoder = VisualEncoder("test_resnet", 5).eval()
    features, logits = classifier_inputs(encoder, torch.rand(2, 3, 32, 32))
    assert torch.allclose(encoder.head()(features), logits)


def test_the_file(tmp_path):
    head = VisualHead(torch.rand(3, 4), torch.rand(3), ("x", "y", "person"), "test_resnet", {"scores": {}})
    head.save(tmp_path / "head.safetensors")
    loaded = VisualHead.load(tmp_path / "head.safetensors")
    assert torch.equal(loaded.weight, head.weight) and loaded.labels == head.labels
    VisualHead(torch.rand(3, 4), torch.rand(3), ("x",), "test_resnet", {}).save(tmp_path / "bad.safetensors")
    with pytest.raises(ValueError, match="1 labels.*\\(3, 4\\)"):
        VisualHead.load(tmp_path / "bad.safetensors")
    with pytest.raises(FileNotFoundError, match="train-visual-head"):
        VisualHead.load(tmp_path / "none.safetensors")
