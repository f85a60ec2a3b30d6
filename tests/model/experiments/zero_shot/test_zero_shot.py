"""Scores worked out by hand on tiny pictures, and their means."""

import numpy as np
import pytest
import torch
from bench_folder import RATE, LeftHalf, tiny_model, tone

from c3n_model.experiments.zero_shot import zero_shot
from c3n_model.experiments.zero_shot.methods import Answer
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import Scene
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.experiments.zero_shot.zero_shot import Score, peak, same_thing, score_answer
from c3n_model.progress import silent

CPU = torch.device("cpu")


def make_scene(mask, noun="dog", name="p", samples=None):
    mask = np.asarray(mask, bool)
    samples = tone(440, 2) if samples is None else samples
    picture = Picture(name, np.full((*mask.shape, 3), 90, np.uint8), {noun: mask})
    return Scene(picture, Sound("dog/1", samples, RATE, "dog", frozenset({"Dog"})), noun, mask)


def make_score(iou, named=True, milliseconds=None):
    return Score(iou=iou, pointed=iou > 0.5, named=named, published=True, milliseconds=milliseconds)


def answer(*rows, **settings):
    return Answer(np.array(rows, np.float32), **settings)


def test_iou_and_pointing_by_hand():
    scene = make_scene([[1, 1, 0, 0], [1, 1, 0, 0]])
    score = score_answer(answer([0.6, 0.5, 0.7, 0], [0.6, 0, 0, 0], noun="dog"), scene, 0)
    assert score.iou == pytest.approx(2 / 5)  # 0.5 itself is not in the mask
    assert (score.pointed, score.named, score.published) == (False, True, True)


def test_the_confidence_is_brought_to_the_size_of_the_picture():
    score = score_answer(answer([1, 0]), make_scene(np.arange(80).reshape(8, 10) % 10 < 5), 0)
    assert (score.iou, score.pointed, score.named) == (1, True, None)


def test_published_is_a_mask_that_is_sure_enough():
    scene = make_scene([[1, 0]])
    assert score_answer(answer([1, 0], presence=0.3), scene, 0.3).published
    assert not score_answer(answer([1, 0], presence=0.29), scene, 0.3).published
    assert score_answer(answer([1, 0], presence=0.29), scene, 0.3).iou == 1  # counts all the same
    assert not score_answer(answer([0.4, 0], presence=0.9), scene, 0.3).published


def test_an_empty_mask_scores_nothing_but_may_point():
    scene = make_scene(np.ones((3, 3)))
    weak = np.zeros((3, 3), np.float32)
    assert score_answer(Answer(weak), scene, 0).pointed is False
    weak[1, 1] = 0.2
    score = score_answer(Answer(weak), scene, 0)
    assert (score.iou, score.pointed) == (0, True)


def test_nothing_to_find_and_nothing_found_is_right():
    scene = make_scene(np.zeros((2, 2)), noun="")
    assert score_answer(Answer(np.zeros((2, 2), np.float32)), scene, 0).iou == 1
    assert score_answer(Answer(np.ones((2, 2), np.float32)), scene, 0).iou == 0


def test_the_peak_of_a_plateau_is_far_from_its_edge():
    confidence = np.zeros((9, 12), np.float32)
    confidence[2:7, 3:8] = 0.9
    assert peak(confidence) == (4, 5)
    confidence[2:7, 3] = 0.8995  # equal, as far as it matters
    assert peak(confidence) == (4, 5)
    confidence[0, 11] = 0.95
    assert peak(confidence) == (0, 11)
    assert peak(np.ones((5, 5), np.float32)) == (2, 2)


def test_the_same_thing_by_another_name():
    assert same_thing("rooster", "dog") is False
    assert same_thing("owl", "bird")
    assert not same_thing("bird", "owl")
    assert same_thing("robin, American robin, Turdus migratorius", "bird")
    assert not same_thing("robin, American robin, Turdus migratorius", "dog")
    assert same_thing("gizmo", "gizmo")


