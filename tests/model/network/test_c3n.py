"""The network as a whole: the seam, batch independence, Table II's switches, and what does not train."""

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.network.attention import attend, attend_channels, class_activation_weights
from c3n_model.network.c3n import Encoding
from c3n_model.network.consensus import infer_consensus


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
        newest = network.decode(Encoding.join(seconds), torch.tensor([[False, False, False, False, True]])).logits
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
    network = make_tiny_model(gate="standard").network
    frames, snippets = clips[0][0, :2], clips[1][0, :2]
    with torch.no_grad():
        found = network.attention_maps(frames, snippets)
        consensus = network.encode(frames, snippets).consensus
    stages, logits = network.visual_encoder(frames.clone().requires_grad_())
    weights = class_activation_weights(logits, consensus.visual_class, stages)
    for stage, omega, (plain, guided) in zip(stages, weights, found, strict=True):
        assert torch.allclose(plain, torch.sigmoid(stage.mean(1)), atol=1e-6)
        by_channel = attend_channels(stage, omega, "standard")
        assert torch.allclose(attend(stage, omega, "standard"), by_channel * guided[:, None], atol=1e-6)
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
    with pytest.raises(ValueError, match="not a timm model"):
        make_tiny_model(visual="resnet999")
    with pytest.raises(ValueError, match="mn04, mn10"):
        make_tiny_model(audio="vggish2")


def test_a_backbone_that_ccam_cannot_use_is_named(clips):
    network = make_tiny_model(visual="swin_tiny_patch4_window7_224", image_size=224).network
    with pytest.raises(ValueError, match="convolutional or PVT pyramid"), torch.no_grad():
        network.encode(torch.rand(1, 3, 224, 224), torch.rand(1, 32000) - 0.5)


def test_presence_ignores_classes_that_no_object_makes(clips):
    network = make_tiny_model().network
    network.similarity.fill_(1)[0] = -1
    with torch.no_grad():
        encoding = network.encode(clips[0][0, :1], clips[1][0, :1])
        encoding.audio_logits[0] = torch.tensor([9.0] + [-1.0] * 7 + [0.0])
        decoding = network.decode(encoding, torch.tensor([[True]]))
    assert decoding.presence.tolist() == pytest.approx([0.5])
