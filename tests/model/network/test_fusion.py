"""The factorised non-local block (Eqs. 13 and 14) against the naive one, which builds the whole matrix Phi."""

import pytest
import torch
from einops import rearrange, repeat

from c3n_model.network.fusion import AtrousPyramid, CrossModalNonLocal


def naive_fusion(block: CrossModalNonLocal, visual: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
    """Eqs. 13 and 14 letter by letter: repeat the audio over space, build Phi (T H W x T H W), apply it."""
    _, _, _, height, width = visual.shape
    positions = rearrange(visual, "b t c h w -> b (t h w) c")
    repeated = repeat(block.audio(audio), "b t c -> b (t h w) c", h=height, w=width)
    phi = block.theta1(positions) @ block.theta2(repeated).transpose(1, 2) / positions.shape[1]
    fused = positions + block.theta4(phi @ block.theta3(positions))
    return rearrange(fused, "b (t h w) c -> b t c h w", h=height, w=width, t=visual.shape[1])


def fuse(block: CrossModalNonLocal, visual: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
    """All frames, as (B, T, C, H, W)."""
    wanted = torch.ones(visual.shape[:2], dtype=torch.bool)
    return block(visual, audio, wanted).unflatten(0, visual.shape[:2])


@pytest.mark.parametrize("frames", [1, 3, 5, 10])
def test_factorised_equals_naive(frames):
    torch.manual_seed(frames)
    block = CrossModalNonLocal(channels=16, audio_channels=12)
    visual, audio = torch.randn(2, frames, 16, 6, 5), torch.randn(2, frames, 12)
    with torch.no_grad():
        difference = (fuse(block, visual, audio) - naive_fusion(block, visual, audio)).abs().max().item()
    assert difference < 1e-5


def test_one_position_by_hand():
    # One frame, one pixel, C = 2, C' = 1: M = V + theta4 * (theta1 V) (theta2 A) (theta3 V) / 1.
    block = CrossModalNonLocal(channels=2, audio_channels=1)
    with torch.no_grad():
        for layer, weight in (
            (block.audio, [[1.0], [2.0]]), (block.theta1, [[1.0, 0.0]]), (block.theta2, [[0.0, 1.0]]),
            (block.theta3, [[1.0, 1.0]]), (block.theta4, [[1.0], [-1.0]]),
        ):  # fmt: skip
            layer.weight.copy_(torch.tensor(weight))
            layer.bias.zero_()
        # V = (3, 4), A = 5 -> mapped (5, 10): (3) * (10) * (7) = 210
        fused = fuse(block, torch.tensor([3.0, 4.0]).view(1, 1, 2, 1, 1), torch.tensor([[[5.0]]]))
    assert fused.flatten().tolist() == [213.0, -206.0]


def test_only_wanted_frames_come_out():
    torch.manual_seed(0)
    for normalise in (False, True):
        block = CrossModalNonLocal(channels=8, audio_channels=4, normalise=normalise).eval()
        visual, audio = torch.randn(2, 5, 8, 3, 3), torch.randn(2, 5, 4)
        wanted = torch.tensor([[True, False, False, False, True], [False, False, True, False, False]])
        assert torch.allclose(fuse(block, visual, audio)[wanted], block(visual, audio, wanted), atol=1e-6)


def test_norms_of_the_authors_code_start_as_identity_plus_layer_norm():
    block = CrossModalNonLocal(channels=8, audio_channels=4, normalise=True)
    visual = torch.randn(1, 2, 8, 3, 3)
    expected = torch.nn.functional.layer_norm(visual.movedim(2, -1), (8,)).movedim(-1, 2)
    assert torch.allclose(fuse(block, visual, torch.randn(1, 2, 4)), expected, atol=1e-6)


def test_pyramid_keeps_the_size():
    assert AtrousPyramid(6, 10)(torch.randn(2, 6, 7, 9)).shape == (2, 10, 7, 9)
