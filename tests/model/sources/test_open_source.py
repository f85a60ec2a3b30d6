import subprocess
import sys

import pytest

from c3n_model.sources import open_source
from c3n_model.sources.bag import BagSource
from c3n_model.sources.bag_writer import BagWriter
from c3n_model.sources.media import VideoSource


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


def test_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a bag, a video file or a folder"):
        open_source(tmp_path / "nothing")


def test_loads_what_it_needs_only():
    code = "import c3n_model.sources, sys; print([name for name in ('av', 'rosbags', 'cv2') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