def test_means_over_categories():
    scenes = [make_scene([[1]], noun) for noun in ("dog", "person", "person", "person")]
    scores = [
        make_score(1.0, True, 8.0),
        make_score(0.0, False, 2.0),
        make_score(0.3, True, 4.0),
        make_score(0.6, True),
    ]
    summary = zero_shot.summarise(scores, scenes)
    assert summary["mask_iou"] == pytest.approx((1 + 0.3) / 2)
    assert summary["mask_iou_without_people"] == 1
    assert summary["mask_iou_over_scenes"] == pytest.approx(1.9 / 4)
    assert summary["pointing_game"] == pytest.approx((1 + 1 / 3) / 2)
    assert summary["class_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert summary["median_ms_per_mask"] == 4
    assert summary["scenes_by_class"] == {"dog": 1, "person": 3}
    assert summary["mask_iou_by_class"] == {"dog": 1.0, "person": pytest.approx(0.3)}


def test_one_scene_of_a_person_and_a_method_that_names_nothing():
    summary = zero_shot.summarise([make_score(0.4, None)], [make_scene([[1]], "person")])
    assert summary["mask_iou"] == pytest.approx(0.4)
    assert summary["mask_iou_without_people"] is summary["class_accuracy"] is summary["median_ms_per_mask"] is None


def test_the_interval_draws_pictures():
    scenes = [make_scene([[1]], name=name) for name in ("a", "a", "b")]
    same = zero_shot.bootstrap(
        [make_score(i) for i in (0.2, 0.4, 0.9)], [make_score(i) for i in (0.1, 0.3, 0.8)], scenes
    )
    assert same == pytest.approx([0.1, 0.1])
    low, high = zero_shot.bootstrap([make_score(i) for i in (0, 0, 1)], [make_score(0)] * 3, scenes)
    assert (low, high) == (0, 1)  # a quarter of the draws are of one picture alone
    assert zero_shot.bootstrap([make_score(1.0)] * 2, [make_score(0.0)] * 2, scenes[:2]) is None


def test_a_method_that_missed_scenes_is_not_compared():
    scenes = [make_scene([[1]]), make_scene([[1]], name="q")]
    both, one = [make_score(0.5), make_score(0.7)], [make_score(1.0)]
    table = zero_shot.compare({"classifiers": both, "true_class": one, "centre_box": both}, scenes)
    assert list(table) == ["classifiers", "centre_box"]
    assert "difference_to_classifiers_95" not in table["classifiers"]
    assert table["centre_box"]["difference_to_classifiers_95"] == [0, 0]
    assert zero_shot.compare({}, []) == {}


def test_every_method_answers_every_scene_and_the_first_answer_is_not_timed():
    models = {"classifiers": tiny_model(), "with_segmenter": tiny_model(LeftHalf(), history=1)}
    calls = []
    ear = models["classifiers"].network.audio_encoder
    ear.register_forward_hook(lambda *_: calls.append(1))
    seen = []
    growing = tone(440, 2) * np.repeat([0.5, 1], RATE).astype(np.float32)  # two seconds are heard
    scenes = [make_scene(np.ones((20, 30)), noun, samples=growing) for noun in ("dog", "gizmo")]
    scores = zero_shot.score_scenes(models, scenes, CPU, silent, lambda scene, answers: seen.append((scene, answers)))
    assert {name: len(rows) for name, rows in scores.items()} == {
        "all_foreground": 2,
        "centre_box": 2,
        "vision_only": 2,
        "audio_only": 2,
        "true_class": 1,  # there is no gizmo in the vocabulary
        "classifiers": 2,
        "with_segmenter": 2,
    }
    assert [scene for scene, _ in seen] == scenes
    # A call for the first second, one for the second, one for both: by two methods for two scenes, and to warm up.
    assert len(calls) == 3 * (2 * 2 + 1)
    assert scores["all_foreground"][0] == Score(1.0, True, None, True, None)
    assert scores["centre_box"][0].iou == pytest.approx(10 * 16 / 600)
    assert all(score.milliseconds > 0 for score in scores["classifiers"])


def test_masks_of_sounds_from_elsewhere_are_counted():
    scenes = [make_scene(np.zeros((20, 30)), noun="") for _ in range(3)]
    always, never = (tiny_model(LeftHalf(), presence_threshold=threshold) for threshold in (0.0, 1.0))
    in_view = [make_score(1.0), Score(0.0, False, None, False, None)]
    found = zero_shot.off_screen(always, scenes, in_view, CPU, silent)
    assert (found["scenes"], found["published"], found["published_in_view"]) == (3, 3, 0.5)
    assert 0 < found["mean_area"] < 1
    assert zero_shot.off_screen(never, scenes, in_view, CPU, silent)["mean_area"] == 0
    nothing = zero_shot.off_screen(always, [], [], CPU, silent)
    assert nothing == {"scenes": 0, "published": 0, "mean_area": None, "published_in_view": None}


def test_top_1_and_top_5_by_folder():
    model = tiny_model()  # hears the band of a tone: 500 Hz a class
    right = [frozenset({name}) for name in model.audio_labels[:2]]
    sounds = [
        Sound("a/1", tone(125, 1), RATE, "", right[0]),
        Sound("a/2", tone(125, 1), RATE, "", frozenset({"Yodeling"})),
        Sound("b/1", tone(2125, 1), RATE, "", frozenset({model.audio_labels[4]})),
        Sound("c/1", tone(125, 1), RATE, ""),
    ]
    found = zero_shot.tag(model, sounds, CPU, silent)
    assert found["sounds"] == 3
    assert found["top1"] == pytest.approx(2 / 3)
    assert found["by_folder"] == {
        "a": {"sounds": 2, "top1": 0.5, "top5": 0.5},
        "b": {"sounds": 1, "top1": 1.0, "top5": 1.0},
    }
    assert zero_shot.tag(model, [], CPU, silent) == {"sounds": 0, "top1": None, "top5": None, "by_folder": {}}


def test_halves_say_what_to_do_when_nothing_is_left():
    tuned, other = (Picture(name, np.zeros((1, 1, 3), np.uint8), {}) for name in (min(zero_shot.tuned_on()), "other"))
    assert zero_shot.halves([tuned, other], tuning=False) == [other]
    assert zero_shot.halves([tuned, other], tuning=True) == [tuned]
    with pytest.raises(ValueError, match="--tuning scores them"):
        zero_shot.halves([tuned], tuning=False)
    with pytest.raises(ValueError, match="leave out --tuning"):
        zero_shot.halves([other], tuning=True)
