"""The zero-shot model from files: what it picks, one line for every bad one, and real clips."""

import os
import pickle
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import yaml

from c3n_model.cli import main
from c3n_model.config import ZeroShotConfig, read_config
from c3n_model.labels.names import audioset_names, imagenet_names
from c3n_model.labels.similarity_table import LabelTable, matrix_sha256
from c3n_model.loading import load_model
from c3n_model.sources.media import VideoSource
from c3n_model.streaming.segment import segment
from c3n_model.streaming.session import Session
from c3n_model.weights import manifest
from c3n_model.zero_shot.build import load_zero_shot

ROOT = Path(__file__).parents[3]
MN04, TF_MOBILENET = "mn04_as_mAP_432.pt", "mobilenetv2_100_tfsame.safetensors"
DEEPLAB, DEEPLAB_LABELS = "deeplabv3_mnv2_pascal_quant.tflite", "pascal_voc_segmentation_labels.txt"


@pytest.fixture
def own(real_data, tmp_path, monkeypatch) -> Path:
    """A folder of weights of one's own, links to the real ones; nothing else is found."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in (MN04, TF_MOBILENET, DEEPLAB, DEEPLAB_LABELS, "class_labels_indices.csv"):
        (folder / name).symlink_to(real_data / "weights" / name)
    monkeypatch.setenv("C3N_WEIGHTS", str(folder))
    monkeypatch.setattr(manifest, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    return folder


def replace(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


def refusal(real_data, model: str = "zero_shot") -> str:
    """What `c3n segment` says, which must be one line and exit status 1."""
    clip = real_data / "avsbench_clips" / "0BLiYNtFSjA.mp4"
    with pytest.raises(SystemExit) as stop:
        main(["segment", str(clip), "-o", "out", "--device", "cpu", "--model", model, "--no-download"])
    message = str(stop.value.code)  # text: Python exits with 1
    assert message.startswith("c3n: ")
    assert "\n" not in message
    return message


def test_the_settings_file_lists_the_defaults():
    settings = yaml.safe_load((ROOT / "config" / "zero_shot.yaml").read_text())["zero_shot"]
    assert settings == asdict(ZeroShotConfig())


def test_plain_c3im_is_the_papers():
    config = read_config(ROOT / "config" / "plain_c3im.yaml").zero_shot
    assert (config.alpha, config.beta, config.history) == (0.1, 0.1, 1)
    assert (config.refinement, config.segmenter, config.labels) == ("none", "none", "labels.safetensors")


def test_without_files_the_message_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("C3N_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(manifest, "cache_folder", lambda: tmp_path / "cache")
    with pytest.raises(FileNotFoundError, match="class_labels_indices.csv .*`c3n weights get audioset_classes`"):
        load_zero_shot()


def test_a_config_of_a_c3n_is_not_a_zero_shot_model(tmp_path):
    with pytest.raises(ValueError, match="demo.yaml has no section zero_shot"):
        load_model(ROOT / "config" / "demo.yaml")
    (tmp_path / "typo.yaml").write_text("zero_shot: {segmentr: none}")
    with pytest.raises(ValueError, match="no key 'segmentr'; did you mean 'segmenter'"):
        load_model(tmp_path / "typo.yaml")


@pytest.mark.realdata
def test_the_default_uses_the_available_segmenter(own):
    pytest.importorskip("ai_edge_litert")
    model = load_zero_shot()
    assert model.card["files"] == [TF_MOBILENET, MN04]
    assert "those of deeplabv3_pascal. Masks are approximate." in model.card["note"]
    person = model.visual_labels.index("person")
    assert model.network.vocabulary.segments[person].any()
    assert not model.network.vocabulary.members[person].any()
    assert not model.network.training
    (own / DEEPLAB).unlink()
    assert "does not recognise people" in load_zero_shot().card["note"]


@pytest.fixture
def with_detector(own, real_data) -> ZeroShotConfig:
    """The defaults and a real detector of COCO's classes."""
    pytest.importorskip("ai_edge_litert")
    weights = real_data / "weights"
    return ZeroShotConfig(
        detector=str(weights / "coco_centernet.onnx"),
        detector_labels=str(weights / "coco_labels.txt"),
        detector_input="bytes",
    )


