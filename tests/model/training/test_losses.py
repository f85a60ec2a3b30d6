"""Eq. 16 on masks of four pixels."""

import math

import pytest
import torch

from c3n_model.training.losses import dice_losses, frame_losses

TRUTH = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        ([[1, 1], [0, 0]], 0.0),  # perfect: 1 - (2*2 + 1) / (2 + 2 + 1)
        ([[0, 0], [1, 1]], 0.8),  # inverted: 1 - 1 / 5
        ([[1, 0], [0, 0]], 0.25),  # half of it: 1 - 3 / 4
    ],
)
def test_dice_by_hand(predicted, expected):
    assert dice_losses(torch.tensor([predicted]).float(), TRUTH).item() == pytest.approx(expected)


def test_dice_of_empty_predicted_empty_is_zero():
    assert dice_losses(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)).item() == 0


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        ([[1, 1], [0, 0]], [[1, 1], [0, 0]], -0.2),  # perfect: 1 - 2 (2 + 1) / (2 + 2 + 1)
        ([[0, 0], [1, 1]], [[1, 1], [0, 0]], 0.6),  # inverted: 1 - 2 / 5
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]], -1.0),  # both empty: 1 - 2 / 1
    ],
)
def test_dice_of_the_authors_by_hand(predicted, truth, expected):
    losses = dice_losses(torch.tensor([predicted]).float(), torch.tensor([truth]).float(), "authors")
    assert losses.item() == pytest.approx(expected)


def test_the_cross_entropy_can_weigh_more():
    # As below, with BCE 1.5 ln 2; in the authors' form dice = 1 - 2 (1 + 1) / 5 = 0.2
    weighted = frame_losses(torch.zeros(1, 2, 2), TRUTH, dice="authors", bce_weight=1.5)
    assert weighted.item() == pytest.approx(1.5 * math.log(2) + 0.2)


def test_loss_is_bce_plus_dice():
    # Logits 0: BCE = ln 2; probabilities 1/2: dice = 1 - (2 * 1 + 1) / (2 + 2 + 1) = 0.4
    assert frame_losses(torch.zeros(1, 2, 2), TRUTH).item() == pytest.approx(math.log(2) + 0.4)


def test_frames_are_counted_one_by_one():
    logits = torch.tensor([[[9.0, 9.0], [-9.0, -9.0]], [[0.0, 0.0], [0.0, 0.0]]])
    losses = frame_losses(logits, TRUTH.expand(2, 2, 2))
    assert losses[0] < 0.001
    assert losses[1].item() == pytest.approx(math.log(2) + 0.4)
