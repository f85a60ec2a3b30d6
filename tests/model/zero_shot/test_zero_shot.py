"""The zero-shot network: its seam, what it listens to, and whose mask it gives."""

import numpy as np
import pytest
import torch
from torch import nn
from toy_zero_shot import SAMPLES, SECOND_NS, SOUNDS, LeftHalf, make_network

from c3n_model.config import ZeroShotConfig
from c3n_model.model import Model
from c3n_model.network.consensus import infer_consensus
from c3n_model.scoring.evaluate import predict
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Window
from c3n_model.zero_shot.localise import class_activation, spread
from c3n_model.zero_shot.masks import ACTIVATION_THRESHOLD, SHARPNESS, View
from c3n_model.zero_shot.zero_shot import ZeroShot


@pytest.fixture
def clip():
    generator = torch.Generator().manual_seed(3)
    return torch.rand(1, 4, 3, 32, 32, generator=generator), torch.rand(1, 4, SAMPLES, generator=generator)


def decode_newest(network: ZeroShot, frames: torch.Tensor, snippets: torch.Tensor):
    encoding = network.encode(frames[0], snippets[0])
    newest = torch.arange(len(frames[0]))[None] == len(frames[0]) - 1
    return network.decode(encoding, newest)


@torch.no_grad()
@pytest.mark.parametrize("refinement", ACTIVATION_THRESHOLD)
def test_second_by_second_equals_forward(clip, refinement):
    network = make_network(LeftHalf(), refinement=refinement)
    whole = network(*clip)
    assert whole.shape == (1, 4, 32, 32)
    seconds = [network.encode(clip[0][0, t : t + 1], clip[1][0, t : t + 1]) for t in range(4)]
    for count in range(1, 5):
        newest = network.decode_newest(seconds[count - 1], [network.summarise(second) for second in seconds[:count]])
        assert (whole[:, count - 1] - newest.logits).abs().max().item() < 1e-3


