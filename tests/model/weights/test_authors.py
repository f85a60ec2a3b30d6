"""Checkpoints of the authors' code: names, and their code's arithmetic written out on their tensors."""

import pytest
import torch
from authors_network import AUDIO_CLASSES, SWIN, VISUAL_CLASSES, StubAudio, their_checkpoint
from einops import rearrange, repeat
from torch.nn import functional as F

from c3n_model.network.consensus import infer_consensus
from c3n_model.network.encoding import Encoding
from c3n_model.weights.authors import from_authors
from c3n_model.weights.checkpoint import build_network


def their_mask(theirs: dict, maps: list[torch.Tensor], audio: torch.Tensor) -> torch.Tensor:
    """Run their network after CCAM, by their names: maps [(T, C_vi, H_i, W_i)] x 4, audio (T, d) -> logits (T, H, W)."""

    def of(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return theirs[f"{name}.weight"], theirs[f"{name}.bias"]

    def pyramid(stage: int, x: torch.Tensor) -> torch.Tensor:
        pooled = F.conv2d(x.mean((2, 3), keepdim=True), *of(f"conv{stage}.conv"))
        branches = [
            F.interpolate(pooled, size=x.shape[2:], mode="bilinear"),
            F.conv2d(x, *of(f"conv{stage}.atrous_block1")),
        ]
        for rate in (6, 12, 18):
            branches.append(F.conv2d(x, *of(f"conv{stage}.atrous_block{rate}"), padding=rate, dilation=rate))
        return F.conv2d(torch.cat(branches, 1), *of(f"conv{stage}.conv_1x1_output"))

    def non_local(stage: int, x: torch.Tensor) -> torch.Tensor:
        name, (_, _, height, width) = f"tpavi_{stage}", x.shape
        clip = rearrange(x, "t c h w -> 1 c t h w")
        heard = repeat(F.linear(audio, *of(f"{name}.align_channel")), "t c -> 1 c t h w", h=height, w=width)
        query, key, value = (
            F.conv3d(source, *of(f"{name}.{part}")).flatten(2)[0]
            for part, source in (("theta", clip), ("phi", heard), ("g", clip))
        )
        affinity = query.T @ key / key.shape[1]  # (T H W) x (T H W)
        answer = rearrange(value @ affinity.T, "c (t h w) -> 1 c t h w", h=height, w=width)
        answer = F.conv3d(answer, *of(f"{name}.W_z.0"))
        statistics = (theirs[f"{name}.W_z.1.running_mean"], theirs[f"{name}.W_z.1.running_var"])
        summed = (F.batch_norm(answer, *statistics, *of(f"{name}.W_z.1")) + clip)[0].movedim(0, -1)  # T H W C
        return F.layer_norm(summed, summed.shape[-1:], *of(f"{name}.norm_layer")).movedim(-1, 1)

    def unit(name: str, x: torch.Tensor) -> torch.Tensor:
        positive = x.relu()  # in place there, so it is what the sum sees
        inner = F.conv2d(positive, *of(f"{name}.conv1"), padding=1).relu()
        return F.conv2d(inner, *of(f"{name}.conv2"), padding=1) + positive

    def enlarge(x: torch.Tensor, align_corners: bool) -> torch.Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=align_corners)

    fused = [non_local(stage, pyramid(stage, x)) for stage, x in enumerate(maps, start=1)]
    y = enlarge(unit("path4.resConfUnit2", fused[3]), True)
    for stage in (3, 2, 1):
        y = enlarge(unit(f"path{stage}.resConfUnit2", y + unit(f"path{stage}.resConfUnit1", fused[stage - 1])), True)
    y = enlarge(F.conv2d(y, *of("output_conv.0"), padding=1), False)
    y = F.conv2d(y, *of("output_conv.2"), padding=1).relu()
    return F.conv2d(y, *of("output_conv.4"))[:, 0]


@pytest.mark.parametrize(
    ("visual", "width", "audio"), [("pvt_v2_b0", 2048, "panns_cnn14_16k"), ("pvt_v2_b0", 128, "vggish"), (SWIN, 768, "beats")]
)  # fmt: skip
def test_config_does_what_their_code_does(visual, width, audio):
    config, _ = from_authors(their_checkpoint(visual, width))
    assert (config.visual, config.audio, config.channels, config.image_size, config.history) == (
        visual,
        audio,
        16,
        224,
        5,
    )
    assert (config.alpha, config.beta, config.consensus, config.audio_features) == (0.1, 0.1, "audio_visual", True)
    assert (config.gate, config.fusion_norm, config.cam_point, config.decoder) == (
        "unit",
        True,
        "before_norm",
        "authors",
    )
    assert config.swin == ("dense" if visual == SWIN else "classifier")
    assert config.presence_threshold == 0.0


