"""One training update of the authors' form against their code's arithmetic, written out on their tensors."""

import copy

import pytest
import torch
from authors_network import AUDIO_CLASSES, VISUAL_CLASSES, StubAudio, their_checkpoint, their_label, their_mask

from c3n_model.config import TrainConfig
from c3n_model.experiments.paper.forms import FORMS
from c3n_model.training.loop import set_training_mode
from c3n_model.training.optimisation import Optimisation
from c3n_model.weights.authors import from_authors
from c3n_model.weights.checkpoint import build_network

FRAMES, SIZE = 5, 64


def their_loss(theirs: dict, backbone, frames, audio, scores, matrix, masks, wanted: int) -> torch.Tensor:
    """Their loss of one clip, of its first `wanted` frames: CAM before the norms, unit gate, the rest by their names."""
    points, maps = [], []
    for stage in backbone.stages:
        stage.blocks[-1].register_forward_hook(lambda module, inputs, output: points.append(output))
        stage.register_forward_hook(lambda module, inputs, output: maps.append(output))
    logits = backbone(frames)
    label = their_label(logits.detach(), scores, matrix)
    chosen = sum(logits[frame, int(index)] for frame, index in enumerate(label))
    refined = []
    for gradient, stage in zip(torch.autograd.grad(chosen, points, retain_graph=True), maps, strict=True):
        weights = gradient.mean(dim=1)  # over the tokens
        weights = weights / weights.norm(dim=1, keepdim=True)
        by_channel = stage * weights.sigmoid()[:, :, None, None]
        refined.append(by_channel * by_channel.mean(dim=1, keepdim=True).sigmoid())
    probabilities = their_mask(theirs, refined, audio, training=True)[:wanted].sigmoid()
    cross_entropy = torch.nn.functional.binary_cross_entropy(probabilities, masks[:wanted])
    flat, truth = probabilities.flatten(1), masks[:wanted].flatten(1)
    dice = 1 - (2 * ((flat * truth).sum(1) + 1) / (flat.sum(1) + truth.sum(1) + 1)).mean()
    return cross_entropy + dice


@pytest.mark.parametrize("setting", ["s4", "ms3"])
def test_loss_and_gradients_equal_theirs(setting, monkeypatch):
    monkeypatch.setattr("c3n_model.weights.checkpoint.build_audio_encoder", lambda name, classes: StubAudio(2048))
    torch.manual_seed(0)
    checkpoint = {
        name: tensor.double() if tensor.is_floating_point() else tensor
        for name, tensor in their_checkpoint("pvt_v2_b0", 2048).items()
    }
    config, ours = from_authors(checkpoint, setting)
    of_training = FORMS["authors"].settings(config.visual, config.audio, setting)[1]
    assert of_training["stochastic_depth"] == 0.1
    similarity = torch.rand(AUDIO_CLASSES, VISUAL_CLASSES) ** 3
    network = build_network(config, similarity).double()
    network.load_state_dict(ours, strict=False)
    train = TrainConfig(**of_training, batch_size=1)
    optimisation = Optimisation(network, train, torch.device("cpu"), steps=100)
    set_training_mode(network)
    backbone = copy.deepcopy(network.visual_encoder.backbone)

    frames, sound = torch.rand(FRAMES, 3, SIZE, SIZE).double(), torch.randn(FRAMES, 16000).double()
    masks = torch.zeros(FRAMES, SIZE, SIZE)
    masks[:, 10:40, 20:] = 1
    wanted = 1 if setting == "s4" else FRAMES
    has_mask = torch.arange(FRAMES) < wanted
    torch.manual_seed(7)  # for stochastic depth
    loss = optimisation._objective(frames[None], sound[None], masks[None].bool(), has_mask[None]).mean()
    loss.backward()

    leaves = {
        name: tensor.clone().requires_grad_(tensor.is_floating_point())
        for name, tensor in checkpoint.items()
        if not name.startswith("encoder_backbone.")
    }
    embedding, logits = network.audio_encoder(sound)
    pixels = (frames - network.visual_encoder.mean) / network.visual_encoder.std
    torch.manual_seed(7)
    scores = logits.sigmoid() if setting == "s4" else logits
    expected = their_loss(leaves, backbone, pixels, embedding, scores.detach(), similarity.T, masks.double(), wanted)
    expected.backward()

    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    theirs = {name: leaf.grad if leaf.grad is not None else torch.zeros_like(leaf) for name, leaf in leaves.items()}
    _, gradients = from_authors({**checkpoint, **theirs}, setting)
    gradients = {name: value for name, value in gradients.items() if not name.startswith("visual_encoder.")}
    gradients |= {f"visual_encoder.backbone.{name}": p.grad for name, p in backbone.named_parameters()}
    compared = 0
    for name, parameter in network.named_parameters():
        if name in gradients and parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-4, atol=1e-6 * expected.item())
            compared += parameter.grad.abs().sum() > 0
    assert compared > 200
