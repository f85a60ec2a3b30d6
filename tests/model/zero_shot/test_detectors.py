"""Detectors in files: every form of outputs through onnxruntime, with answers known by hand; and what is refused."""

import numpy as np
import pytest
import torch
from onnx import TensorProto
from onnx_detectors import write_detector, write_labels

from c3n_model.zero_shot.detectors import open_detector

NAMES = ("person", "dog", "cat")
GREY = torch.full((1, 3, 20, 20), 0.5)
F32 = np.float32


def opened(tmp_path, outputs, *, names=NAMES, values="auto", min_score=0.3, **settings):
    path = write_detector(tmp_path / "detector.onnx", outputs, **settings)
    return open_detector(path, write_labels(tmp_path / "labels.txt", names), min_score, values)


def rounded(tensor) -> list:
    return np.round(tensor.numpy().astype(float), 4).tolist()


def logit(probability):
    probability = np.asarray(probability, np.float64)
    return np.log(probability / (1 - probability)).astype(F32)


BOXES = np.array([[0.5, 0.25, 1.0, 0.75], [0.0, 0.0, 0.5, 0.5], [0.2, 0.2, 0.4, 0.4]], F32)
SCORES, LABELS = np.array([0.6, 0.9, 0.2], F32), np.array([1, 0, 2])


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("scale", [1, 8])  # fractions; pixels of a picture of 8 x 8
@pytest.mark.parametrize("names", [("boxes", "scores", "labels"), ("out_b", "out_class", "out_s")])
def test_boxes_scores_and_labels(tmp_path, batched, scale, names):
    by_kind = {"boxes": BOXES * scale, "scores": SCORES, "labels": LABELS}
    outputs = dict(zip(names, (by_kind["boxes"], by_kind["scores"], by_kind["labels"]), strict=True))
    outputs = {name: array[None] if batched else array for name, array in outputs.items()}
    (found,) = opened(tmp_path, outputs, values="unit")(GREY)
    assert rounded(found.scores) == [0.9, 0.6]  # the best first, one too unsure
    assert found.classes.tolist() == [0, 1]
    assert rounded(found.boxes) == [[0, 0, 0.5, 0.5], [0.5, 0.25, 1, 0.75]]
    assert found.masks is None


@pytest.mark.parametrize("shape", [(3, 1, 8, 8), (3, 8, 8)])
def test_masks_with_boxes(tmp_path, shape):
    masks = np.zeros((3, 8, 8), F32)
    masks[0, 2:6, 4:] = 0.9
    outputs = {"boxes": BOXES * 8, "labels": LABELS, "scores": SCORES, "masks": masks.reshape(shape)}
    (found,) = opened(tmp_path, outputs)(GREY)
    assert found.masks.shape == (2, 8, 8)
    assert found.masks[1].sum().item() == pytest.approx(0.9 * 16)
    assert not found.masks[0].any()


def test_nothing_found_is_an_empty_list(tmp_path):
    outputs = {"boxes": BOXES[:0], "labels": LABELS[:0], "scores": SCORES[:0], "masks": np.zeros((0, 1, 8, 8), F32)}
    (found,) = opened(tmp_path, outputs)(GREY)
    assert len(found) == 0 and found.boxes.shape == (0, 4)


@pytest.mark.parametrize("no_object", [True, False])
@pytest.mark.parametrize("names", [("pred_boxes", "logits", "masks"), ("dets", "labels", "pred_masks")])
def test_queries_of_detr_and_rf_detr(tmp_path, no_object, names):
    boxes = np.array([[[0.75, 0.5, 0.5, 0.5], [0.5, 0.5, 1, 1]]], F32)  # centre and size
    if no_object:
        logits = np.log(np.array([[[0.1, 0.7, 0.1, 0.1], [0.05, 0.05, 0.05, 0.85]]], F32))
    else:
        logits = logit([[[0.1, 0.7, 0.1], [0.1, 0.2, 0.05]]])
    masks = np.full((1, 2, 4, 4), -3, F32)
    masks[0, 0, :, 2:] = 3
    outputs = dict(zip(names, (boxes, logits, masks), strict=True))
    (found,) = opened(tmp_path, outputs)(GREY)
    assert found.classes.tolist() == [1]
    assert rounded(found.scores) == [0.7]
    assert rounded(found.boxes) == [[0.5, 0.25, 1, 0.75]]
    assert (found.masks[0] > 0.5).tolist() == [[False, False, True, True]] * 4


