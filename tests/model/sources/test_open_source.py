import subprocess
import sys

import numpy as np
import pytest

from c3n_model.pictures.overlay import write_png
from c3n_model.sources import open_source
from c3n_model.sources.bag import BagSource
from c3n_model.sources.bag_writer import BagWriter
from c3n_model.sources.media import VideoSource
from c3n_model.types import AudioChunk, Frame


@pytest.mark.parametrize("storage, suffix", [("mcap", ".mcap"), ("sqlite3", ".db3")])
def test_bags(tmp_path, storage, suffix, make_items):
    with BagWriter(tmp_path / "scene", storage) as writer:
        for item in make_items():
            writer.write(item)
    (file,) = (tmp_path / "scene").glob(f"*{suffix}")
    assert isinstance(open_source(tmp_path / "scene"), BagSource) and isinstance(open_source(file), BagSource)
    (tmp_path / "scene/metadata.yaml").unlink()
    assert isinstance(open_source(str(tmp_path / "scene")), BagSource)
    with pytest.raises(ValueError, match="topic /other"):
        open_source(tmp_path / "scene", image_topic="/other")


def test_a_video(video):
    assert isinstance(open_source(video), VideoSource)


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(ValueError, match="has no images"):
        open_source(tmp_path)


def test_pictures_without_sound_where_that_is_allowed(tmp_path, video):
    write_picture(tmp_path / "pictures" / "1.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="needs exactly one .wav"):
        open_source(tmp_path / "pictures")
    source = open_source(tmp_path / "pictures", allow_silent=True)
    assert not source.has_sound and open_source(video, allow_silent=True).has_sound
    kinds = [type(item) for item in source]
    assert kinds.count(Frame) == 1 and kinds.count(AudioChunk) == 10


def write_picture(path, rgb):
    path.parent.mkdir()
    write_png(path, rgb)


def test_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a bag, a video file or a folder"):
        open_source(tmp_path / "nothing")


def test_loads_what_it_needs_only():
    code = "import c3n_model.sources, sys; print([name for name in ('av', 'rosbags', 'cv2') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
