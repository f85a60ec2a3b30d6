"""The sheet of masks: a row a scene, rare categories first."""

import numpy as np
import pytest

from c3n_model.experiments.zero_shot.gallery import CELL, Gallery
from c3n_model.experiments.zero_shot.methods import Answer
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import Scene
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.pictures.overlay import draw_mask, write_png


def make_scene(name, noun, level):
    picture = Picture(name, np.full((240, 320, 3), level, np.uint8), {noun: np.ones((240, 320), bool)})
    return Scene(picture, Sound("s", np.ones(4, np.float32), 4, noun), noun, picture.masks[noun])


def test_one_row_for_each_picture_and_category_rare_ones_first():
    gallery = Gallery()
    answers = {
        "vision_only": Answer(np.zeros((8, 8), np.float32), "cat, true cat"),
        "all_foreground": Answer(np.ones(1)),
    }
    scenes = [make_scene("a", "person", 10), make_scene("b", "person", 60), make_scene("c", "dog", 120)]
    for scene in [scenes[0], *scenes]:
        gallery.add(scene, answers)
    assert [scene.picture.name for scene, _ in gallery.scenes] == ["a", "b", "c"]
    sheet = gallery.sheet()
    width, height = CELL
    row = sheet.shape[0] // 3
    assert (sheet.shape[1], row > height) == (2 * width, True)  # the truth, and one of the methods that are shown
    for number, scene in enumerate([scenes[2], scenes[0], scenes[1]]):
        cells = sheet[number * row : number * row + height]
        assert (cells[:, :width] == draw_mask(scene.picture.rgb, scene.mask)).all()
        assert (cells[:, width:] == scene.picture.rgb).all()  # its mask is empty


def test_a_tall_picture_is_whole_and_in_the_middle():
    gallery = Gallery()
    scene = make_scene("a", "dog", 200)
    tall = Picture("a", np.full((480, 120, 3), 200, np.uint8), {})
    gallery.add(Scene(tall, scene.sound, "dog", np.zeros((480, 120), bool)), {})
    shown = (gallery.sheet()[: CELL[1]] == 200).all(axis=2)
    columns = np.flatnonzero(shown.all(axis=0))
    assert (columns[0], columns[-1]) == (130, 189)


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OSError, match="cannot write .*nowhere"):
        write_png(tmp_path / "nowhere/x.png", np.zeros((2, 2, 3), np.uint8))