def yolo_rows(scale=1.0):
    """Five anchors: a dog twice, a cat on the same place, a person, and nothing; two coefficients of masks."""
    rows = np.zeros((5, 4 + 3 + 2), F32)
    rows[:, :4] = np.array([[0.5, 0.5, 0.4, 0.4]] * 3 + [[0.2, 0.2, 0.2, 0.2], [0.5, 0.5, 1, 1]]) * scale
    rows[1, 0] += 0.02 * scale
    rows[[0, 1, 2, 3], [5, 5, 6, 4]] = 0.8, 0.7, 0.6, 0.5
    rows[:, 7:] = [[8, 0], [8, 0], [0, 8], [-8, 8], [0, 0]]
    return rows


@pytest.mark.parametrize("scale", [1, 8])
@pytest.mark.parametrize("anchors_first", [True, False])
@pytest.mark.parametrize("prototypes_last", [True, False, None])
def test_raw_yolo(tmp_path, scale, anchors_first, prototypes_last):
    rows = np.concatenate([yolo_rows(scale), np.zeros((20, 9), F32)])  # more anchors than numbers of each, as ever
    prototypes = np.full((1, 2, 4, 4), -1, F32)
    prototypes[0, 0, :2], prototypes[0, 1, 2:] = 1, 1  # the upper half, the lower half
    outputs = {}
    if prototypes_last is None:
        rows = rows[:, :7]
    else:
        outputs["p"] = np.ascontiguousarray(prototypes.transpose(0, 2, 3, 1)) if prototypes_last else prototypes
    outputs["output0"] = np.ascontiguousarray(rows if anchors_first else rows.T)[None]
    (found,) = opened(tmp_path, outputs)(GREY)
    assert found.classes.tolist() == [1, 2, 0]  # the double is gone, the other class on its place is not
    assert rounded(found.scores) == [0.8, 0.6, 0.5]
    assert rounded(found.boxes)[0] == [0.3, 0.3, 0.7, 0.7]
    assert rounded(found.boxes)[2] == [0.1, 0.1, 0.3, 0.3]
    if prototypes_last is None:
        assert found.masks is None
    else:
        halves = (found.masks > 0.5).float().mean(dim=2)
        assert halves[0].tolist() == [1, 1, 0, 0]
        assert halves[1].tolist() == halves[2].tolist() == [0, 0, 1, 1]


def test_detection_postprocess_has_y_first_and_a_count(tmp_path):
    prefix = "TFLite_Detection_PostProcess"
    outputs = {
        prefix: BOXES[None],
        f"{prefix}:1": LABELS[None].astype(F32),
        f"{prefix}:2": np.array([[0.6, 0.9, 0.8]], F32),
        f"{prefix}:3": np.array([2], F32),
    }
    (found,) = opened(tmp_path, outputs)(GREY)
    assert found.classes.tolist() == [0, 1]
    assert rounded(found.boxes) == [[0, 0, 0.5, 0.5], [0.25, 0.5, 0.75, 1]]


@pytest.mark.parametrize(
    ("values", "score"), [("unit", 0.5), ("symmetric", 0.0), ("bytes", 127.5), ("imagenet", 0.2266)]
)
def test_the_picture_has_the_range_that_is_asked_for(tmp_path, values, score):
    scores = np.array([[0.5, 1, 0]], F32) / max(score, 1)
    outputs = {"boxes": BOXES[None], "scores": scores, "labels": LABELS[None]}
    (found,) = opened(tmp_path, outputs, scaled="scores", values=values, min_score=-1.0)(GREY)
    assert found.scores.max().item() == pytest.approx(score / max(score, 1), abs=1e-3)


def test_integer_input_is_read_as_levels(tmp_path):
    outputs = {"boxes": BOXES[None], "scores": SCORES[None] / 255, "labels": LABELS[None]}
    detector = opened(
        tmp_path, outputs, scaled="scores", input_shape=(1, 8, 8, 3), input_type=TensorProto.UINT8, min_score=0.1
    )
    (found,) = detector(torch.ones(1, 3, 20, 20))
    assert rounded(found.scores) == [0.9, 0.6, 0.2]


