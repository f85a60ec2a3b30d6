"""Nothing is deleted, overwritten or left half written by accident: results, overlay videos, extracted videos."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from c3n_model.files.outputs import locked, plain_name, refuse_overwriting
from c3n_model.sources.bag import BagSource
from c3n_model.sources.convert import bag_from_media, media_from_bag
from c3n_model.sources.media import VideoSource
from c3n_model.sources.results import ResultWriter
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.types import Frame, Presence, Segmentation, UnifiedLabel

SECOND = 1_000_000_000


def segmentation(stamp_ns):
    mask = np.ones((8, 8), bool)
    label = UnifiedLabel("Bark", "dog", 0.9, 0.8, 0.5, 0.7)
    return Segmentation(0, stamp_ns, "", mask, mask * np.uint8(255), label, Presence(True, 0.9, -20.0), ())


def frame(stamp_ns):
    return Frame(np.zeros((32, 32, 3), np.uint8), stamp_ns)


@pytest.mark.parametrize(
    "name",
    ["../precious.png", "{folder}/precious.png", "masks/../../precious.png", "masks/mine.png", "overlay.mp4x", 7, None],
)
def test_only_names_of_our_own_inside_the_folder_are_removed(tmp_path, name):
    out = tmp_path / "out"
    (out / "masks").mkdir(parents=True)
    kept = [tmp_path / "precious.png", out / "masks/mine.png", out / "overlay.mp4x", out / "notes.txt"]
    for file in kept:
        file.write_bytes(b"mine")
    former = out / "masks/0000000000000000001.png"
    former.write_bytes(b"former")
    named = name.format(folder=tmp_path) if isinstance(name, str) else name
    lines = [json.dumps({"mask": named}), json.dumps({"mask": "masks/0000000000000000001.png"}), "{", "[]"]
    (out / "labels.jsonl").write_text("\n".join(lines))
    with ResultWriter(out) as results:
        results.show(frame(0))
        results.write(segmentation(5))
    assert all(file.read_bytes() == b"mine" for file in kept) and not former.exists()


def test_masks_behind_a_link_are_left_alone(tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "masks").symlink_to(elsewhere)
    (elsewhere / "0000000000000000001.png").write_bytes(b"mine")
    (out / "labels.jsonl").write_text(json.dumps({"mask": "masks/0000000000000000001.png"}))
    with ResultWriter(out):
        pass
    assert (elsewhere / "0000000000000000001.png").read_bytes() == b"mine"


def test_a_video_that_is_not_ours_is_not_replaced(tmp_path):
    (tmp_path / "overlay.mp4").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="overlay.mp4"), ResultWriter(tmp_path):
        pass
    assert (tmp_path / "overlay.mp4").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["overlay.mp4", "labels.jsonl", "masks", "masks/0000000000000000001.png"])
@pytest.mark.parametrize("linked", [False, True])
def test_an_output_is_never_an_input(tmp_path, name, linked):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.mkdir() if name == "masks" else file.write_bytes(b"mine")
    source = file
    if linked:
        source = tmp_path / "other"
        source.symlink_to(file)
    with pytest.raises(ValueError, match="overwrite the input"):
        ResultWriter(tmp_path, source)
    assert file.exists()


def test_other_inputs_may_lie_in_the_folder_of_the_results(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"")
    ResultWriter(tmp_path, tmp_path / "clip.mp4")
    refuse_overwriting(["demo", None], [tmp_path])
    assert (tmp_path / "clip.mp4").is_file()


def test_two_processes_do_not_share_a_folder(tmp_path):
    with (
        locked(tmp_path / "out"),
        pytest.raises(BlockingIOError, match="another process"),
        ResultWriter(tmp_path / "out"),
    ):
        pass
    with ResultWriter(tmp_path / "out"):
        pass
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["labels.jsonl", "masks"]


class TestVideos:
    def test_extracting_does_not_replace_a_file(self, tmp_path, video):
        bag_from_media(VideoSource(video), tmp_path / "bag")
        before = video.read_bytes()
        with pytest.raises(FileExistsError, match="clip.mp4 exists already"):
            media_from_bag(BagSource(tmp_path / "bag"), video)
        assert video.read_bytes() == before

    def test_a_bag_without_a_frame_is_an_error_and_no_file(self, tmp_path):
        class Silent(list):
            path, image_topic = tmp_path / "bag", "/camera"

        with pytest.raises(ValueError, match="no frame on /camera"):
            media_from_bag(Silent(), tmp_path / "a.mp4")
        assert list(tmp_path.iterdir()) == []

    def test_an_existing_video_is_kept_until_the_new_one_is_complete(self, tmp_path, video):
        before = video.read_bytes()
        with pytest.raises(RuntimeError), VideoWriter(video) as writer:
            writer.write(frame(0))
            raise RuntimeError
        assert video.read_bytes() == before and list(tmp_path.iterdir()) == [video]

    def test_a_full_disk_is_an_error_with_the_name_and_leaves_no_file(self, tmp_path):
        """A limit on the size of files stands in for the disk."""
        code = """
import resource, signal, sys, numpy as np
from pathlib import Path
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.types import Frame
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
random = np.random.default_rng(0)
with VideoWriter(Path(sys.argv[1])) as writer:
    for number in range(60):
        writer.write(Frame(random.integers(0, 255, (128, 128, 3), np.uint8), number * 10**8))
"""
        path = tmp_path / "full.mp4"
        result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
        assert "OSError" in result.stderr.splitlines()[-1] and str(path) in result.stderr.splitlines()[-1]
        assert list(tmp_path.iterdir()) == []


KILLED = """
import sys
sys.path[:0] = [sys.argv[2]]
from test_outputs_are_safe import SECOND, frame, segmentation
from c3n_model.sources.results import ResultWriter
with ResultWriter(sys.argv[1]) as results:
    for number in range(200):
        results.show(frame(number * SECOND // 10))
        results.write(segmentation(number + 1))
        print(number, flush=True)
"""


def test_a_killed_run_leaves_no_incomplete_file_under_a_final_name(tmp_path):
    import cv2

    for attempt in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), os.path.dirname(__file__)], stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(0.02 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        for file in tmp_path.rglob("*"):
            if file.suffix == ".png":
                assert cv2.imread(str(file), cv2.IMREAD_UNCHANGED).shape == (8, 8)
            assert file.name not in ("labels.jsonl", "overlay.mp4")
    with ResultWriter(tmp_path) as results:
        results.show(frame(0))
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "..\\a", "a\0b", " a"])
def test_names_from_data_are_not_paths(name):
    with pytest.raises(ValueError, match="line 3: expected a plain name"):
        plain_name(name, "table.csv, line 3")
    assert plain_name("Ärger-1_2.x", "table.csv") == "Ärger-1_2.x"
