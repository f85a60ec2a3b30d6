"""The rewritten network computes what the plain one does, for every combination of its settings."""

from itertools import product

import pytest
import torch
from tiny import make_model_that_listens_back, make_tiny_model
from torch import nn
from torch.nn import functional as F

from c3n_model.network.fusion import build_pyramid
from c3n_model.network.prepared import FoldedFusion, MergedPyramid, UpsampledConv, prepare
from c3n_model.network.upsampled_conv import shifted_upsampling

SETTINGS = [
    {"fusion_norm": norm, "decoder": decoder, "pyramid": pyramid}
    for norm, decoder, pyramid in product((False, True), ("plain", "authors"), ("aspp", "tpavi"))
]


def make_clip(size=(64, 64), frames=3):
    generator = torch.Generator().manual_seed(3)
    loudness = torch.tensor([0.5, 0.05, 0.005])[:frames, None]
    return torch.rand(frames, 3, *size, generator=generator), loudness * torch.randn(frames, 32000, generator=generator)


@torch.no_grad()
def with_norms_that_learnt(network):
    """Give the norms of the fusions statistics and weights that are no identity."""
    generator = torch.Generator().manual_seed(5)
    for fusion in network.fusions:
        if fusion.batch_norm is not None:
            for values in (*fusion.batch_norm.parameters(), *fusion.layer_norm.parameters()):
                values += torch.rand(values.shape, generator=generator)
            fusion.batch_norm.running_mean += torch.rand(values.shape, generator=generator)
            fusion.batch_norm.running_var += torch.rand(values.shape, generator=generator)
    return network


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(map(str, settings.values())))
@torch.no_grad()
def test_the_rewritten_network_computes_the_same(settings):
    network = with_norms_that_learnt(make_model_that_listens_back(**settings).network)
    frames, snippets = make_clip()
    every = torch.ones(1, 3, dtype=torch.bool)
    for gate in ("gradient", "unit", "standard"):
        network.gate = gate
        plain, fast = (one.decode(one.encode(frames, snippets), every) for one in (network, prepare(network)))
        assert plain.logits.std() > 1e-3
        torch.testing.assert_close(fast.logits, plain.logits, rtol=1e-5, atol=1e-5)
        for name in ("audio_logits", "visual_logits", "presence"):
            torch.testing.assert_close(getattr(fast, name), getattr(plain, name), rtol=1e-5, atol=1e-5)
        assert torch.equal(fast.consensus.visual_class, plain.consensus.visual_class)


@pytest.mark.parametrize(
    "settings",
    [{"consensus": "none"}, {"consensus": "visual"}, {"audio_features": False}, {"visual": "pvt_v2_b0", "cam_point": "before_norm"}],
    ids=lambda settings: "-".join(map(str, settings.values())),
)  # fmt: skip
@torch.no_grad()
def test_so_do_the_ablations_and_a_stream(settings):
    network = make_model_that_listens_back(**settings).network
    frames, snippets = make_clip((64, 96))
    expected = network(frames[None], snippets[None])[0, -1]
    fast = prepare(network)
    seconds = [fast.encode(frames[t : t + 1], snippets[t : t + 1]) for t in range(3)]
    found = fast.decode_newest(seconds[-1], [fast.summarise(second) for second in seconds]).logits[0]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_network_itself_stays_as_it_was():
    network = make_tiny_model().network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    learning = {name for name, value in network.named_parameters() if value.requires_grad}
    fast = prepare(network)
    pointers = {value.data_ptr() for value in network.audio_encoder.parameters() if value.dim() < 4}
    assert pointers <= {value.data_ptr() for value in fast.audio_encoder.parameters()}, "weights are shared"
    assert not any(value.requires_grad for value in fast.parameters())
    fast.double()
    assert {name for name, value in network.named_parameters() if value.requires_grad} == learning
    assert network.state_dict().keys() == before.keys()
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]) and value.is_contiguous()


@torch.no_grad()
def test_bfloat16_changes_masks_a_little_and_labels_not_at_all():
    network = make_tiny_model(channels=32).network
    frames, snippets = make_clip()
    every = torch.ones(1, 3, dtype=torch.bool)
    exact, rounded = (
        one.decode(one.encode(frames, snippets), every) for one in (network, prepare(network, precision="bfloat16"))
    )
    assert rounded.logits.dtype == torch.float32
    assert 0 < (exact.logits - rounded.logits).abs().max() < 0.05
    for name in ("audio_class", "visual_class"):
        assert torch.equal(getattr(exact.consensus, name), getattr(rounded.consensus, name))
    torch.testing.assert_close(rounded.consensus.consensus, exact.consensus.consensus, rtol=1e-5, atol=0)
    with pytest.raises(ValueError, match="precision.*'float16'.*float32, bfloat16"):
        prepare(network, precision="float16")


@pytest.mark.parametrize("form", ["aspp", "tpavi"])
@pytest.mark.parametrize("size", [(2, 2), (3, 9), (7, 7), (5, 14), (40, 21)])
@torch.no_grad()
def test_a_merged_pyramid_and_its_mean(form, size):
    torch.manual_seed(0)
    plain = build_pyramid(form, 6, 10)
    merged, features = MergedPyramid(plain, torch.float32), torch.randn(2, 6, *size)
    expected = plain(features)
    torch.testing.assert_close(merged(features), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(merged.mean(features), expected.mean(dim=(2, 3)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(
    ("size", "upsampled"), [((56, 56), (112, 112)), ((8, 5), (16, 10)), ((1, 3), (32, 33)), ((7, 9), (7, 20)), ((40, 40), (30, 90))]
)  # fmt: skip
@torch.no_grad()
def test_a_convolution_of_an_upsampled_map(size, upsampled, align_corners):
    torch.manual_seed(0)
    conv, features = nn.Conv2d(6, 4, 3, padding=1), torch.randn(2, 6, *size)
    fast = UpsampledConv(conv, align_corners=align_corners)
    expected = conv(F.interpolate(features, upsampled, mode="bilinear", align_corners=align_corners))
    torch.testing.assert_close(fast(features, upsampled), expected, rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(fast(features, upsampled), expected, rtol=1e-5, atol=2e-6)  # with the kept matrices


def test_shifted_upsampling_by_hand():
    before, same, after = shifted_upsampling(2, 4, align_corners=False).tolist()
    assert same == [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    assert before == [[0, 0], *same[:3]] and after == [*same[1:], [0, 0]]


def test_a_folded_fusion_attends_as_the_plain_one():
    fusion = make_model_that_listens_back().network.fusions[0]
    visual, audio = torch.randn(1, 2, 8, 3, 3), torch.randn(1, 2, fusion.audio.in_features)
    assert torch.equal(FoldedFusion(fusion).attention(visual, audio), fusion.attention(visual, audio))