@pytest.mark.parametrize(
    ("visual", "width"), [("pvt_v2_b5", 128), ("pvt_v2_b5", 2048), ("swin_base_patch4_window7_224", 768)]
)
def test_every_tensor_of_the_papers_networks_has_its_place(visual, width, monkeypatch):
    monkeypatch.setattr("c3n_model.weights.checkpoint.build_audio_encoder", lambda name, classes: StubAudio(width))
    with torch.device("meta"):
        theirs = their_checkpoint(visual, width, channels=256, head=(128, 32))
        config, ours = from_authors({f"module.{name}": tensor for name, tensor in theirs.items()})
    similarity = torch.ones(AUDIO_CLASSES, VISUAL_CLASSES)
    with torch.device("meta"):
        network = build_network(config, similarity)
    expected = {
        name: tensor.shape
        for name, tensor in network.state_dict().items()
        if name != "similarity" and not name.startswith("audio_encoder.")
    }
    assert {name: tensor.shape for name, tensor in ours.items()} == expected


@pytest.mark.parametrize(("visual", "width"), [("pvt_v2_b0", 128), (SWIN, 768)])
def test_masks_equal_those_of_their_code(visual, width, monkeypatch):
    monkeypatch.setattr("c3n_model.weights.checkpoint.build_audio_encoder", lambda name, classes: StubAudio(width))
    torch.manual_seed(0)
    theirs = their_checkpoint(visual, width)
    config, ours = from_authors(theirs)
    network = build_network(config, torch.ones(AUDIO_CLASSES, VISUAL_CLASSES)).eval()
    left_out = network.load_state_dict(ours, strict=False)
    assert all(name == "similarity" or name.startswith("audio_encoder.") for name in left_out.missing_keys)
    assert not left_out.unexpected_keys
    maps = [torch.randn(2, c, 16 >> i, 16 >> i) for i, c in enumerate(network.visual_encoder.channels)]
    audio = torch.randn(2, width)
    with torch.no_grad():
        logits = torch.rand(2, AUDIO_CLASSES), torch.rand(2, VISUAL_CLASSES)
        consensus = infer_consensus(*logits, network.similarity)
        encoding = Encoding(maps, audio, *logits, consensus, (64, 64))
        masks = network.decode(encoding, torch.ones(1, 2, dtype=torch.bool)).logits
    expected = their_mask(theirs, maps, audio)
    assert expected.std() > 0.01
    assert torch.allclose(masks, expected, rtol=1e-3, atol=1e-4)


def test_backbone_tensors_arrive_unchanged():
    pvt, swin = their_checkpoint("pvt_v2_b0", 128), their_checkpoint(SWIN, 128)
    (_, ours_pvt), (_, ours_swin) = from_authors(pvt), from_authors(swin)
    for theirs, ours in (
        ("block3.1.attn.sr.weight", "stages.2.blocks.1.attn.sr.weight"),
        ("patch_embed2.norm.bias", "stages.1.downsample.norm.bias"),
        ("block1.0.mlp.dwconv.dwconv.weight", "stages.0.blocks.0.mlp.dwconv.weight"),
        ("norm4.weight", "stages.3.norm.weight"),
        ("head.bias", "head.bias"),
    ):
        assert torch.equal(ours_pvt[f"visual_encoder.backbone.{ours}"], pvt[f"encoder_backbone.{theirs}"])
    for theirs, ours in (
        ("layers.0.downsample.reduction.weight", "backbone.layers.1.downsample.reduction.weight"),
        ("norm1.weight", "norms.1.weight"),
        ("norm3.bias", "norms.3.bias"),
        ("norm3.bias", "backbone.norm.bias"),
        ("head.weight", "backbone.head.fc.weight"),
    ):
        assert torch.equal(ours_swin[f"visual_encoder.{ours}"], swin[f"encoder_backbone.{theirs}"])


def test_other_state_dicts_are_refused():
    theirs = their_checkpoint("pvt_v2_b0", 128)
    with pytest.raises(ValueError, match="'fc.weight'.*train.py"):
        from_authors({"fc.weight": torch.zeros(2, 2)})
    with pytest.raises(ValueError, match=r"encoder_backbone\.\* or tpavi_1.align_channel"):
        from_authors({name: tensor for name, tensor in theirs.items() if not name.startswith("encoder_")})
    with pytest.raises(ValueError, match="audio embeddings of size 100; .*vggish"):
        from_authors(theirs | {"tpavi_1.align_channel.weight": torch.zeros(16, 100)})
    with pytest.raises(ValueError, match=r"audio embeddings of size \(16,\); expected"):
        from_authors(theirs | {"tpavi_1.align_channel.weight": torch.zeros(16)})
    with pytest.raises(ValueError, match=r"a visual backbone with 0 channels"):
        from_authors(theirs | {"encoder_backbone.patch_embed1.proj.weight": torch.tensor(0.0)})
    with pytest.raises(ValueError, match="tensors by name.*'model': dict"):
        from_authors({"model": theirs})
    with pytest.raises(ValueError, match="tensors by name.* 5: Tensor"):
        from_authors({5: torch.zeros(1)})
    with pytest.raises(ValueError, match=r"32 channels and \(2, 2, 2, 3\) blocks"):
        from_authors(theirs | {"encoder_backbone.block4.2.norm1.weight": torch.zeros(256)})
