"""Annotated pictures in each form give the regions that were drawn."""

import json

import cv2
import numpy as np
import pytest
from bench_folder import write_cutout
from composing import DOG, write_picture

from c3n_model.compose.coco_files import _decompress, category_noun
from c3n_model.compose.picture_set import open_pictures
from c3n_model.compose.region import RunLengths, polygon_area

TRUTH = np.zeros((4, 6), bool)
TRUTH[1:3, 2:5] = True
# Column by column: two columns outside, then one pixel outside and two inside, three times, then the rest.
RUNS = [9, 2, 2, 2, 2, 2, 5]
COMPRESSED = "9220003"  # 9 2 2, then differences to the last but one: 2-2 2-2 2-2 5-2


def write_json(path, annotations, image=None, categories=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "images").mkdir(exist_ok=True)
    cv2.imwrite(str(path.parent / "images/a.png"), np.zeros((4, 6, 3), np.uint8))
    table = {
        "images": [{"id": 7, "height": 4, "width": 6, **(image or {"file_name": "a.png"})}],
        "categories": categories or [{"id": 1, "name": "dog"}, {"id": 2, "name": "car_(automobile)"}],
        "annotations": [{"image_id": 7, "category_id": 1, **annotation} for annotation in annotations],
    }
    path.write_text(json.dumps(table))
    return path


def only(path):
    (picture,) = open_pictures([path]).pictures
    return picture


@pytest.mark.parametrize(
    "segmentation",
    [
        [[2, 1, 4, 1, 4, 2, 2, 2]],  # polygons go through the centres of the outermost pixels
        {"size": [4, 6], "counts": RUNS},
        {"size": [4, 6], "counts": COMPRESSED},
    ],
)
def test_polygons_and_run_lengths_of_coco(tmp_path, segmentation):
    annotation = {"segmentation": segmentation, "area": 6, "iscrowd": int(isinstance(segmentation, dict))}
    picture = only(write_json(tmp_path / "set/instances.json", [annotation]))
    (region,) = picture.regions
    assert (picture.key, region.noun, region.area) == ("a", "dog", 0.25)
    assert region.is_single == isinstance(segmentation, list)
    assert np.array_equal(region.mask((4, 6)), TRUTH)


def test_long_and_negative_numbers_of_compressed_run_lengths():
    assert _decompress("X1M").tolist() == [40, -3]


def test_run_lengths_of_another_size_are_refused():
    with pytest.raises(ValueError, match="24 pixels.*\\(4, 7\\)"):
        RunLengths("dog", 0.1, np.array(RUNS), (4, 7)).mask((4, 7))
    with pytest.raises(ValueError, match="\\(4, 6\\).*\\(8, 12\\)"):
        RunLengths("dog", 0.1, np.array(RUNS), (4, 6)).mask((8, 12))


def test_lvis_names_and_what_it_does_not_annotate(tmp_path):
    image = {"coco_url": "http://host/train2017/a.png", "not_exhaustive_category_ids": [2]}
    picture = only(write_json(tmp_path / "set/lvis.json", [{"segmentation": [[0, 0, 3, 0, 3, 3]], "area": 4}], image))
    assert picture.uncertain == {"car"}
    assert category_noun("alarm_clock") == "alarm clock"


@pytest.mark.parametrize(
    "layout", [("panoptic", "images", "."), ("annotations", "train2017", "annotations/train.json")]
)
def test_panoptic_things(tmp_path, layout):
    """In COCO's own layout the PNGs have the names of the pictures and are nearer to the JSON file."""
    folder, images, source = layout
    numbers = np.where(TRUTH, 5 + 256 * 2, 9)
    png = np.stack([numbers // 65536, numbers // 256 % 256, numbers % 256], axis=-1).astype(np.uint8)  # B G R
    (tmp_path / folder / "train").mkdir(parents=True)
    (tmp_path / images).mkdir()
    cv2.imwrite(str(tmp_path / folder / "train/a.png"), png)
    cv2.imwrite(str(tmp_path / images / "a.jpg"), np.zeros((4, 6, 3), np.uint8))
    table = {
        "categories": [{"id": 1, "name": "dog", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}],
        "annotations": [
            {
                "file_name": "a.png",
                "segments_info": [{"id": 517, "category_id": 1, "area": 6}, {"id": 9, "category_id": 2, "area": 18}],
            }
        ],
    }
    (tmp_path / folder / "train.json").write_text(json.dumps(table))
    picture = only(tmp_path / source)
    (region,) = picture.regions
    assert picture.path.name == "a.jpg"
    assert (region.noun, region.area) == ("dog", 0.25)
    assert np.array_equal(region.mask((4, 6)), TRUTH)


def test_yolo_polygons_with_names_of_their_own(tmp_path):
    write_picture(tmp_path, "a", 1)
    (tmp_path / "instance_polygons").rename(tmp_path / "labels")
    (tmp_path / "data.yaml").write_text("names: [cat, violin]\n")
    (region,) = only(tmp_path).regions
    assert region.noun == "violin" and region.area == pytest.approx(0.375 * 0.5)
    (tmp_path / "data.yaml").write_text("names: {0: cat}\n")
    with pytest.raises(ValueError, match="a.txt, line 1 has category 1"):
        open_pictures([tmp_path])


def test_cutouts_and_pictures_annotated_twice(tmp_path):
    write_picture(tmp_path / "coco", "a", DOG)
    write_cutout(tmp_path / "cut", "cow")
    write_cutout(tmp_path / "cut", "gizmo")
    found = open_pictures([tmp_path / "coco", tmp_path / "cut", tmp_path / "coco"])
    assert [picture.key for picture in found.pictures] == ["a"]
    assert [cutout.noun for cutout in found.cutouts] == ["cow"]
    assert [text.split(":")[1].split()[-1] for text in found.left_out] == ["gizmo"]


def test_things_without_sound_are_dropped_and_nothing_left_is_an_error(tmp_path):
    write_picture(tmp_path, "a", 59)  # a pizza
    with pytest.raises(ValueError, match="annotated thing that can make a sound") as error:
        open_pictures([tmp_path])
    assert str(tmp_path) in str(error.value)
    with pytest.raises(FileNotFoundError, match="nothing"):
        open_pictures([tmp_path / "nothing"])


def test_polygon_area():
    assert polygon_area(np.array([[0, 0], [1, 0], [1, 0.5]])) == 0.25
