import numpy as np
import pytest

from c3n_model.review import pseudo_labels as rule
from c3n_model.review.pseudo_labels import judge, least_confidence, overlap
from c3n_model.review.seconds import ReviewSecond, to_png
from c3n_model.types import Presence

SECOND = 1_000_000_000


def recording(text, *, scores=None, starts=None, shift=()):
    """Seconds by letters: a label, "_" silence, "?" unsure. Masks are the left half; those in `shift` are moved by half of that."""
    seconds, presences = [], {}
    for number, letter in enumerate(text):
        start = (starts[number] if starts else number) * SECOND
        mask = np.zeros((8, 16), bool)
        if letter not in "_?":
            left = 4 if number in shift else 0
            mask[:, left : left + 8] = True
        label = letter if mask.any() else ""
        seconds.append(ReviewSecond(start, b"", np.zeros(0, np.float32), to_png(mask), label))
        loudness = -70.0 if letter == "_" else -20.0
        presences[start] = Presence(letter not in "_?", 0.9 if scores is None else scores[number], loudness)
    return seconds, presences


def kept(text, least=0.5, silence=True, **more):
    reasons = judge(*recording(text, **more), least, silence=silence)
    return "".join("k" if reason == rule.KEPT else "." for reason in reasons), reasons


def test_both_neighbours_must_agree():
    assert kept("aaaa")[0] == ".kk."
    marks, reasons = kept("aaabb?")
    assert marks == ".k...."
    assert reasons[2] == reasons[3] == rule.OTHER_LABEL
    assert reasons[0] == rule.NO_NEIGHBOUR and reasons[4] == rule.UNCERTAIN_NEIGHBOUR
    assert reasons[5] == "unsure"


def test_a_moved_mask_is_not_consistent():
    marks, reasons = kept("aaaaaa", shift=[3])  # IoU 1/3 with its neighbours
    assert marks == ".k...." and reasons[2:5] == [rule.OTHER_MASK] * 3


def test_confidence_is_asked_of_a_second_and_not_of_its_neighbours():
    marks, reasons = kept("aaaa", least=0.8, scores=[0.6, 0.8, 0.79, 0.9])
    assert marks == ".k.." and reasons[2] == rule.NOT_CONFIDENT


def test_a_gap_has_no_neighbour():
    marks, reasons = kept("aaaaaa", starts=[0, 1, 2, 4, 5, 6])
    assert marks == ".k..k." and reasons[2] == reasons[3] == rule.NO_NEIGHBOUR


def test_silence_beside_a_sound_is_kept_up_to_the_number_of_sounding_seconds():
    marks, reasons = kept("____aaa____")
    assert marks == "..kkkkkk..." and reasons[0] == rule.SILENT
    assert kept("____aaa____", silence=False)[0] == "....kkk...."
    assert kept("____")[0] == "...." and kept("_a_")[0] == "..."
    assert kept("_a_")[1][1] == rule.UNCERTAIN_NEIGHBOUR


def test_a_second_that_the_model_did_not_segment_is_dropped():
    seconds, presences = recording("aaa")
    del presences[SECOND]
    assert judge(seconds, presences, 0.5, silence=True)[1] == rule.NO_MASK


def test_the_margin_lies_between_threshold_and_one():
    assert least_confidence(0.34, 0) == 0.34
    assert least_confidence(0.5, 0.25) == pytest.approx(0.625)
    for margin in (-0.1, 1, float("nan")):
        with pytest.raises(ValueError, match="margin"):
            least_confidence(0.5, margin)


def test_overlap():
    left, half = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    left[:, :2], half[:, 1:3] = True, True
    assert overlap(left, half) == pytest.approx(1 / 3) and overlap(left, left) == 1
    assert overlap(left & ~left, left & ~left) == 0 and overlap(left, left[:1]) == 0
