"""Answers that know less than the model."""

import numpy as np
import pytest
import torch
from bench_folder import RATE, LeftHalf, tiny_model, tone

from c3n_model.experiments.zero_shot.methods import consensus_answer, fixed_answers, one_sense_answers

CPU = torch.device("cpu")
FRAME = np.random.default_rng(0).integers(0, 255, (24, 40, 3), np.uint8)


def test_everything_and_the_box_in_the_centre():
    answers = fixed_answers((4, 8))
    assert answers["all_foreground"].confidence.min() == 1
    assert answers["centre_box"].confidence.tolist() == [[0] * 8, [0, 0, 1, 1, 1, 1, 0, 0]] + [
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0] * 8,
    ]
    assert answers["centre_box"].noun == "" and answers["centre_box"].presence is None


def test_one_sense_alone():
    model = tiny_model()
    seconds = tone(4 * 500 + 125, 1)[None]  # the band of the fifth sound, "Chicken, rooster"
    assert model.audio_labels[4] == "Chicken, rooster"
    answers = one_sense_answers(model, FRAME, seconds, "violin", CPU)
    assert answers["audio_only"].noun in ("chicken", "bird")
    assert answers["true_class"].noun == "violin"
    assert answers["vision_only"].noun in model.visual_labels
    assert all(answer.confidence.shape == (32, 32) and answer.presence is None for answer in answers.values())
    assert "true_class" not in one_sense_answers(model, FRAME, seconds, "gizmo", CPU)


def test_a_sound_that_nothing_makes_is_not_what_is_heard_most():
    model = tiny_model()
    seconds = tone(4 * 500 + 125, 1)[None]
    model.network.similarity[4] = 0  # as of wind
    heard = model.network.audio_encoder(torch.from_numpy(seconds))[1][0]
    assert heard.argmax() == 4
    heard[4] = -1
    next_best = model.network.similarity[heard.argmax()].argmax()
    answers = one_sense_answers(model, FRAME, seconds, "dog", CPU)
    assert answers["audio_only"].noun == model.visual_labels[int(next_best)]


def test_the_consensus_is_that_of_the_last_seconds_of_the_history():
    seconds = np.stack([tone(hertz, 1) for hertz in (125, 1125, 375)])
    model = tiny_model(LeftHalf(), history=2)
    answer = consensus_answer(model, FRAME, seconds, CPU)
    assert answer.presence == pytest.approx(consensus_answer(model, FRAME, seconds[1:], CPU).presence)
    assert answer.presence != pytest.approx(consensus_answer(model, FRAME, seconds[2:], CPU).presence)
    assert seconds.shape == (3, RATE) and answer.milliseconds > 0 and answer.noun in model.visual_labels
