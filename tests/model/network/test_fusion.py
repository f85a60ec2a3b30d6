"""The factorised non-local block (Eqs. 13 and 14) against the naive one, which builds the whole matrix Phi."""

import pytest
import torch

from c3n_model.network.fusion import (
    AtrousPyramid,
    CrossModalNonLocal,
    SummedPyramid,
    build_pyramid,
    join_contributions,
    naive_non_local,
    tap_means,
    upsample,
)


def context_of(block: CrossModalNonLocal, visual: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
    """The context of each clip, (B, C', C')."""
    contributions = block.contribute(visual.mean(dim=(3, 4)).flatten(0, 1), audio.flatten(0, 1))
    return join_contributions(contributions.unflatten(0, visual.shape[:2]))


def fuse(block: CrossModalNonLocal, visual: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
    """Fuse all frames; returns (B, T, C, H, W)."""
    context = context_of(block, visual, audio).repeat_interleave(visual.shape[1], dim=0)
    return block(visual.flatten(0, 1), context).unflatten(0, visual.shape[:2])


def block_by_hand() -> CrossModalNonLocal:
    """C = 2, C' = 1: theta1 V = V_1, theta2 A = 2 A, theta3 V = V_1 + V_2, theta4 y = (y, -y)."""
    block = CrossModalNonLocal(channels=2, audio_channels=1)
    for layer, weight in (
        (block.audio, [[1.0], [2.0]]), (block.theta1, [[1.0, 0.0]]), (block.theta2, [[0.0, 1.0]]),
        (block.theta3, [[1.0, 1.0]]), (block.theta4, [[1.0], [-1.0]]),
    ):  # fmt: skip
        layer.weight.data = torch.tensor(weight)
        layer.bias.data.zero_()
    return block


@pytest.mark.parametrize("frames", [1, 3, 5, 10])
def test_factorised_equals_naive(frames):
    torch.manual_seed(frames)
    block = CrossModalNonLocal(channels=16, audio_channels=12)
    visual, audio = torch.randn(2, frames, 16, 6, 5), torch.randn(2, frames, 12)
    with torch.no_grad():
        difference = (fuse(block, visual, audio) - naive_non_local(block, visual, audio)).abs().max().item()
    assert difference < 1e-5


def test_one_position_by_hand():
    # One frame, one pixel, C = 2, C' = 1: M = V + theta4 * (theta1 V) (theta2 A) (theta3 V) / 1.
    block = block_by_hand()
    with torch.no_grad():
        # V = (3, 4), A = 5 -> mapped (5, 10): (3) * (10) * (7) = 210
        fused = fuse(block, torch.tensor([3.0, 4.0]).view(1, 1, 2, 1, 1), torch.tensor([[[5.0]]]))
    assert fused.flatten().tolist() == [213.0, -206.0]


def test_attention_by_hand_is_the_sum_of_phis_rows():
    # Two frames of one pixel, theta1 V = 3 and 2; theta2 A = 10 and 4, whose mean is 7.
    visual, audio = torch.tensor([[3.0, 4.0], [2.0, 9.0]]).view(1, 2, 2, 1, 1), torch.tensor([[[5.0], [2.0]]])
    assert block_by_hand().attention(visual, audio).flatten().tolist() == [21.0, 14.0]


def test_a_frame_needs_of_others_only_what_they_contribute():
    torch.manual_seed(0)
    for normalise in (False, True):
        block = CrossModalNonLocal(channels=8, audio_channels=4, normalise=normalise).eval()
        visual, audio = torch.randn(2, 5, 8, 3, 3), torch.randn(2, 5, 4)
        newest = block(visual[:, -1], context_of(block, visual, audio))
        assert torch.allclose(fuse(block, visual, audio)[:, -1], newest, atol=1e-6)


def test_norms_of_the_authors_code_start_as_identity_plus_layer_norm():
    block = CrossModalNonLocal(channels=8, audio_channels=4, normalise=True)
    visual = torch.randn(1, 2, 8, 3, 3)
    expected = torch.nn.functional.layer_norm(visual.movedim(2, -1), (8,)).movedim(-1, 2)
    assert torch.allclose(fuse(block, visual, torch.randn(1, 2, 4)), expected, atol=1e-6)


@pytest.mark.parametrize("form", ["aspp", "tpavi"])
def test_pyramids_keep_the_size(form):
    assert build_pyramid(form, 6, 10)(torch.randn(2, 6, 7, 9)).shape == (2, 10, 7, 9)


def test_the_form_of_a_pyramid_is_one_of_two():
    assert isinstance(build_pyramid("aspp", 2, 2), AtrousPyramid)
    with pytest.raises(ValueError, match="pyramid.*'sum'.*aspp, tpavi"):
        build_pyramid("sum", 2, 2)


def test_summed_pyramid_by_hand():
    pyramid = SummedPyramid(1, 1)
    with torch.no_grad():
        for number, conv in enumerate(pyramid.atrous, start=1):
            conv.weight.fill_(number)
            conv.bias.fill_(0.5)
        picture = torch.zeros(1, 1, 41, 41)
        picture[0, 0, 20, 20] = 10
        row = pyramid(picture)[0, 0, 20]
    expected = torch.full((41,), 4 * 0.5)
    expected[20] += 10 * (1 + 2 + 3 + 4)  # all four at the point itself
    for number, rate in enumerate((3, 6, 12, 18), start=1):
        expected[[20 - rate, 20 + rate]] += 10 * number  # and each at its own distance
    assert torch.equal(row, expected)


def test_summed_pyramid_starts_small():
    torch.manual_seed(0)
    weights = torch.cat([conv.weight.flatten() for conv in SummedPyramid(32, 32).atrous])
    assert weights.std().item() == pytest.approx(0.01, rel=0.05)


def test_tap_means_by_hand():
    """A row of four: one to the left the tap sees 1 2 3, two to the right 3 4, five away only zeros."""
    means = tap_means(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]]), (1, 2, 5))[0, 0]
    assert means.shape == (7, 7)
    assert (means * 4).tolist()[3] == [0, 3, 6, 10, 9, 7, 0]
    assert not means[[0, 1, 2, 4, 5, 6]].any()  # there is one row


