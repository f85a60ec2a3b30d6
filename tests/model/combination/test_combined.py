"""zero_shot and a trained C3N together: which of the two paints, and under which label."""

import numpy as np
import pytest
import torch
from torch import nn
from toy_zero_shot import SAMPLES, SECOND_NS, SOUNDS, LeftHalf, make_network

from c3n_model.combination.combined import Combined, recent, scaled
from c3n_model.config import ModelConfig, ZeroShotConfig
from c3n_model.model import Model
from c3n_model.network.consensus import Consensus
from c3n_model.network.decoding import Decoding
from c3n_model.network.encoding import Encoding
from c3n_model.scoring.evaluate import predict
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Window

BRIGHT = np.full((32, 32, 3), 250, np.uint8)
GATE = dict(presence_threshold=0.6, visibility_threshold=0.001)


class RightHalf(nn.Module):
    """A trained network that sees a violin in the right half; its presence is the largest sample of the second."""

    def __init__(self):
        super().__init__()
        self.audio_encoder = make_network().audio_encoder

    def encode(self, frames, snippets):
        count = len(frames)
        zeros = torch.zeros(count, 3)
        label = Consensus(*(torch.zeros(count, dtype=torch.int64),) * 2, *(torch.full((count,), 0.01),) * 4)
        peak = snippets.amax(dim=1, keepdim=True)
        return Encoding([frames.mean(dim=1, keepdim=True)], peak, zeros, torch.zeros(count, 1), label, (8, 8))

    def decode(self, encoding, wanted):
        index = wanted.flatten()
        self.seconds = wanted.shape[1]
        return self._decoded(encoding, index)

    def summarise(self, encoding):
        return encoding.audio

    def decode_newest(self, encoding, summaries):
        self.seconds = len(summaries)
        return self._decoded(encoding, torch.tensor([True]))

    def _decoded(self, encoding, index):
        logits = torch.full((int(index.sum()), 8, 8), -5.0)
        logits[:, :, 4:] = 5.0
        return Decoding(
            logits, encoding.audio_logits[index], encoding.visual_logits[index], encoding.consensus.select(index),
            encoding.audio[index, 0].clamp(0, 1),
        )  # fmt: skip


def make_model(**gate):
    config = ZeroShotConfig(image_size=32, presence_threshold=0.7, visibility_threshold=0.05)
    first = make_network(LeftHalf())
    zero_shot = Model("zero_shot", first, config, SOUNDS, first.vocabulary.labels)
    own = ModelConfig(image_size=32, history=3, **(GATE | gate))
    trained = Model("trained", RightHalf(), own, SOUNDS, ("violin",))
    labels = (*zero_shot.visual_labels, "violin")
    return Model("combined", Combined(zero_shot, trained).eval(), config, SOUNDS, labels)


def window(second, level, offset):
    """A person is heard by the deviation of the samples, a dog by their mean: see `toy_zero_shot.Ear`."""
    snippet = offset + level * np.where(np.arange(SAMPLES) % 2, 1, -1)
    return Window(second * SECOND_NS, Frame(BRIGHT, second * SECOND_NS), snippet.astype(np.float32))


SPEECH, OTHER, FAINT = (0.9, 0.0), (0.02, 0.65), (0.02, 0.3)


def test_zero_shot_paints_what_it_publishes_and_the_other_what_it_does_not():
    session = Session(make_model(), "cpu")
    speech = session.step(window(0, *SPEECH))
    assert speech.label.visual == "person" and speech.mask[:, :12].all() and not speech.mask[:, 20:].any()
    session.reset()
    other = session.step(window(0, *OTHER))
    assert other.label.visual == "violin" and not other.mask[:, :12].any() and other.mask[:, 20:].all()
    assert other.presence.reason == "sounding"
    assert other.label.visual_score == pytest.approx(0.05), "at least what the gate of both asks for"
    session.reset()
    assert not session.step(window(0, *FAINT)).mask.any(), "neither is sure"


def test_the_trained_networks_own_gate_decides():
    for gate in ({"presence_threshold": 0.8}, {"visibility_threshold": 0.02}):
        assert not Session(make_model(**gate), "cpu").step(window(0, *OTHER)).mask.any(), gate


def test_a_label_of_the_trained_network_is_no_memory_of_zero_shot():
    session = Session(make_model(), "cpu")
    labels = [
        session.step(window(second, *sound)).label.visual for second, sound in enumerate([OTHER, SPEECH, OTHER, OTHER])
    ]
    assert "violin" in labels and "person" in labels


def test_clips_are_scored_as_sessions_see_them():
    model = make_model()
    snippets = np.stack([window(k, *sound).snippet for k, sound in enumerate([SPEECH, SPEECH])])
    masks = predict(model, np.stack([BRIGHT] * 2), snippets, torch.device("cpu"), gated=True)[0] > 0.5
    session = Session(model, "cpu")
    stepped = [session.step(window(k, *SPEECH)).mask for k in range(2)]
    assert (masks[-1] == stepped[-1]).all()


def test_the_trained_network_gets_as_many_seconds_as_it_was_trained_on():
    model = make_model()
    session = Session(model, "cpu")
    for second in range(5):
        session.step(window(second, *OTHER))
    assert session.network.trained.seconds == 3
    encoding = model.network.trained.encode(torch.rand(4, 3, 8, 8), torch.rand(4, SAMPLES))
    early = torch.tensor([[True, False, False, False]])
    assert recent(encoding, early, 3)[1] is early, "a wanted second is kept"
    last, wanted = recent(encoding, early.flip(1), 3)
    assert torch.equal(last.audio, encoding.audio[1:]) and wanted.tolist() == [[False, False, True]]


def test_scores_are_mapped_threshold_to_threshold():
    score = torch.tensor([0.0, 0.3, 0.6, 0.8, 1.0])
    assert torch.allclose(scaled(score, 0.6, 0.2), torch.tensor([0.0, 0.1, 0.2, 0.6, 1.0]))


def test_models_that_hear_other_classes_are_refused():
    first = make_model()
    other = Model("other", RightHalf(), ModelConfig(), ("clap",), ("violin",))
    zero_shot = Model("zero_shot", first.network.zero_shot, first.config, SOUNDS, ("dog",))
    with pytest.raises(ValueError, match="other hears 1 classes at 100 Hz.*zero_shot 3"):
        Combined(zero_shot, other)


def test_each_frame_of_a_clip_is_painted_by_one_of_them():
    """Both are sure of the first second, the trained network alone of the second."""
    model = make_model()
    snippets = np.stack([window(0, 0.9, 0.0).snippet, window(1, *OTHER).snippet])
    masks, decoding = predict(model, np.stack([BRIGHT] * 2), snippets, torch.device("cpu"), gated=True)
    names = [model.visual_labels[int(k)] for k in decoding.consensus.visual_class]
    assert names == ["person", "violin"]
    assert (masks[0, :, :12] > 0.5).all() and not (masks[0, :, 20:] > 0.5).any()
    assert (masks[1, :, 20:] > 0.5).all() and not (masks[1, :, :12] > 0.5).any()
