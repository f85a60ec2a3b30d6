"""Where the class is: against hooks and loops, on a backbone small enough to follow, and on a coloured square."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.zero_shot.localise import AFFINITY_POWER, AFFINITY_STEPS, class_activation, grabcut, spread

CLASSES = 6


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return VisualEncoder("test_resnet", CLASSES).eval()


@pytest.fixture
def frames():
    return torch.rand(3, 3, 96, 96, generator=torch.Generator().manual_seed(1))


def members_of(*rows: tuple[int, ...]) -> torch.Tensor:
    members = torch.zeros(len(rows), CLASSES, dtype=torch.bool)
    for row, classes in enumerate(rows):
        members[row, list(classes)] = True
    return members


def naive_activation(encoder: VisualEncoder, frame: torch.Tensor, classes: list[int]) -> torch.Tensor:
    """Grad-CAM of the last stage times the root of LayerCAM of the one before, by hooks and a backward pass."""
    kept = {}

    def keep(name):
        def hook(module, inputs, output):
            output.retain_grad()
            kept[name] = output

        return hook

    backbone = encoder.backbone
    hooks = [getattr(backbone, name).register_forward_hook(keep(name)) for name in ("layer3", "layer4")]
    logits = backbone((frame[None] - encoder.mean) / encoder.std)[0]
    for hook in hooks:
        hook.remove()
    sum(logits[index].exp() for index in classes).log().backward()
    last, before = kept["layer4"], kept["layer3"]
    coarse = torch.zeros(last.shape[2:])
    for channel in range(last.shape[1]):
        coarse += last.grad[0, channel].mean() * last.detach()[0, channel]
    fine = torch.zeros(before.shape[2:])
    for channel in range(before.shape[1]):
        fine += before.grad[0, channel].clamp(min=0) * before.detach()[0, channel].clamp(min=0)
    coarse = F.interpolate(coarse.clamp(min=0)[None, None], size=fine.shape, mode="bilinear", align_corners=False)[0, 0]
    product = (coarse / coarse.max()).sqrt() * (fine / fine.max()) ** 0.25
    return product / product.max()


def test_activation_is_grad_cam_times_layer_cam(encoder, frames):
    found, features = class_activation(encoder, frames, members_of((1,), (1, 3), (3, 5)))
    assert found.shape == (3, 6, 6)
    assert features.shape[::2] == (3, 6)
    for frame, activation, classes in zip(frames, found, ([1], [1, 3], [3, 5]), strict=True):
        expected = naive_activation(encoder, frame, classes)
        assert (activation - expected).abs().max().item() < 1e-3
    assert found.min().item() >= 0
    assert found.amax(dim=(1, 2)).tolist() == pytest.approx([1, 1, 1])


def test_activation_does_not_depend_on_the_batch_and_needs_no_graph(encoder, frames):
    members = members_of((5,), (1, 2), (3,))
    together, features = class_activation(encoder, frames, members)
    with torch.no_grad():
        alone = [class_activation(encoder, frames[i : i + 1], members[i : i + 1])[0] for i in range(3)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)
    assert not together.requires_grad
    assert not features.requires_grad
    assert all(parameter.grad is None for parameter in encoder.parameters())


class Colours(nn.Module):
    """A backbone to compute by hand: both stages are the picture; the classes are red, green, and not blue."""

    def forward_intermediates(self, frames):
        earlier = frames * 1.0
        deepest = earlier * 1.0
        return deepest, [earlier, deepest]

    def forward_head(self, deepest):
        return deepest.mean(dim=(2, 3)) * torch.tensor([1.0, 1.0, -1.0])


def test_activation_by_hand():
    encoder = SimpleNamespace(backbone=Colours(), mean=torch.zeros(1), std=torch.ones(1))
    frames = torch.zeros(2, 3, 1, 2)
    frames[:, 0, 0] = torch.tensor([0.25, 1.0])  # red: a quarter on the left, all on the right
    frames[:, 2] = 0.5
    found, _ = class_activation(encoder, frames, torch.tensor([[True, False, False], [False, False, True]]))
    # Red: Grad-CAM and LayerCAM are both (0.25, 1) of their maximum: sqrt(0.25 * sqrt(0.25)).
    assert found[0, 0].tolist() == pytest.approx([(0.25 * 0.5) ** 0.5, 1.0])
    assert found[1].tolist() == [[0, 0]]  # nothing speaks for a class that blue speaks against


def naive_spread(activation: np.ndarray, features: np.ndarray) -> np.ndarray:
    height, width = activation.shape
    places = [(y, x) for y in range(height) for x in range(width)]
    for _ in range(AFFINITY_STEPS):
        walked = np.zeros_like(activation)
        for here in places:
            weights = []
            for there in places:
                a, b = features[:, here[0], here[1]], features[:, there[0], there[1]]
                cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
                weights.append(max(cosine, 0) ** AFFINITY_POWER)
            walked[here] = sum(weight * activation[there] for weight, there in zip(weights, places)) / sum(weights)
        activation = walked
    return activation / activation.max()


def test_spread_is_a_random_walk():
    random = np.random.default_rng(0)
    activation, features = random.random((2, 3, 4)), random.normal(size=(2, 5, 3, 4))
    found = spread(torch.from_numpy(activation), torch.from_numpy(features)).numpy()
    for index in range(2):
        assert np.allclose(found[index], naive_spread(activation[index], features[index]))


def test_spread_reaches_all_positions_with_similar_features():
    features = torch.zeros(1, 2, 1, 4)
    features[0, 0, 0, :2], features[0, 1, 0, 2:] = 1.0, 3.0
    assert spread(torch.tensor([[[1.0, 0, 0, 0]]]), features)[0, 0].tolist() == pytest.approx([1, 1, 0, 0])


def test_spread_without_activation_or_features():
    assert not spread(torch.zeros(1, 2, 2), torch.rand(1, 3, 2, 2)).any()
    features = torch.rand(1, 3, 2, 2)
    features[..., 0, 0] = 0
    assert torch.isfinite(spread(torch.rand(1, 2, 2), features)).all()


def make_square() -> tuple[torch.Tensor, torch.Tensor]:
    """A red square on green, and an activation whose core lies within: (1, 14, 14) and (1, 3, 112, 112)."""
    frame = torch.zeros(1, 3, 112, 112)
    frame[:, 1] = 0.7
    frame[:, 1, 32:80, 40:96], frame[:, 0, 32:80, 40:96] = 0.1, 0.9
    frame += 0.02 * torch.rand(frame.shape, generator=torch.Generator().manual_seed(0))
    activation = torch.zeros(1, 14, 14)
    activation[:, 3:11, 4:13] = 0.65
    activation[:, 5:9, 6:11] = 1.0
    return frame.clamp(0, 1), activation


def test_grabcut_finds_the_square():
    frame, activation = make_square()
    mask = grabcut(activation, frame, threshold=0.6, side=224)[0]
    expected = torch.zeros(224, 224)
    expected[64:160, 80:192] = 1
    intersection, union = (mask * expected).sum(), (mask + expected).clamp(max=1).sum()
    assert set(mask.unique().tolist()) == {0, 1}
    assert (intersection / union).item() > 0.95


def test_grabcut_is_deterministic():
    frame, activation = make_square()
    frame = torch.rand(frame.shape, generator=torch.Generator().manual_seed(0))
    first, second = (grabcut(activation, frame, threshold=0.6, side=224) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0.0), (0.5, 0.0), (0.7, 1.0), (1.0, 1.0)])
def test_grabcut_without_both_kinds_of_seeds_is_the_threshold(value, expected):
    mask = grabcut(torch.full((1, 4, 4), value), torch.rand(1, 3, 32, 32), threshold=0.6, side=224)
    assert mask.unique().tolist() == [expected]


def test_grabcut_with_a_single_seed():
    activation = torch.zeros(1, 224, 224)
    activation[0, 100, 100] = 1.0
    assert grabcut(activation, torch.rand(1, 3, 224, 224), threshold=0.6, side=224).sum().item() < 224 * 224 / 2
