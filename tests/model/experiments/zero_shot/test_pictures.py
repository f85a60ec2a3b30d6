"""Panoptic and polygon masks read from files that the tests write."""

import json

import cv2
import numpy as np
import pytest
from bench_folder import write_picture

from c3n_model.compose.polygon_files import COCO_IDS, COCO_NAMES
from c3n_model.experiments.zero_shot.pictures import read_pictures

LEFT = "0 0 0.5 0 0.5 1 0 1"


def write_panoptic(folder, numbers, categories, segments, name="p"):
    """Write segment numbers (H, W) as COCO's PNG, and the JSON next to it."""
    (folder / "panoptic/set").mkdir(parents=True)
    numbers = np.asarray(numbers)
    bgr = np.stack([numbers // 65536, numbers // 256 % 256, numbers % 256], axis=-1).astype(np.uint8)
    cv2.imwrite(str(folder / f"panoptic/set/{name}.png"), bgr)
    table = {
        "categories": categories,
        "annotations": [
            {
                "file_name": f"{name}.png",
                "segments_info": [
                    {"id": number, "category_id": kind, "iscrowd": int(number == 7)} for number, kind in segments
                ],
            }
        ],
    }
    (folder / "panoptic/set.json").write_text(json.dumps(table))


def test_coco_has_80_categories_with_its_own_numbers():
    assert len(COCO_NAMES) == len(COCO_IDS) == 80
    named = dict(zip(COCO_IDS, COCO_NAMES))
    assert (named[1], named[18], named[74], named[90]) == ("person", "dog", "mouse", "toothbrush")


def test_panoptic_instances_of_a_thing_are_one_mask_and_stuff_is_none(tmp_path):
    write_picture(tmp_path, "p.png", 1, size=(2, 4))
    large = 3 + 256 * 2 + 65536 * 1
    write_panoptic(
        tmp_path,
        [[7, 7, 0, large], [9, 9, 0, large]],
        [
            {"id": 1, "name": "person", "isthing": 1},
            {"id": 5, "name": "tv", "isthing": 1},
            {"id": 8, "name": "sky", "isthing": 0},
        ],
        [(7, 1), (large, 1), (9, 8)],
    )
    (picture,) = read_pictures(tmp_path)
    assert picture.name == "p"
    assert picture.rgb.shape == (2, 4, 3)
    assert [int(mask.sum()) for mask in picture.instances["person"]] == [2, 2]
    assert picture.crowds == {"person"}
    assert {noun: mask.tolist() for noun, mask in picture.masks.items()} == {
        "person": [[True, True, False, True], [False, False, False, True]]
    }


def test_cocos_mouse_is_not_a_rodent(tmp_path):
    write_picture(tmp_path, "p.png", 74)
    assert list(read_pictures(tmp_path)[0].masks) == ["computer mouse"]


def test_panoptic_is_preferred_to_polygons(tmp_path):
    write_picture(tmp_path, "p.png", 18, size=(4, 4))
    write_picture(tmp_path, "q.jpg", 18, size=(4, 8))
    write_panoptic(tmp_path, np.ones((4, 4), int), [{"id": 3, "name": "cat", "isthing": 1}], [(1, 3)])
    first, second = read_pictures(tmp_path)
    assert (list(first.masks), list(second.masks)) == (["cat"], ["dog"])
    # cv2 fills a polygon's own edge, too
    assert second.masks["dog"].all(axis=0).tolist() == [True] * 5 + [False] * 3


@pytest.mark.parametrize(
    ("numbers", "names"),
    [((1, 18), {"person", "dog"}), ((0, 16), {"person", "dog"}), ((12, 16), {"parking meter", "dog"})],
)
def test_numbers_without_gaps_are_recognised(tmp_path, numbers, names):
    for number in numbers:
        write_picture(tmp_path, f"{number}.png", number)
    assert {noun for picture in read_pictures(tmp_path) for noun in picture.masks} == names


def test_text_files_without_an_image_are_skipped(tmp_path):
    write_picture(tmp_path, "p.png", 18)
    (tmp_path / "instance_polygons/classes.txt").write_text("person\ndog\n")
    (tmp_path / "instance_polygons/elsewhere.txt").write_text(f"0 {LEFT}\n")
    assert list(read_pictures(tmp_path)[0].masks) == ["dog"]


def test_instances_unite_and_empty_lines_are_passed_over(tmp_path):
    write_picture(tmp_path, "p.png", 1, size=(10, 10))
    (tmp_path / "instance_polygons/p.txt").write_text(f"1 {LEFT}\n\n  \n1 0.8 0 1 0 1 1 0.8 1\n")
    (picture,) = read_pictures(tmp_path)
    assert len(picture.instances["person"]) == 2
    assert picture.masks["person"].all(axis=0).tolist() == [True] * 6 + [False] * 2 + [True] * 2


def test_an_image_without_objects_has_no_masks(tmp_path):
    write_picture(tmp_path, "p.png", 1)
    (tmp_path / "instance_polygons/p.txt").write_text("")
    assert read_pictures(tmp_path)[0].masks == {}


@pytest.mark.parametrize(
    "text",
    ["dog 0 0 1 0 1 1", "95 0 0 1 0 1 1", "1 0 0 1 0 1", "1 0 0 1 1", "1 0 0 1 x 1 1", "1 0 0 nan 0 1 1"],
)
def test_a_bad_polygon_names_its_file_and_line(tmp_path, text):
    write_picture(tmp_path, "p.png", 1)
    (tmp_path / "instance_polygons/p.txt").write_text(f"1 {LEFT}\n{text}\n")
    with pytest.raises(ValueError, match=r"p\.txt, line 2"):
        read_pictures(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"categories": [3], "annotations": []}'])
def test_a_json_without_panoptic_annotations_is_named(tmp_path, text):
    write_picture(tmp_path, "p.png", 1)
    (tmp_path / "panoptic").mkdir()
    (tmp_path / "panoptic/x.json").write_text(text)
    with pytest.raises(ValueError, match=r"x\.json.*COCO panoptic"):
        read_pictures(tmp_path)


def test_masks_of_another_size_are_refused(tmp_path):
    write_picture(tmp_path, "p.png", 1, size=(4, 4))
    write_panoptic(tmp_path, [[1, 1]], [{"id": 1, "name": "cat", "isthing": 1}], [(1, 1)])
    with pytest.raises(ValueError, match=r"p\.png.*\(1, 2\).*\(4, 4\)"):
        read_pictures(tmp_path)


def test_a_truncated_jpeg_is_refused_by_name(tmp_path):
    write_picture(tmp_path, "p.jpg", 1)
    path = tmp_path / "images/p.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"p\.jpg cannot be read"):
        read_pictures(tmp_path)


def test_missing_annotations_are_one_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\b0 images.*panoptic/"):
        read_pictures(tmp_path)
    write_picture(tmp_path, "p.png", 1)
    (tmp_path / "instance_polygons/p.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"\b1 images.*panoptic/"):
        read_pictures(tmp_path)