@pytest.mark.realdata
def test_instances_of_a_real_clip_make_up_its_mask_and_keep_their_ids(with_detector, real_data):
    model = load_zero_shot(with_detector)
    assert "those of deeplabv3_pascal and coco_centernet.onnx" in model.card["note"]
    assert len(set(model.visual_labels)) == len(model.visual_labels)
    session = Session(model, "cpu")
    seconds = list(segment(VideoSource(real_data / "avsbench_clips" / "0BLiYNtFSjA.mp4"), session))
    published = [second for second in seconds if second.mask.any()]
    assert len(published) >= 4
    for second in published:
        assert ((second.object_numbers > 0) == second.mask).all()
        assert sum(found.area for found in second.objects) == second.mask.sum()
        assert {found.label for found in second.objects} == {second.label.visual} == {"horse"}
    first_ids = {found.id for found in published[0].objects}
    assert all(first_ids & {found.id for found in second.objects} for second in published)


@pytest.mark.realdata
def test_people_are_recognised_by_a_detector_alone(own, with_detector):
    (own / DEEPLAB).unlink()
    model = load_zero_shot(with_detector)
    assert "does not recognise people" not in model.card["note"]
    assert not model.network.vocabulary.members[model.visual_labels.index("person")].any()


@pytest.mark.realdata
def test_no_segmenter_by_choice(own):
    model = load_zero_shot(ZeroShotConfig(segmenter="none"))
    assert model.network.segmenter is None
    assert "person" in model.visual_labels
    assert model.network.detector is None
    assert model.network.vocabulary.members[model.visual_labels.index("person")].any()


@pytest.mark.realdata
@pytest.mark.parametrize("name", [MN04, "class_labels_indices.csv"])
def test_a_missing_file_is_one_line(own, real_data, name):
    (own / name).unlink()
    message = refusal(real_data)
    assert f"{name} (" in message
    assert "is not on this machine: `c3n weights get" in message


@pytest.mark.realdata
def test_a_missing_label_file_is_one_line(own, real_data):
    pytest.importorskip("ai_edge_litert")
    (own / DEEPLAB_LABELS).unlink()
    message = refusal(real_data)
    assert message.startswith(f"c3n: {DEEPLAB_LABELS} (names of the 21 classes of Pascal VOC) is not on this machine")


@pytest.mark.realdata
@pytest.mark.parametrize("name", [MN04, TF_MOBILENET, DEEPLAB, DEEPLAB_LABELS, "class_labels_indices.csv"])
def test_a_truncated_file_is_refused_in_one_line(own, real_data, name):
    whole = (own / name).read_bytes()
    replace(own / name, whole[: len(whole) // 2])
    assert f"{name} is incomplete: expected {len(whole)} bytes, got {len(whole) // 2}." in refusal(real_data)


@pytest.mark.realdata
@pytest.mark.parametrize("padded", [False, True])
def test_a_pickle_with_code_is_never_run(own, real_data, tmp_path, padded):
    class Poison:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    content = pickle.dumps(Poison(), protocol=2)
    size = manifest.entry("mn04").bytes
    replace(own / MN04, content.ljust(size, b"\0") if padded else content)
    message = refusal(real_data)
    assert ("contains code" if padded else "is incomplete") in message
    assert not (tmp_path / "ran").exists()


@pytest.mark.realdata
def test_weights_of_another_model_are_one_line(own, real_data):
    (own / "mn10_as_mAP_471.pt").symlink_to(real_data / "weights" / MN04)
    (own / "large.yaml").write_text("zero_shot: {audio: mn10}")
    assert "mn10_as_mAP_471.pt is incomplete" in refusal(real_data, str(own / "large.yaml"))
    (own / TF_MOBILENET).unlink()
    torch.save({"weight": torch.zeros(3)}, own / "mobilenetv2_100_ra-b33bc2c4.pth")
    message = refusal(real_data)
    assert "mobilenetv2_100_ra-b33bc2c4.pth do not fit" in message
    assert "tensors missing" in message


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"segmenter": "deeplab"}, "segmenter is 'deeplab'; expected one of auto, none, deeplabv3_pascal, maskrcnn"),
        ({"segmenter": "nothing.onnx"}, "no such file: nothing.onnx; a segmenter is a .tflite or .onnx file"),
        ({"segmenter": "maskrcnn_resnet50_fpn"}, "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth (Mask R-CNN"),
        ({"detector": "yolo"}, "detector is 'yolo'; expected one of auto, none, fasterrcnn_mobilenet_v3_large_320_fpn"),
        ({"detector": "nothing.onnx"}, "no such file: nothing.onnx; a detector is a .tflite or .onnx file"),
        ({"detector": "ssdlite320_mobilenet_v3_large"}, "ssdlite320_mobilenet_v3_large_coco-a79551df.pth (SSDLite"),
        (
            {"detector_labels": "mine.txt"},
            "detector_labels is only for a .tflite or .onnx file, but detector is 'auto'",
        ),
        ({"detector_input": "bytes"}, "detector_input is only for a .tflite or .onnx file, but detector is 'auto'"),
        ({"detector_input": "bgr"}, "detector_input is 'bgr'; expected one of auto, unit, symmetric, bytes, imagenet"),
        ({"detector_score": 2.0}, "detector_score must be at most 1, got 2.0"),
        ({"labels": "t.safetensors", "detector": "a.onnx"}, "set detector: none, or labels: sources"),
        (
            {"labels": "nothing.safetensors"},
            "no such label table: nothing.safetensors; build one with c3n labels build",
        ),
        ({"labels": "t.safetensors", "segmenter": "deeplabv3_pascal"}, "set segmenter: none, or labels: sources"),
        ({"refinement": "sam"}, "refinement is 'sam'; expected one of none, affinity, grabcut"),
        ({"visual": "mobilnet"}, "visual encoder 'mobilnet' is not a timm model"),
        ({"visual": "swin_base_patch4_window7_224"}, "one size only"),
    ],
)
def test_settings_that_cannot_be_are_one_line(own, real_data, settings, message):
    (own / "model.yaml").write_text(yaml.safe_dump({"zero_shot": settings}))
    assert message in refusal(real_data, str(own / "model.yaml"))