@pytest.mark.parametrize("form", ["aspp", "tpavi"])
@pytest.mark.parametrize("size", [(2, 2), (7, 7), (5, 14), (30, 40)])
def test_the_mean_of_a_pyramid_is_that_of_its_map_and_so_is_its_gradient(form, size):
    torch.manual_seed(0)
    pyramid = build_pyramid(form, 6, 10).double()
    features, direction = torch.randn(3, 6, *size, dtype=torch.float64), torch.randn(3, 10, dtype=torch.float64)
    parts = [features.requires_grad_(), *pyramid.parameters()]
    means = [pyramid(features).mean(dim=(2, 3)), pyramid.mean(features)]
    torch.testing.assert_close(*means, rtol=1e-9, atol=1e-12)
    gradients = [torch.autograd.grad((mean * direction).sum(), parts) for mean in means]
    for expected, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("in_channels", [16, 24, 40])
def test_gradients_in_half_precision_are_finite(in_channels):
    """Torch's kernels for CPUs with AVX-512 give NaN or end the process if 16 does not divide the input channels."""
    torch.manual_seed(0)
    pyramid = AtrousPyramid(in_channels, 32).to(memory_format=torch.channels_last)
    features = torch.randn(2, in_channels, 32, 32).to(memory_format=torch.channels_last)
    full = pyramid(features)
    with torch.autocast("cpu", torch.bfloat16):
        half = pyramid(features)
    half.float().square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in pyramid.parameters())
    assert (half.float() - full).abs().max() < 0.1


def test_upsampling_by_hand():
    ramp = torch.tensor([[[[0.0, 4.0]]]])
    assert upsample(ramp, (1, 4)).flatten().tolist() == [0, 1, 3, 4], "by the pixels' areas"
    assert upsample(ramp, (2, 5), align_corners=True)[0, 0].tolist() == [[0, 1, 2, 3, 4]] * 2, "by the corners' centres"
