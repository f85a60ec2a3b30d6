"""Checkpoints of the authors' code: names, and their code's arithmetic written out on their tensors."""

from pathlib import Path

import pytest
import torch
from authors_network import AUDIO_CLASSES, SWIN, VISUAL_CLASSES, StubAudio, their_checkpoint, their_label, their_mask

from c3n_model.config import ModelConfig
from c3n_model.network.consensus import infer_consensus
from c3n_model.network.encoding import Encoding
from c3n_model.weights.authors import from_authors, setting_of
from c3n_model.weights.checkpoint import build_network


@pytest.mark.parametrize(
    ("visual", "width", "audio"), [("pvt_v2_b0", 2048, "panns_cnn14_16k"), ("pvt_v2_b0", 128, "vggish"), (SWIN, 768, "beats")]
)  # fmt: skip
def test_config_reproduces_their_code(visual, width, audio):
    config, _ = from_authors(their_checkpoint(visual, width), "ms3")
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
        config, ours = from_authors({f"module.{name}": tensor for name, tensor in theirs.items()}, "ms3")
    similarity = torch.ones(AUDIO_CLASSES, VISUAL_CLASSES)
    with torch.device("meta"):
        network = build_network(config, similarity)
    expected = {
        name: tensor.shape
        for name, tensor in network.state_dict().items()
        if name not in ("similarity", "place_in_checkpoint") and not name.startswith("audio_encoder.")
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
    not_theirs = ("similarity", "place_in_checkpoint", "audio_encoder.")
    assert all(name.startswith(not_theirs) for name in left_out.missing_keys)
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


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("S4_pvt_aug_best.pth", "s4"),
        ("MS3_best.pth", "ms3"),
        ("s4.pth", "s4"),
        ("S4best.pth", None),
        ("best_S4.pth", None),
        ("S41_best.pth", None),
    ],
)
def test_the_name_tells_the_setting(name, setting):
    assert setting_of(Path("ms3_somewhere") / name) == setting


@pytest.mark.parametrize(
    ("width", "setting", "changed"),
    [
        (2048, "s4", {"audio_scores": "sigmoid"}),
        (2048, "ms3", {}),
        (768, "s4", {"audio_order": "checkpoint"}),
        (768, None, {"audio_order": "checkpoint"}),
        (128, "s4", {"snippet_spacing_s": 0.96}),
        (128, "ms3", {"snippet_spacing_s": 0.96}),
    ],
)
def test_what_their_code_does_with_the_sound(width, setting, changed):
    config, _ = from_authors(their_checkpoint("pvt_v2_b0", width), setting)
    usual = {"audio_scores": "logits", "audio_order": "audioset", "snippet_spacing_s": 1.0}
    assert {name: getattr(config, name) for name in usual} == {**usual, **changed}


def test_panns_without_a_setting_is_refused():
    with pytest.raises(ValueError, match="s4 or ms3.*PANNs, got None.*sigmoids.*--setting"):
        from_authors(their_checkpoint("pvt_v2_b0", 2048))


@pytest.mark.parametrize("width", [2048, 768])
def test_labels_equal_those_of_their_code(width, monkeypatch):
    """PANNs on S4: sigmoids. BEATs: its classes in the order of its file, but the similarities in AudioSet's."""
    monkeypatch.setattr("c3n_model.weights.checkpoint.build_audio_encoder", lambda name, classes: StubAudio(width))
    config, _ = from_authors(their_checkpoint("pvt_v2_b0", width), "s4")
    generator = torch.Generator().manual_seed(0)
    similarity = torch.rand(AUDIO_CLASSES, VISUAL_CLASSES, generator=generator) ** 4
    network = build_network(config, similarity)
    audio, visual = (4 * torch.randn(50, count, generator=generator) for count in (AUDIO_CLASSES, VISUAL_CLASSES))
    scores = audio.sigmoid()
    if width == 768:
        places = torch.tensor([2, 0, 3, 1])  # of AudioSet's classes in the file
        network.place_in_checkpoint.copy_(places)
        scores = torch.empty_like(audio)
        scores[:, places] = audio  # class i is at places[i]
    expected = their_label(visual, scores, similarity.T)
    ours = network.infer(audio, visual)
    assert torch.equal(ours.visual_class, expected)
    usual = infer_consensus(audio, visual, similarity)
    assert not torch.equal(usual.visual_class, expected), "the option makes a difference here"
    if width == 768:  # the audio class is the one that sounds, not the one at its place
        similarities = similarity[places[ours.audio_class], ours.visual_class]
        assert torch.equal(ours.similarity, similarities)
        best = (0.1 * audio[:, :, None] + similarity[places].log() + 0.1 * visual[:, None]).flatten(1).argmax(dim=1)
        assert torch.equal(ours.audio_class, best // VISUAL_CLASSES)


def test_an_order_of_its_own_is_for_beats_alone():
    with pytest.raises(ValueError, match="audio_order: checkpoint is for beats.*mn04"):
        build_network(ModelConfig(audio="mn04", audio_order="checkpoint"), torch.ones(4, 6))


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