@pytest.mark.realdata
def test_plain_c3im_runs_on_a_table(own, real_data, tmp_path):
    sounds, sights = audioset_names(own / "class_labels_indices.csv"), imagenet_names()
    similarity = torch.zeros(len(sounds), len(sights))
    similarity[sounds.index("Horse"), 339] = 1.0  # sorrel
    table = LabelTable(similarity, tuple(sounds), tuple(sights), {"matrix_sha256": matrix_sha256(similarity)})
    table.save(tmp_path / "labels.safetensors")
    model = load_model(ROOT / "config" / "plain_c3im.yaml")
    assert model.network.segmenter is None
    assert model.visual_labels == tuple(sights)
    assert "does not recognise people" not in model.card["note"]
    clip = VideoSource(real_data / "avsbench_clips" / "0BLiYNtFSjA.mp4")
    second = next(segment(clip, Session(model, "cpu")))
    assert (second.label.audio, second.label.visual) == ("Horse", "sorrel")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("clip", "expected", "at_least"),
    [
        ("0BLiYNtFSjA", {"horse"}, 4),
        ("QYbisnpKlQ", {"bus", "truck", "car"}, 5),
        ("QYbisnpKlQ", {"bus"}, 3),
        ("YYbShzoZWRo", {"person"}, 4),
    ],
)
def test_real_clips_are_labelled_correctly(own, real_data, clip, expected, at_least):
    pytest.importorskip("ai_edge_litert")
    source = VideoSource(real_data / "avsbench_clips" / f"{clip}.mp4")
    seconds = list(segment(source, Session(load_model("zero_shot"), "cpu")))
    assert len(seconds) == 5
    seen = [(second.label.visual, bool(second.mask.any())) for second in seconds]
    assert sum(label in expected and has_mask for label, has_mask in seen) >= at_least, seen


@pytest.mark.realdata
def test_a_real_clip_is_tagged_correctly(own, real_data):
    strings = {"Violin, fiddle", "Bowed string instrument", "Cello", "String section", "Guitar", "Acoustic guitar"}
    source = VideoSource(real_data / "avsbench_clips" / "O7xnnBye7RM.mp4")
    heard = [second.label.audio for second in segment(source, Session(load_model("zero_shot"), "cpu"))]
    assert sum(label in strings | {"Plucked string instrument", "Ukulele"} for label in heard) >= 4, heard


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["02_cups", "05_default_juggle"])
def test_silent_clips_give_no_mask(own, real_data, name):
    source = VideoSource(real_data / "silent" / f"{name}.mp4", allow_silent=True)
    seconds = list(segment(source, Session(load_model("zero_shot"), "cpu")))
    assert seconds
    assert not any(second.mask.any() for second in seconds)


def test_labels_for_a_segmenter_with_built_in_labels_are_refused(own):
    with pytest.raises(ValueError, match="segmenter_labels .* segmenter is 'auto'"):
        load_zero_shot(ZeroShotConfig(segmenter_labels="mine.txt"))


def test_alpha_and_beta_cannot_both_be_zero():
    with pytest.raises(ValueError, match="alpha and beta are both 0"):
        ZeroShotConfig(alpha=0.0, beta=0.0)
