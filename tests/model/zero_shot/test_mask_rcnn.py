"""Mask R-CNN with random weights: its masks, its labels, and the names in its public file."""

import pytest
import torch

from c3n_model.weights.tensors import load_weights
from c3n_model.zero_shot.torchvision_detectors import DETECTORS, MaskRCNN, TorchvisionDetector, coco_labels, from_public
from c3n_model.zero_shot.vocabulary import noun_vocabulary


@pytest.fixture(scope="module")
def mask_rcnn():
    torch.manual_seed(0)
    return MaskRCNN()


def test_mask_rcnn_with_random_weights_gives_masks(mask_rcnn):
    mask_rcnn.network.transform.min_size, mask_rcnn.network.transform.max_size = (64,), 64
    masks = mask_rcnn(torch.rand(1, 3, 64, 64))
    assert masks.shape == (1, 91, 64, 64)
    assert 0 <= masks.min().item() <= masks.max().item() <= 1
    assert (mask_rcnn.labels[0], mask_rcnn.labels[1], mask_rcnn.labels[12]) == ("__background__", "person", "N/A")


def test_mask_rcnn_unites_the_instances_of_a_class(mask_rcnn, monkeypatch):
    left, all_of_it = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1.0, 1.0]]])
    found = {
        "labels": torch.tensor([18, 18, 18, 1]),
        "scores": torch.tensor([0.9, 0.6, 0.4, 0.8]),
        "masks": torch.stack([left, all_of_it, 2 * all_of_it, left * 0]),
    }
    monkeypatch.setattr(mask_rcnn.network, "forward", lambda frames: [found for _ in frames])
    masks = mask_rcnn(torch.zeros(2, 3, 1, 2))
    assert torch.allclose(masks[:, 18], torch.tensor([[[0.9, 0.6]]] * 2))  # the third instance is too unsure
    assert not masks[:, [k for k in range(91) if k != 18]].any()


def test_unused_coco_categories_become_no_labels(mask_rcnn):
    vocabulary = noun_vocabulary(("Speech", "Bark", "Clicking", "Animal"), mask_rcnn.labels)
    seen = [label for label, known in zip(vocabulary.labels, vocabulary.segments.any(dim=1)) if known]
    assert {"person", "dog", "computer mouse", "keyboard", "elephant"} <= set(seen)
    assert not {"N/A", "n/a", "rodent", "mouse", "pizza"} & set(seen)
    assert not any("background" in label for label in vocabulary.labels)
    dog = vocabulary.labels.index("dog")
    assert [mask_rcnn.labels[index] for index in vocabulary.segments[dog].nonzero()[:, 0]] == ["dog"]


def test_the_old_public_file_of_mask_rcnn_fits(mask_rcnn, tmp_path):
    """Its names, as torchvision's own modules of version 1 read them."""
    own = mask_rcnn.network.state_dict()
    old = {}
    for name, tensor in own.items():
        for block in ("inner_blocks", "layer_blocks"):
            for level in range(4):
                name = name.replace(f"fpn.{block}.{level}.0.", f"fpn.{block}.{level}.")
        name = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        for layer in range(4):
            name = name.replace(f"mask_head.{layer}.0.", f"mask_head.mask_fcn{layer + 1}.")
        old[name] = tensor
    assert "roi_heads.mask_head.mask_fcn4.bias" in old
    old["backbone.body.bn1.num_batches_tracked"] = torch.tensor(0)
    load_weights(mask_rcnn.network, from_public(old), tmp_path)
    assert from_public(own).keys() == own.keys()


def test_an_instance_keeps_its_outline_however_sure_it_is(mask_rcnn, monkeypatch):
    found = {"labels": torch.tensor([1]), "scores": torch.tensor([0.55]), "masks": torch.tensor([[[[0.6, 0.4]]]])}
    monkeypatch.setattr(mask_rcnn.network, "forward", lambda frames: [found])
    assert mask_rcnn(torch.zeros(1, 3, 1, 2))[0, 1].tolist() == [[pytest.approx(0.55), 0]]


@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_a_torchvision_detector_gives_fractions_of_the_frame(name, monkeypatch):
    detector = TorchvisionDetector(name, 0.3)
    assert detector(torch.rand(1, 3, 64, 64))[0].boxes.shape[1] == 4  # as torchvision runs it, whatever it finds
    found = {
        "boxes": torch.tensor([[0.0, 10, 20, 20], [8.0, 0, 16, 40]]),
        "labels": torch.tensor([1, 18]),
        "scores": torch.tensor([0.2, 0.6]),
    }
    monkeypatch.setattr(detector.network, "forward", lambda frames: [found for _ in frames])
    first, second = detector(torch.zeros(2, 3, 40, 20))
    assert first.boxes.tolist() == second.boxes.tolist() == [pytest.approx([0.4, 0, 0.8, 1])]
    assert [detector.labels[index] for index in first.classes] == ["dog"]
    assert first.masks is None


def test_mask_rcnn_as_a_detector_has_masks(mask_rcnn, monkeypatch):
    found = {
        "boxes": torch.tensor([[0.0, 0, 1, 1], [0, 0, 2, 1]]),
        "labels": torch.tensor([18, 18]),
        "scores": torch.tensor([0.6, 0.9]),
        "masks": torch.tensor([[[[1.0, 0.0]]], [[[0.0, 1.0]]]]),
    }
    detector = TorchvisionDetector("maskrcnn_resnet50_fpn", 0.3)
    monkeypatch.setattr(detector.network, "forward", lambda frames: [found])
    (seen,) = detector(torch.zeros(1, 3, 1, 2))
    assert seen.masks.tolist() == [[[0, 1]], [[1, 0]]]  # two of one class, the better first


def test_labels_are_cocos_with_gaps():
    assert len(coco_labels()) == 91 and coco_labels().count("N/A") == 10
    assert {"ssdlite320_mobilenet_v3_large", "maskrcnn_resnet50_fpn"} <= set(DETECTORS)