def test_an_unknown_input_range_must_be_set(tmp_path):
    with pytest.raises(ValueError, match="detector_input to one of unit, symmetric, bytes, imagenet"):
        opened(tmp_path, {"boxes": BOXES[None], "scores": SCORES[None], "labels": LABELS[None]})


@pytest.mark.parametrize(
    "outputs",
    [
        {"boxes": BOXES, "scores": SCORES},  # no labels
        {"boxes": BOXES, "first": SCORES, "second": SCORES},  # which are the labels?
        {"output0": np.zeros((1, 85, 100), F32)},  # YOLO of 81 classes, or with objectness
        {"dets": BOXES[None], "labels": np.zeros((1, 3, 91), F32)},  # labels of another model
        {"a": np.zeros((1, 9, 4), F32), "b": np.zeros((1, 9, 4), F32)},  # boxes or logits of three classes and none?
        {"map": np.zeros((1, 3, 8, 8), F32)},  # a segmenter
        {"output0": np.zeros((1, 9, 30), F32), "p": np.zeros((1, 5, 4, 4), F32)},  # 5 prototypes, 2 coefficients
    ],
)
def test_ambiguous_outputs_are_refused_with_the_expected_formats(tmp_path, outputs):
    with pytest.raises(ValueError, match=r"3 labels; expected boxes \(n, 4\).*Check that the label file") as refused:
        opened(tmp_path, outputs)
    for name, array in outputs.items():
        assert f"{name} {array.shape}" in str(refused.value)


def test_a_class_without_a_label_is_refused(tmp_path):
    outputs = {"boxes": BOXES, "scores": SCORES, "labels": np.array([3, 0, 0])}
    detector = opened(tmp_path, outputs)
    with pytest.raises(ValueError, match="class 3, .* names 3 classes"):
        detector(GREY)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.onnx"):
        open_detector(tmp_path / "nothing.onnx", write_labels(tmp_path / "labels.txt", NAMES), 0.3)
    path = write_detector(tmp_path / "detector.onnx", {"boxes": BOXES, "scores": SCORES, "labels": LABELS})
    with pytest.raises(FileNotFoundError, match="nothing.txt"):
        open_detector(path, tmp_path / "nothing.txt", 0.3)


def seen_on(real_data, detector, picture="pairs/dog_image.jpg"):
    import cv2

    rgb = cv2.imread(str(real_data / picture))[..., ::-1].copy()
    return detector(torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255)[0]


@pytest.mark.realdata
def test_a_real_detector_of_fractions_finds_the_dog(real_data):
    weights = real_data / "weights"
    detector = open_detector(weights / "coco_centernet.onnx", weights / "coco_labels.txt", 0.3, "bytes")
    found = seen_on(real_data, detector)
    assert detector.labels[found.classes[0]] == "dog"
    assert found.masks is None


@pytest.mark.realdata
def test_a_real_quantised_instance_segmenter_finds_the_same_dog(real_data):
    pytest.importorskip("ai_edge_litert")
    weights = real_data / "weights"
    labels = weights / "coco_labels.txt"
    found = seen_on(real_data, open_detector(weights / "yolov8n_seg_320_int8.tflite", labels, 0.3))
    assert found.classes[0] == 16
    other = seen_on(real_data, open_detector(weights / "coco_centernet.onnx", labels, 0.3, "bytes"))
    corners = torch.stack([found.boxes[0], other.boxes[0]])
    inner = (corners[:, 2:].amin(dim=0) - corners[:, :2].amax(dim=0)).clamp(min=0).prod()
    union = (corners[:, 2:] - corners[:, :2]).prod(dim=1).sum() - inner
    assert inner / union > 0.7
    mask = found.masks[0] > 0.5
    left, top, right, bottom = (found.boxes[0] * mask.shape[0]).round().int().tolist()
    inside = mask[top:bottom, left:right].sum() / mask.sum()
    assert inside > 0.9 and 0.3 < mask[top:bottom, left:right].float().mean() < 1


@pytest.mark.realdata
def test_labels_of_another_count_are_refused_for_a_real_file(real_data, tmp_path):
    pytest.importorskip("ai_edge_litert")
    labels = write_labels(tmp_path / "ninety_one.txt", [f"thing {k}" for k in range(91)])
    with pytest.raises(ValueError, match=r"\(1, 116, 2100\).*91 labels"):
        open_detector(real_data / "weights" / "yolov8n_seg_320_int8.tflite", labels, 0.3)
