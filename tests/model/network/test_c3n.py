"""The whole network: encode and decode, batch independence, Table II's ablations, frozen parameters."""

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.config import ModelConfig, TrainConfig
from c3n_model.network.attention import attend, attend_channels, class_activation_weights
from c3n_model.network.consensus import infer_consensus
from c3n_model.network.encoding import Encoding
from c3n_model.training.optimisation import Optimisation
from c3n_model.weights.checkpoint import build_network


@pytest.fixture
def clips():
    generator = torch.Generator().manual_seed(3)
    return torch.rand(2, 5, 3, 64, 64, generator=generator), torch.rand(2, 5, 32000, generator=generator) - 0.5


@pytest.mark.parametrize("visual", ["test_resnet", "lcnet_050", "pvt_v2_b0"])
def test_encoding_second_by_second_equals_forward(visual, clips):
    network = make_tiny_model(visual=visual).network
    frames, snippets = clips[0][:1], clips[1][:1]
    with torch.no_grad():
        whole = network(frames, snippets)
        seconds = [network.encode(frames[:, t], snippets[:, t]) for t in range(5)]
        newest = network.decode_newest(seconds[-1], [network.summarise(second) for second in seconds]).logits
    assert whole.shape == (1, 5, 64, 64)
    assert (whole[:, -1:] - newest).abs().max().item() < 1e-5


def test_results_do_not_depend_on_the_batch(clips):
    network = make_tiny_model().network
    with torch.no_grad():
        together = network(*clips)
        alone = torch.cat([network(clips[0][i : i + 1], clips[1][i : i + 1]) for i in range(2)])
    assert (together - alone).abs().max().item() < 1e-5


def test_an_encoding_knows_the_logits_its_consensus_came_from(clips):
    network = make_tiny_model().network
    with torch.no_grad():
        seconds = [network.encode(clips[0][0, t : t + 1], clips[1][0, t : t + 1]) for t in range(3)]
    whole = Encoding.join(seconds)
    found = infer_consensus(whole.audio_logits, whole.visual_logits, network.similarity)
    assert torch.equal(found.visual_class, whole.consensus.visual_class)
    assert torch.allclose(found.consensus, whole.consensus.consensus)


def test_attention_maps_are_those_ccam_multiplies_with(clips):
    network = make_tiny_model(gate="standard", gate_strength=0.5).network
    frames, snippets = clips[0][0, :2], clips[1][0, :2]
    with torch.no_grad():
        found = network.attention_maps(frames, snippets)
        encoded = network.encode(frames, snippets)
    stages, logits = network.visual_encoder(frames.clone().requires_grad_())
    weights = class_activation_weights(logits, encoded.consensus.visual_class, stages)
    for stage, omega, (plain, guided), maps in zip(stages, weights, found, encoded.visual, strict=True):
        assert torch.allclose(plain, torch.sigmoid(stage.mean(1)), atol=1e-6)
        by_channel = attend_channels(stage, omega, "standard", 0.5)
        assert torch.allclose(attend(stage, omega, "standard", 0.5), by_channel * guided[:, None], atol=1e-6)
        assert torch.allclose(maps, by_channel * guided[:, None], atol=1e-6)
        assert guided.shape == stage.shape[:1] + stage.shape[2:]
    assert make_tiny_model(consensus="none").network.attention_maps(frames, snippets) == []


@pytest.mark.parametrize("consensus", ["audio_visual", "visual", "none"])
@pytest.mark.parametrize("audio_features", [True, False])
def test_rows_of_table_ii_build_and_run(consensus, audio_features, clips):
    network = make_tiny_model(consensus=consensus, audio_features=audio_features).network
    with torch.no_grad():
        louder = network(clips[0], clips[1] * 0.2)
        assert network(*clips).shape == (2, 5, 64, 64)
        if consensus != "audio_visual" and not audio_features:
            assert torch.equal(network(*clips), louder)  # nothing of the sound reaches the mask


def test_training_reaches_everything_but_heads_and_audio_classes(clips):
    network = make_tiny_model().network.train()
    network(*clips).square().mean().backward()
    without = {name for name, p in network.named_parameters() if p.grad is None}
    assert {name.split(".")[0] for name in without} <= {"audio_encoder", "visual_encoder"}
    assert all("fc" in name or "classifier" in name for name in without), without


def test_wrong_choices_name_the_right_ones():
    with pytest.raises(ValueError, match="audio_visual, visual, none"):
        make_tiny_model(consensus="both")
    with pytest.raises(ValueError, match="gradient, unit, standard"):
        make_tiny_model(gate="l2")
    with pytest.raises(ValueError, match="plain, authors"):
        make_tiny_model(decoder="fpn")
    with pytest.raises(ValueError, match="not a timm model"):
        make_tiny_model(visual="resnet999")
    with pytest.raises(ValueError, match="mn04, mn10"):
        make_tiny_model(audio="vggish2")


@pytest.mark.parametrize(
    "settings",
    [
        {"visual": "pvt_v2_b0"},
        {"visual": "pvt_v2_b0", "cam_point": "before_norm", "gate": "unit", "fusion_norm": True, "decoder": "authors"},
        {"visual": "swin_tiny_patch4_window7_224"},
        {"visual": "swin_tiny_patch4_window7_224", "cam_point": "before_norm", "swin": "dense"},
    ],
    ids=["pvt", "pvt-authors", "swin", "swin-dense"],
)
def test_papers_backbones_run_and_learn(settings, clips):
    network = make_tiny_model(**settings).network
    frames, snippets = clips[0][:1, :2], clips[1][:1, :2]
    with torch.no_grad():
        before = network(frames, snippets)
    masks = torch.zeros(1, 2, 64, 64)
    masks[..., :32] = 1
    config = TrainConfig(learning_rate=1e-3, backbone_learning_rate=1e-3)
    batch = (frames, snippets, masks, torch.tensor([[True, True]]))
    Optimisation(network, config, torch.device("cpu"), steps=1).update([batch])
    with torch.no_grad():
        after = network(frames, snippets)
    assert before.shape == (1, 2, 64, 64)
    # The first step follows the gradient: the logits move towards the mask.
    assert ((after - before)[..., :32].mean() > (after - before)[..., 32:].mean()).item()


