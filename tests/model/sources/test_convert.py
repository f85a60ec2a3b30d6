import numpy as np
import pytest

from c3n_model.sources.bag import BagSource
from c3n_model.sources.convert import START_NS, bag_from_media, media_from_bag
from c3n_model.sources.media import VideoSource
from c3n_model.streaming.windows import WindowAssembler
from c3n_model.types import AudioChunk, Frame


def windows_of(source):
    assembler, windows = WindowAssembler(16_000), []
    for item in source:
        assembler.add_frame(item) if isinstance(item, Frame) else assembler.add_audio(item)
        windows += assembler.ready()
    return windows + assembler.finish()


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_bag_of_a_video_has_its_windows(video, tmp_path, storage):
    bag_from_media(VideoSource(video), tmp_path / "bag", storage)
    bag = BagSource(tmp_path / "bag")
    chunks = [item for item in bag if isinstance(item, AudioChunk)]
    assert all(0.01 <= len(chunk.samples) / chunk.sample_rate <= 0.02 for chunk in chunks)
    expected, found = windows_of(VideoSource(video)), windows_of(bag)
    assert len(expected) == len(found) == 2
    for one, two in zip(expected, found):
        assert one.start_ns + START_NS == two.start_ns and one.heard == two.heard == 1
        np.testing.assert_array_equal(one.frame.rgb, two.frame.rgb)
        np.testing.assert_allclose(one.snippet, two.snippet, atol=1e-4)  # the bag has 16 bits


def test_bag_of_a_bag_and_own_names(tmp_path, make_items):
    first = tmp_path / "first"
    bag_from_media(iter(make_items()), first, image_topic="/eye", audio_topic="/ear/stamped", start_ns=0)
    again = BagSource(first, "/eye", "/ear/stamped")
    bag_from_media(again, tmp_path / "second", start_ns=5)
    for one, two in zip(again, BagSource(tmp_path / "second")):
        assert type(one) is type(two) and one.stamp_ns + 5 == two.stamp_ns


def test_media_bag_media(video, tmp_path):
    bag_from_media(VideoSource(video), tmp_path / "bag")
    media_from_bag(BagSource(tmp_path / "bag"), tmp_path / "again.mp4")
    one, two = windows_of(VideoSource(video)), windows_of(VideoSource(tmp_path / "again.mp4"))
    assert [window.start_ns for window in one] == [window.start_ns for window in two]
    for before, after in zip(one, two):
        assert before.frame.stamp_ns == after.frame.stamp_ns
        np.testing.assert_allclose(before.frame.rgb, after.frame.rgb, atol=4)
        assert np.corrcoef(before.snippet, after.snippet)[0, 1] > 0.99


def test_progress_sees_every_item(video, tmp_path):
    seen = []

    def progress(items, title):
        for item in items:
            seen.append(title)
            yield item

    bag_from_media(VideoSource(video), tmp_path / "bag", progress=progress)
    assert set(seen) == {"writing bag"} and len(seen) == len(list(VideoSource(video)))


@pytest.mark.realdata
def test_a_real_clip_there_and_back(real_data, tmp_path):
    source = VideoSource(real_data / "avsbench_clips/0BLiYNtFSjA.mp4")
    bag_from_media(source, tmp_path / "horse")
    one, two = windows_of(source), windows_of(BagSource(tmp_path / "horse"))
    assert len(one) == len(two) == 5
    for before, after in zip(one, two):
        np.testing.assert_array_equal(before.frame.rgb, after.frame.rgb)
        np.testing.assert_allclose(before.snippet, after.snippet, atol=1e-4)