@torch.no_grad()
def test_in_little_light_it_sees_the_same(clip):
    network = make_network(LeftHalf())
    dimmed, dimmer = ((share * clip[0], clip[1]) for share in (0.3, 0.15))
    one, other = (decode_newest(network, *seconds) for seconds in (dimmed, dimmer))
    torch.testing.assert_close(one.logits, other.logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(one.visual_logits, other.visual_logits, rtol=1e-4, atol=1e-4)


def test_evaluation_predicts_what_forward_gives(clip):
    network = make_network(LeftHalf())
    model = Model("toy", network, ZeroShotConfig(image_size=32), SOUNDS, network.vocabulary.labels)
    pictures = (clip[0][0] * 255).byte()
    masks, decoding = predict(model, pictures.permute(0, 2, 3, 1).numpy(), clip[1][0].numpy(), torch.device("cpu"))
    with torch.no_grad():
        expected = network(pictures[None] / 255, clip[1])[0].sigmoid()
    assert masks == pytest.approx(expected.numpy(), abs=1e-3)
    assert len(decoding.consensus.visual_class) == 4


def test_a_session_equals_forward(clip):
    network = make_network(LeftHalf())
    config = ZeroShotConfig(history=3, image_size=32)
    model = Model("toy", network, config, SOUNDS, network.vocabulary.labels)
    session = Session(model, "cpu")
    pictures = (clip[0][0] * 255).byte().permute(0, 2, 3, 1).numpy()
    for second in range(4):
        frame = Frame(pictures[second].copy(), second * SECOND_NS + 900_000_000)
        session.step(Window(start_ns=second * SECOND_NS, frame=frame, snippet=clip[1][0, second].numpy()))
        first = max(0, second - 2)  # a history of three seconds
        frames = torch.from_numpy(pictures[first : second + 1]).permute(0, 3, 1, 2)[None] / 255
        with torch.no_grad():
            expected = network(frames, clip[1][:, first : second + 1])[0, -1]
        assert np.abs(session.newest.logits[0].numpy() - expected.numpy()).max() < 1e-3


@torch.no_grad()
def test_a_second_is_heard_alone_and_with_those_before_it(clip):
    network, (frames, snippets) = make_network(), clip
    discount = network.vocabulary.discount
    ear = network.audio_encoder
    found = decode_newest(network, frames, snippets).audio_logits[0]
    alone, trailing = ear(snippets[0, 3:])[1][0], ear(snippets.reshape(1, -1))[1][0]
    assert torch.allclose(found, (alone + trailing) / 2 - discount)
    first = decode_newest(network, frames[:, :1], snippets[:, :1]).audio_logits[0]
    assert torch.allclose(first, ear(snippets[0, :1])[1][0] - discount)


@torch.no_grad()
def test_clips_do_not_hear_each_other(clip):
    network = make_network()
    frames, snippets = (torch.cat([part, part.flip(1)]) for part in clip)
    wanted = torch.tensor([[False, True, False, True], [True, False, False, False]])
    found = network.decode(network.encode(frames.flatten(0, 1), snippets.flatten(0, 1)), wanted).audio_logits
    assert found.shape == (3, 3)
    for row, (index, count) in enumerate([(0, 2), (0, 4), (1, 1)]):
        part = (frames[index : index + 1, :count], snippets[index : index + 1, :count])
        assert torch.allclose(found[row], decode_newest(network, *part).audio_logits[0], atol=1e-5)


@torch.no_grad()
def test_a_confident_segmenter_wins_and_its_mask_is_used(clip):
    network = make_network(LeftHalf(), alpha=0.3, beta=0.3)
    frames, snippets = torch.ones(1, 1, 3, 32, 32), torch.zeros(1, 1, SAMPLES)
    snippets[..., ::2], snippets[..., 1::2] = -1, 1  # deviates: speech
    decoding = decode_newest(network, frames, snippets)
    assert (decoding.consensus.audio_class.item(), decoding.consensus.visual_class.item()) == (1, 2)
    assert (decoding.logits[0, :, :14] == SHARPNESS / 2).all()
    assert (decoding.logits[0, :, 18:] == -SHARPNESS / 2).all()


@torch.no_grad()
def test_labels_not_found_by_the_segmenter_are_left_to_the_classifier(clip):
    network = make_network(LeftHalf())
    frames = torch.full((1, 1, 3, 32, 32), 0.2)  # the segmenter is 0.2 sure: nothing passes one half
    decoding = decode_newest(network, frames, torch.ones(1, 1, SAMPLES))
    assert decoding.consensus.visual_class.item() in (0, 1)


@torch.no_grad()
def test_presence_is_the_consensus_of_what_decoding_reports(clip):
    network = make_network(LeftHalf(), alpha=0.4, beta=0.2)
    decoding = decode_newest(network, *clip)
    expected = infer_consensus(decoding.audio_logits, decoding.visual_logits, network.similarity, alpha=0.4, beta=0.2)
    assert torch.equal(decoding.presence, decoding.consensus.consensus)
    assert torch.allclose(decoding.presence, expected.consensus)
    assert decoding.consensus.visual_class.item() == expected.visual_class.item()


@torch.no_grad()
@pytest.mark.parametrize("refinement", ["none", "affinity"])
def test_a_classifiers_mask_is_its_activation_above_the_threshold(clip, refinement):
    network = make_network(refinement=refinement)
    frame = clip[0][0, :1]
    found, (instances,) = network.mask_of([View(frame[0], None, None)], torch.tensor([1]))
    assert instances is None
    large = nn.functional.interpolate(frame, size=(448, 448), mode="bilinear", align_corners=False)
    activation, features = class_activation(network.visual_encoder, large, network.vocabulary.members[1:2])
    activation = activation if refinement == "none" else spread(activation, features)
    expected = nn.functional.interpolate(activation[:, None], size=(32, 32), mode="bilinear", align_corners=False)[:, 0]
    assert torch.allclose(found, SHARPNESS * (expected - ACTIVATION_THRESHOLD[refinement]), atol=1e-4)


def test_another_refinement_is_refused():
    with pytest.raises(ValueError, match="refinement is 'sam'; expected one of none, affinity, grabcut"):
        make_network(refinement="sam")


def test_a_segmenter_that_is_a_network_moves_with_it():
    segmenter = nn.Conv2d(3, 2, 1)
    segmenter.labels = LeftHalf.labels
    network = make_network(segmenter)
    assert any(parameter is segmenter.weight for parameter in network.parameters())