def test_fused_features_are_what_the_decoder_reads(clips):
    selected = torch.tensor([[True, False, True, False, False]])
    for settings in ({}, {"audio_features": False}):
        network = make_tiny_model(**settings).network
        with torch.no_grad():
            encoding = network.encode(clips[0][0], clips[1][0])
            logits = network.decoder(network.fuse(encoding, selected), encoding.size)
            assert torch.equal(logits, network.decode(encoding, selected).logits)
    without = network.fuse(encoding, selected)
    expected = [pyramid(seen[[0, 2]]) for pyramid, seen in zip(network.pyramids, encoding.visual, strict=True)]
    assert all(torch.allclose(maps, seen) for maps, seen in zip(without, expected, strict=True))
    assert network.fusion_attention(encoding, 5) == []


def test_in_training_the_norms_learn_from_every_frame(clips):
    """As in the authors' code, which decodes all five frames in S4, too; the selected frames come out as with all."""
    selected = torch.tensor([[True, False, False, False, False], [False, False, True, False, False]])
    networks = [make_tiny_model(fusion_norm=True).network.train() for _ in range(2)]
    found = []
    for network, wanted in zip(networks, (torch.ones_like(selected), selected), strict=True):
        network.audio_encoder.eval(), network.visual_encoder.eval()
        for fusion in network.fusions:
            torch.nn.init.ones_(fusion.batch_norm.weight)
        with torch.no_grad():
            found.append(network.fuse(network.encode(*(part.flatten(0, 1) for part in clips)), wanted))
    for every, few in zip(*found, strict=True):
        assert torch.allclose(every[selected.flatten()], few, atol=1e-5)
    for one, other in zip(*(network.fusions for network in networks), strict=True):
        for buffer in ("running_mean", "running_var"):
            assert torch.equal(getattr(one.batch_norm, buffer), getattr(other.batch_norm, buffer))
            assert getattr(one.batch_norm, buffer).std() > 0


def test_frames_without_a_mask_pass_no_pyramid(clips):
    """Training with masks of a few frames: the same logits and gradients, from the maps of those frames alone."""
    selected = torch.tensor([[True, False, False, False, False], [False, False, True, False, False]])
    seen, gradients, logits = [], [], []
    for wanted in (torch.ones_like(selected), selected):
        network = make_tiny_model().network
        for pyramid in network.pyramids:
            pyramid.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
        decoded = network.decode(network.encode(*(part.flatten(0, 1) for part in clips)), wanted).logits
        logits.append(decoded[selected.flatten()] if len(decoded) == 10 else decoded)
        logits[-1].square().sum().backward()
        gradients.append({name: p.grad for name, p in network.named_parameters() if p.grad is not None})
    assert seen == [10] * 4 + [2] * 4
    torch.testing.assert_close(*logits)
    for name, expected in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], expected, rtol=1e-4, atol=1e-5)


def test_fusion_attention_knows_its_clip_and_no_other(clips):
    network = make_tiny_model(history=5).network
    with torch.no_grad():
        both = network.fusion_attention(network.encode(clips[0].flatten(0, 1), clips[1].flatten(0, 1)), 5)
        alone = network.encode(clips[0][1], clips[1][1])
        expected = [
            block.attention(pyramid(maps)[None], alone.audio[None])[0]
            for block, pyramid, maps in zip(network.fusions, network.pyramids, alone.visual, strict=True)
        ]
    for found, maps in zip(both, expected, strict=True):
        assert torch.allclose(found[5:], maps, atol=1e-5)


def test_linear_attention_is_that_of_the_unified_label(clips):
    network = make_tiny_model().network
    frames, snippets = clips[0][0, :2], clips[1][0, :2]
    with torch.no_grad():
        found = network.linear_attention(frames, snippets)
        consensus = network.encode(frames, snippets).consensus
    stages, logits = network.visual_encoder(frames.clone().requires_grad_())
    weights = class_activation_weights(logits, consensus.visual_class, stages)
    for stage, omega, maps in zip(stages, weights, found, strict=True):
        assert torch.allclose(maps, (stage * omega[:, :, None, None]).mean(1), atol=1e-6)
    assert make_tiny_model(consensus="none").network.linear_attention(frames, snippets) == []


def test_parameters_of_the_paper():
    # Table IV counts 177.15 M for PVTv2-b5 with VGGish; the norms behind the fusion are of the authors' code.
    similarity = torch.ones(527, 1000)
    with torch.device("meta"):
        network = build_network(ModelConfig(audio="vggish", fusion_norm=True), similarity)
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(177.15, abs=0.005)


def test_presence_ignores_classes_that_no_object_makes(clips):
    network = make_tiny_model().network
    network.similarity.fill_(1)[0] = -1
    with torch.no_grad():
        encoding = network.encode(clips[0][0, :1], clips[1][0, :1])
        encoding.audio_logits[0] = torch.tensor([9.0] + [-1.0] * 7 + [0.0])
        decoding = network.decode(encoding, torch.tensor([[True]]))
    assert decoding.presence.tolist() == pytest.approx([0.5])
