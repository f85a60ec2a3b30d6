"""Reading cut-outs, and where they are pasted."""

import cv2
import numpy as np
import pytest
from bench_folder import write_cutout, write_sound

from c3n_model.experiments.zero_shot import cutouts
from c3n_model.experiments.zero_shot.cutouts import paste, read_cutouts
from c3n_model.experiments.zero_shot.pictures import Picture


@pytest.fixture
def goat_and_cow(tmp_path):
    write_cutout(tmp_path, "billy", (200, 40, 40))
    write_cutout(tmp_path, "cow", (20, 200, 20), hertz=900)
    (tmp_path / "names.txt").write_text("billy goat\n\n")
    return read_cutouts(tmp_path)[0]


def make_picture(name, size=(100, 160), **things):
    masks = {}
    for noun, columns in things.items():
        masks[noun] = [np.zeros(size, bool)]
        masks[noun][0][:, slice(*columns)] = True
    return Picture(name, np.full((*size, 3), 90, np.uint8), masks)


def test_nouns_sounds_and_alpha(goat_and_cow):
    goat, cow = goat_and_cow
    assert [(c.name, c.noun) for c in goat_and_cow] == [("billy", "goat"), ("cow", "cow")]
    assert goat.alpha.shape == (31, 31)  # cut to what can be seen
    assert goat.rgb[15, 15].tolist() == [200, 40, 40] and goat.alpha[15, 15] == 1 and goat.alpha[0, 0] == 0
    assert "Goat" in goat.sound.right and cow.sound.noun == "cow"


def test_without_a_sound_a_cutout_is_left_out(tmp_path):
    write_cutout(tmp_path, "cow")
    (tmp_path / "cow.wav").unlink()
    assert read_cutouts(tmp_path) == ([], ["cow.png"])
    assert read_cutouts(tmp_path / "nowhere") == ([], [])


def test_a_picture_without_alpha_and_a_bad_line_are_named(tmp_path):
    write_sound(tmp_path / "cow.wav")
    for picture in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8), np.full((4, 4, 4), 100, np.uint8)):
        cv2.imwrite(str(tmp_path / "cow.png"), picture)
        with pytest.raises(ValueError, match=r"cow\.png"):
            read_cutouts(tmp_path)
    (tmp_path / "names.txt").write_text("cow\n")
    with pytest.raises(ValueError, match=r"names\.txt.*cow"):
        read_cutouts(tmp_path)


def test_the_mask_is_where_the_picture_changed(goat_and_cow):
    rgb = np.full((100, 160, 3), 90, np.uint8)
    pasted, mask = paste(goat_and_cow[0], rgb, 0.6)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    assert 56 <= len(rows) <= 60 and 56 <= len(columns) <= 60  # 0.6 of 100 pixels
    inside = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0
    assert np.abs(pasted[inside].astype(int) - [200, 40, 40]).max() <= 3
    assert (pasted[~mask] != 90).mean() < 0.04  # a rim, half transparent
    assert pasted[..., 0].min() >= 85  # no dark edge from the black that is transparent
    assert (rgb == 90).all()


def test_people_are_hidden_as_little_as_can_be(goat_and_cow):
    crowd = make_picture("a", person=(0, 90), size=(100, 200))
    _, mask = paste(goat_and_cow[0], crowd.rgb, 0.6, avoid=crowd.masks["person"])
    assert not (mask & crowd.masks["person"]).any()


def test_backgrounds_are_empty_or_crowded_and_never_of_the_same_kind(goat_and_cow):
    pictures = [make_picture("empty"), make_picture("crowd", person=(0, 40)), make_picture("herd", cow=(0, 40))]
    alone = cutouts.alone(goat_and_cow, pictures)
    assert {(s.group, s.name.split(" on ")[1].split(":")[0]) for s in alone} == {
        ("billy", "empty"),
        ("billy", "herd"),
        ("cow", "empty"),
    }
    beside = cutouts.beside_people(goat_and_cow, pictures)
    assert {s.name.split(" on ")[1].split(":")[0] for s in beside} == {"crowd"}
    assert all(s.right == {s.noun} for s in (*alone, *beside))


def test_pairs_side_by_side(goat_and_cow):
    pasted = cutouts.pairs(goat_and_cow, [make_picture("empty")])
    assert [(first.name, second.name) for first, second, _ in pasted] == [("billy", "cow"), ("cow", "billy")]
    _, _, picture = pasted[0]
    assert not (picture.masks["goat"] & picture.masks["cow"]).any()
    ones = cutouts.one_of_pair(pasted)
    assert [(s.group, s.noun) for s in ones] == [("billy", "goat"), ("cow", "cow"), ("cow", "cow"), ("billy", "goat")]
    both = cutouts.both_of_pair(pasted)[0]
    assert both.right == {"goat", "cow"} and (both.mask == picture.masks["goat"] | picture.masks["cow"]).all()
    switches = cutouts.switching_streams(pasted)
    assert [stream.nouns for stream in switches][:2] == [("goat", "cow"), ("cow", "goat")]


def test_two_of_one_kind_are_not_paired(tmp_path):
    write_cutout(tmp_path, "cow")
    write_cutout(tmp_path, "calf")
    (tmp_path / "names.txt").write_text("calf cow\n")
    assert cutouts.pairs(read_cutouts(tmp_path)[0], [make_picture("empty")]) == []
