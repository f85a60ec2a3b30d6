"""A model that has learnt its robot's background before it is scored."""

import numpy as np
import pytest
import torch
from toy_zero_shot import SOUNDS, LeftHalf, make_network

from c3n_model.config import ZeroShotConfig
from c3n_model.experiments.zero_shot.accustomed import MOTORS, accustom
from c3n_model.experiments.zero_shot.scenes import MOTOR
from c3n_model.model import Model
from c3n_model.streaming.session import Session
from c3n_model.zero_shot.logit_statistics import LogitStatistics


@pytest.fixture
def model():
    """A toy that takes a motor for people: 20 logits for a deviation of 1."""
    prior = LogitStatistics(torch.zeros(3), torch.tensor([0.1, 0.1, 1.0]))
    network = make_network(LeftHalf(), prior=prior, prior_weight=0.0, evidence_threshold=2.0)
    network.audio_encoder.sample_rate = 8000  # the toy's own 100 Hz carry no motor
    return Model("toy", network, ZeroShotConfig(image_size=32), SOUNDS, network.vocabulary.labels)


def presence(model):
    """How present the toy finds the source of a motor that it has not heard before."""
    motor = MOTOR.seconds(8000)
    frames = np.full((len(motor), 32, 32, 3), 250, np.uint8)
    images, sounds = model.inputs(frames, motor, torch.device("cpu"))
    newest = torch.arange(len(motor))[None] == len(motor) - 1
    with torch.no_grad():
        return float(model.network.decode(model.network.encode(images, sounds), newest).presence)


def test_a_network_without_a_background_is_unchanged(tiny_model):
    assert accustom(tiny_model, "cpu") is tiny_model


def test_a_learnt_motor_is_no_evidence(model):
    assert presence(model) > 0 and presence(accustom(model, "cpu")) == 0
    assert Session(model, "cpu").background.statistics is None, "the model itself has learnt nothing"


def test_it_is_learnt_from_other_motors_than_those_of_the_scenes():
    played = MOTOR.seconds(8000)
    assert all(not np.array_equal(noise.seconds(8000), played) for noise in MOTORS)
    assert not np.array_equal(*(noise.seconds(8000) for noise in MOTORS))
