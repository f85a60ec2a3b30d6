import shutil
import sqlite3

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg

from c3n_model.sources.bag import BagSource, messages, read_masks, standard_types, topic_types
from c3n_model.sources.bag_writer import BagWriter
from c3n_model.types import AudioChunk, Frame

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND + 250_000_000
RATE = 8000


def scene():
    """A second: ten frames of noise and fifty stereo chunks, in the order of log times, at 16 bits exactly."""
    random = np.random.default_rng(0)
    frames = [
        Frame(random.integers(0, 256, (6, 8, 3), np.uint8), START + k * SECOND // 10, "camera") for k in range(10)
    ]
    pcm = random.integers(-(2**15), 2**15, (RATE, 2)).astype(np.float32) / 2**15
    chunks = [AudioChunk(pcm[at : at + 160], RATE, START + at * SECOND // RATE) for at in range(0, RATE, 160)]
    return sorted(frames + chunks, key=lambda item: item.end_ns if isinstance(item, AudioChunk) else item.stamp_ns)


def write(path, storage="mcap", items=None, **topics):
    with BagWriter(path, storage, **topics) as writer:
        for item in scene() if items is None else items:
            writer.write(item)
    return path


def same(one, two):
    assert type(one) is type(two) and one.stamp_ns == two.stamp_ns
    if isinstance(one, Frame):
        np.testing.assert_array_equal(one.rgb, two.rgb)
        assert one.frame_id == two.frame_id
    else:
        np.testing.assert_array_equal(one.samples, two.samples)
        assert one.sample_rate == two.sample_rate


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
class TestRoundTrip:
    def test_gives_back_what_was_written_each_time(self, tmp_path, storage):
        source = BagSource(write(tmp_path / "scene", storage))
        assert source.name == "scene" and source.duration_s == pytest.approx(1.0, abs=0.001)
        assert (source.image_topic, source.audio_topic) == ("/camera/image_raw", "/audio/audio_stamped")
        for _ in range(2):
            items = list(source)
            assert len(items) == 60
            for one, two in zip(items, scene()):
                same(one, two)

    def test_a_single_storage_file_is_a_bag(self, tmp_path, storage):
        (file,) = (file for file in write(tmp_path / "scene", storage).iterdir() if file.suffix != ".yaml")
        assert len(list(BagSource(file))) == 60

    def test_a_folder_without_metadata_is_a_bag(self, tmp_path, storage):
        write(tmp_path / "scene", storage)
        (tmp_path / "scene/metadata.yaml").unlink()
        assert len(list(BagSource(tmp_path / "scene"))) == 60

    def test_a_truncated_bag_is_read_as_far_as_possible_or_refused(self, tmp_path, storage):
        (file,) = (file for file in write(tmp_path / "scene", storage).iterdir() if file.suffix != ".yaml")
        whole = file.read_bytes()
        for keep in (0.0, 0.1, 0.5, 0.9):
            file.write_bytes(whole[: int(len(whole) * keep)])
            if storage == "mcap" and keep == 0.9:  # all of its chunks, but not its index
                source = BagSource(tmp_path / "scene")
                assert len(list(source)) == 60 and "mcap recover" in source.notes[0]
                continue
            with pytest.raises(
                ValueError, match=r"is empty|cannot be read as a bag.*\.recover|no complete chunk.*mcap recover"
            ):
                list(BagSource(tmp_path / "scene"))

    def test_the_description_of_sound_is_latched_and_first(self, tmp_path, storage):
        from rosbags.interfaces import QosDurability
        from rosbags.rosbag2 import Reader

        path = write(tmp_path / "scene", storage)
        with Reader(path) as reader:
            connections = {connection.topic: connection for connection in reader.connections}
            first = next(topic for topic, _, _ in messages(path, list(connections)) if topic.startswith("/audio"))
        assert first == "/audio/audio_info"
        (profile,) = connections["/audio/audio_info"].ext.offered_qos_profiles
        assert profile.durability == QosDurability.TRANSIENT_LOCAL


class TestTopics:
    def test_the_named_topics_are_taken(self, tmp_path):
        names = {"image_topic": "/left/image", "audio_topic": "/ears/audio"}
        path = write(tmp_path / "scene", **names)
        assert topic_types(path) == {
            "/left/image": "sensor_msgs/msg/Image",
            "/ears/audio_info": "audio_common_msgs/msg/AudioInfo",
            "/ears/audio": "audio_common_msgs/msg/AudioDataStamped",
        }
        assert len(list(BagSource(path, **names))) == 60

    def test_a_missing_topic_is_refused_with_a_list_of_topics(self, tmp_path):
        path = write(tmp_path / "scene")
        with pytest.raises(
            ValueError,
            match=r"topic /other of type sensor_msgs/msg/Image or sensor_msgs/msg/CompressedImage; .* "
            r"/camera/image_raw \(sensor_msgs/msg/Image, 10 messages\), /audio",
        ):
            BagSource(path, image_topic="/other")
        with pytest.raises(ValueError, match="topic /camera/image_raw of type audio_common_msgs"):
            BagSource(path, audio_topic="/camera/image_raw")

    def test_an_empty_bag_lists_none(self, tmp_path):
        with Writer(tmp_path / "empty", version=8):
            pass
        with pytest.raises(ValueError, match="of type sensor_msgs/msg/Image or .*; the recording has: none"):
            BagSource(tmp_path / "empty")

    def test_nothing_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no such bag"):
            BagSource(tmp_path / "nothing")
        with pytest.raises(ValueError, match="is not a bag"):
            BagSource(tmp_path)

    def test_a_file_that_is_not_a_bag_is_refused(self, tmp_path):
        for name in ("text.mcap", "text.db3", "text.txt"):
            (tmp_path / name).write_text("not a bag at all" * 100)
            with pytest.raises(ValueError, match="cannot be read as a bag"):
                BagSource(tmp_path / name)


class TestAudioDescription:
    def test_a_change_of_format_is_followed(self, tmp_path):
        chunks = [
            AudioChunk(np.full((80, 1 + k // 2), 0.5, np.float32), RATE * (1 + k // 2), START + k * SECOND)
            for k in range(4)
        ]
        items = list(BagSource(write(tmp_path / "scene", items=[*chunks, scene()[0]])))
        assert [(item.sample_rate, item.samples.shape[1]) for item in items if isinstance(item, AudioChunk)] == [
            (RATE, 1),
            (RATE, 1),
            (2 * RATE, 2),
            (2 * RATE, 2),
        ]

    def test_without_a_description_it_is_16_khz_mono(self, tmp_path):
        types = standard_types()
        with Writer(tmp_path / "bare", version=8) as writer:
            for topic, type_name in (
                ("/image", "sensor_msgs/msg/Image"),
                ("/sound", "audio_common_msgs/msg/AudioDataStamped"),
            ):
                connection = writer.add_connection(topic, type_name, typestore=types)
            header = types.types["std_msgs/msg/Header"](types.types["builtin_interfaces/msg/Time"](1, 2), "")
            data = types.types["audio_common_msgs/msg/AudioData"](np.zeros(320, np.uint8))
            message = types.types["audio_common_msgs/msg/AudioDataStamped"](header, data)
            writer.write(connection, 5, types.serialize_cdr(message, "audio_common_msgs/msg/AudioDataStamped"))
            image = types.types["sensor_msgs/msg/Image"](header, 1, 1, "rgb8", 0, 3, np.zeros(3, np.uint8))
            writer.write(writer.connections[0], 6, types.serialize_cdr(image, "sensor_msgs/msg/Image"))
        chunk, _ = BagSource(tmp_path / "bare")
        assert (chunk.sample_rate, chunk.samples.shape, chunk.stamp_ns) == (16_000, (160, 1), SECOND + 2)

    def test_a_bag_without_definitions_as_of_humble(self, tmp_path):
        path = write(tmp_path / "scene", "sqlite3")
        (file,) = path.glob("*.db3")
        with sqlite3.connect(file) as database:
            database.execute("DELETE FROM message_definitions")
        database.close()
        for one, two in zip(BagSource(path), scene(), strict=True):
            same(one, two)


class TestResults:
    DEFINITION = "std_msgs/Header header\nfloat32[] scores\n"

    def record(self, path, storage=StoragePlugin.MCAP):
        types = standard_types()
        types.register(get_types_from_msg(self.DEFINITION, "own_msgs/msg/Scores"))
        with Writer(path, version=8, storage_plugin=storage) as writer:
            masks = writer.add_connection("/sounding_object/mask", "sensor_msgs/msg/Image", typestore=types)
            scores = writer.add_connection("/scores", "own_msgs/msg/Scores", typestore=types)
            for second, value in ((1, 0), (2, 255), (2, 128)):
                header = types.types["std_msgs/msg/Header"](types.types["builtin_interfaces/msg/Time"](second, 5), "")
                image = types.types["sensor_msgs/msg/Image"](header, 2, 3, "mono8", 0, 4, np.full(8, value, np.uint8))
                writer.write(masks, second, types.serialize_cdr(image, "sensor_msgs/msg/Image"))
                message = types.types["own_msgs/msg/Scores"](header, np.float32([value]))
                writer.write(scores, second, types.serialize_cdr(message, "own_msgs/msg/Scores"))
        return path

    def test_masks_by_stamp(self, tmp_path):
        masks = read_masks(self.record(tmp_path / "results"))
        assert {stamp: (mask.shape, mask[0, 0]) for stamp, mask in masks.items()} == {
            SECOND + 5: ((2, 3), 0),
            2 * SECOND + 5: ((2, 3), 128),
        }

    def test_own_types_are_read_by_their_definition(self, tmp_path):
        path = self.record(tmp_path / "results")
        assert [(topic, log_ns, message.scores[0]) for topic, log_ns, message in messages(path, ["/scores"])] == [
            ("/scores", 1, 0),
            ("/scores", 2, 255),
            ("/scores", 2, 128),
        ]

    def test_own_types_without_a_definition_need_its_text(self, tmp_path):
        path = self.record(tmp_path / "results", StoragePlugin.SQLITE3)
        (file,) = path.glob("*.db3")
        with sqlite3.connect(file) as database:
            database.execute("DELETE FROM message_definitions")
        database.close()
        with pytest.raises(ValueError, match="no definition of own_msgs/msg/Scores.*pass its .msg text"):
            list(messages(path, ["/scores"]))
        assert len(list(messages(path, ["/scores"], {"own_msgs/msg/Scores": self.DEFINITION}))) == 3

    def test_no_masks(self, tmp_path):
        with pytest.raises(ValueError, match="topic /sounding_object/mask .* has: /camera"):
            read_masks(write(tmp_path / "scene"))


class TestWriter:
    def test_does_not_overwrite(self, tmp_path):
        with pytest.raises(FileExistsError, match="remove it"):
            write(write(tmp_path / "scene"))

    def test_unknown_storage(self, tmp_path):
        with pytest.raises(ValueError, match="mcap, sqlite3, got 'zip'"):
            BagWriter(tmp_path / "scene", "zip")

    def test_an_unfinished_bag_is_removed(self, tmp_path):
        with pytest.raises(RuntimeError), BagWriter(tmp_path / "scene") as writer:
            writer.write(scene()[0])
            raise RuntimeError
        assert not (tmp_path / "scene").exists()

    def test_an_empty_bag_closes(self, tmp_path):
        write(tmp_path / "scene", items=[])
        with pytest.raises(ValueError, match=r"/camera/image_raw \(sensor_msgs/msg/Image, 0 messages\)"):
            BagSource(tmp_path / "scene")
        shutil.rmtree(tmp_path / "scene")
