"""Outlines of pictures whose class is known: their names, what is refused, and that `c3n compose` reads what is written."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from composing import write_public_sets
from printed_lines import printed
from toy_zero_shot import LeftHalf, make_network

from c3n_model.cli import main
from c3n_model.commands import recording
from c3n_model.compose import outlines, writer
from c3n_model.compose.known_pictures import list_known, noun_of_name
from c3n_model.compose.outline_writer import SHOWN, OutlineWriter
from c3n_model.compose.outlines import LONGEST_SIDE, Outline, outline, tidy
from c3n_model.compose.picture_set import open_pictures
from c3n_model.compose.writer import write_clips

SIDE = 64
FEW = {"train": 2, "val": 1, "test": 0}  # clips
GREY = np.full((SIDE, SIDE, 3), 90, np.uint8)
DISC = cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (40, 30), 16, 1, -1).astype(bool)
BOX = np.zeros((SIDE, SIDE), bool)
BOX[10:40, 20:50] = True
LEFT = np.zeros((SIDE, SIDE), bool)
LEFT[:, : SIDE // 2] = True


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        ("n02099601_golden_retriever", "dog"),
        ("n02085620-Chihuahua", "dog"),
        ("great_white_shark", None),  # makes no sound that is known
        ("crane", None),  # a bird and a machine
        ("n04350905_suit", None),  # what people wear is not a person
        ("cat", "cat"),
        ("rooster", "chicken"),
        ("dog 12", "dog"),
        ("IMG_1234", None),
    ],
)
def test_a_name_tells_the_noun(name, noun):
    assert noun_of_name(name) == noun


def test_the_folder_counts_rather_than_the_file(tmp_path):
    for name in ("dog/cat.jpg", "cat.PNG", "dog/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(list_known(tmp_path)) == [(tmp_path / "cat.PNG", "cat"), (tmp_path / "dog/cat.jpg", "dog")]


def test_small_parts_are_dropped_and_small_holes_filled():
    mask = DISC.copy()
    mask[28:32, 38:42] = False
    mask[60:62, 2:4] = True
    assert (tidy(mask) == DISC).all()
    ring = DISC & ~cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (40, 30), 12, 1, -1).astype(bool)
    assert (tidy(ring) == ring).all()
    assert not tidy(np.zeros((SIDE, SIDE), bool)).any()


def outlined(monkeypatch, mask, seen, segmenter=None, rgb=GREY):
    """What the toy network makes of a picture, of which it would draw `mask` and its classifier sees the noun in `seen`."""
    network = make_network(segmenter)
    logits = torch.from_numpy(np.where(mask, 5.0, -5.0))[None]
    monkeypatch.setattr(network, "mask_of", lambda views, labels: (logits, (None,)))
    monkeypatch.setattr(outlines, "_activated", lambda *given: [seen])
    return outline(network, rgb, "dog")


@pytest.mark.parametrize(
    ("mask", "seen", "refused"),
    [
        (DISC, DISC, ""),
        (DISC, ~DISC, "its localisers do not agree"),
        (DISC & False, DISC, "it would cover too little or too much of the picture"),
        (~(DISC & False), DISC, "it would cover too little or too much of the picture"),
        (BOX, BOX, "only a box of it was found"),
    ],
)
def test_what_is_refused(monkeypatch, mask, seen, refused):
    found = outlined(monkeypatch, mask, seen)
    assert found.refused == refused
    assert (found.mask == mask).all()
    assert not found.people


def test_people_are_noticed_and_not_outlined(monkeypatch):
    white = np.full_like(GREY, 255)
    beside = outlined(monkeypatch, DISC, DISC, LeftHalf(), white)
    assert beside.people and not beside.refused
    crossed = LEFT & ~(cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (0, 0), 30, 1, -1).astype(bool))
    assert outlined(monkeypatch, crossed, crossed, LeftHalf(), white).refused == "people were outlined"


def test_a_real_localiser_on_a_large_picture():
    found = outline(
        make_network(), np.random.default_rng(0).integers(0, 255, (300, 2 * LONGEST_SIDE, 3), np.uint8), "cat"
    )
    assert found.rgb.shape == (150, LONGEST_SIDE, 3)
    assert found.mask.shape == (150, LONGEST_SIDE)
    with pytest.raises(ValueError, match="the image classifier has no horse"):
        outline(make_network(), GREY, "horse")


def test_compose_reads_what_is_written(tmp_path):
    outlined = OutlineWriter(tmp_path)
    outlined.write("a", "cat", Outline(GREY, DISC, False, ""))
    outlined.write("b", "dog", Outline(GREY, DISC | np.roll(DISC, 31, axis=0) & ~np.roll(DISC, -4, axis=0), False, ""))
    outlined.write("c", "dog", Outline(GREY, DISC, True, ""))
    outlined.finish()
    read = open_pictures([tmp_path / "pictures", tmp_path / "cutouts"])
    assert [(picture.key, picture.nouns) for picture in read.pictures] == [("a", {"cat"}), ("b", {"dog"})]
    mask = read.pictures[0].regions[0].mask((SIDE, SIDE))
    assert (mask & DISC).sum() > 0.9 * (mask | DISC).sum()
    assert [(cutout.noun, cutout.read()[1].shape) for cutout in read.cutouts] == [("dog", (33, 33))]
    assert (tmp_path / "outlines.jpg").is_file()


def test_no_more_than_some_are_shown(tmp_path, monkeypatch):
    outlined = OutlineWriter(tmp_path)
    for number in range(3 * SHOWN):
        outlined.write(str(number), "cat", Outline(GREY, DISC, False, ""))
    assert SHOWN / 2 <= len(outlined._shown) <= SHOWN


def test_the_printed_commands(tmp_path, monkeypatch, capsys):
    network = make_network()
    logits = torch.from_numpy(np.where(DISC, 5.0, -5.0))[None]
    monkeypatch.setattr(recording, "load_chosen_model", lambda options: type("Model", (), {"network": network}))
    monkeypatch.setattr(network, "mask_of", lambda views, labels: (logits, (None,)))
    monkeypatch.setattr(outlines, "_activated", lambda *given: [DISC])
    monkeypatch.setattr(
        writer, "write_clips", lambda *given, **more: write_clips(*given[:3], FEW, **more | {"workers": 1})
    )
    monkeypatch.chdir(write_public_sets(tmp_path, 8))
    folder = tmp_path / "ILSVRC2012" / "train"
    for name in ("dog/1.png", "cat/1.png", "table/1.png", "horse/1.png"):
        (folder / name).parent.mkdir(parents=True)
        cv2.imwrite(str(folder / name), GREY)
    (folder / "dog" / "2.png").write_bytes(b"no picture")
    main(printed("c3n outline ILSVRC2012/train -o"))
    said = capsys.readouterr().out
    assert "2 pictures (cat 1, dog 1)" in said
    assert "1 left out: nothing is known of its sound" in said
    assert "1 left out: the image classifier has no horse" in said
    read = open_pictures([Path("outlined/pictures")]).pictures
    assert [(picture.key, picture.nouns) for picture in read] == [("cat_1", {"cat"}), ("dog_1", {"dog"})]
    main(printed("c3n compose --images outlined/pictures"))
    assert "train: 13 pictures" in capsys.readouterr().out
