"""Bags as robots really record them: compressed images, both packages called audio_common_msgs, MP3, no stamps."""

import sqlite3

import cv2
import numpy as np
import pytest
from mp3_stream import encode_mp3, frame_ns
from rosbags.rosbag2 import StoragePlugin, Writer

from c3n_model.messages.sounds import MGONZS13, ROS_DRIVERS
from c3n_model.sources.bag import BagSource, messages
from c3n_model.sources.bag_types import (
    AUDIO_TYPE,
    COMPRESSED_TYPE,
    IMAGE_TYPE,
    INFO_TYPE,
    MGONZS13_AUDIO_TYPE,
    UNSTAMPED_AUDIO_TYPE,
    standard_types,
)
from c3n_model.types import AudioChunk, Frame

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
RATE = 16_000
STORAGES = [StoragePlugin.MCAP, StoragePlugin.SQLITE3]
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


class Recorder:
    """Writes messages of named fields into a bag, with the types of one of the two packages."""

    def __init__(self, path, dialect=ROS_DRIVERS, storage=StoragePlugin.MCAP):
        self.path, self.types = path, standard_types(dialect)
        self.writer = Writer(path, version=8, storage_plugin=storage)
        self.connections = {}

    def __enter__(self):
        self.writer.open()
        return self

    def __exit__(self, *error):
        self.writer.close()

    def new(self, name, **fields):
        return self.types.types[name](**fields)

    def header(self, stamp_ns):
        stamp = self.new("builtin_interfaces/msg/Time", sec=stamp_ns // SECOND, nanosec=stamp_ns % SECOND)
        return self.new("std_msgs/msg/Header", stamp=stamp, frame_id="robot")

    def add(self, topic, name, log_ns, **fields):
        if topic not in self.connections:
            self.connections[topic] = self.writer.add_connection(topic, name, typestore=self.types)
        data = self.types.serialize_cdr(self.new(name, **fields), name)
        self.writer.write(self.connections[topic], log_ns, data)

    def add_image(self, stamp_ns, data=None, message_format="rgb8; jpeg compressed bgr8"):
        data = cv2.imencode(".jpg", np.full((8, 8, 3), 90, np.uint8))[1] if data is None else data
        fields = {"header": self.header(stamp_ns), "format": message_format, "data": np.frombuffer(data, np.uint8)}
        self.add("/camera/image_raw/compressed", COMPRESSED_TYPE, stamp_ns, **fields)

    def add_info(self, coding="wave", sample_format="S16LE"):
        fields = {"channels": 1, "sample_rate": RATE, "sample_format": sample_format, "bitrate": 0}
        self.add("/audio/audio_info", INFO_TYPE, START, **fields, coding_format=coding)

    def add_bytes(self, stamp_ns, data, log_ns=None, stamped=True):
        audio = self.new(UNSTAMPED_AUDIO_TYPE, data=np.frombuffer(data, np.uint8))
        if stamped:
            fields = {"header": self.header(stamp_ns), "audio": audio}
            self.add("/audio/audio_stamped", AUDIO_TYPE, log_ns or stamp_ns, **fields)
        else:
            self.add("/audio/audio", UNSTAMPED_AUDIO_TYPE, log_ns or stamp_ns, data=audio.data)

    def add_mgonzs13(self, stamp_ns, samples):
        empty = {"float32_data": np.float32, "int32_data": np.int32, "int8_data": np.int8, "uint8_data": np.uint8}
        data = self.new(
            UNSTAMPED_AUDIO_TYPE, **{name: np.zeros(0, dtype) for name, dtype in empty.items()}, int16_data=samples
        )
        info = self.new(INFO_TYPE, format=8, channels=1, rate=RATE, chunk=len(samples))
        audio = self.new("audio_common_msgs/msg/Audio", audio_data=data, info=info)
        self.add("/audio", MGONZS13_AUDIO_TYPE, stamp_ns, header=self.header(stamp_ns), audio=audio)


def forget_definitions(path):
    """As a recorder of Humble leaves it."""
    (file,) = path.glob("*.db3")
    with sqlite3.connect(file) as database:
        database.execute("DELETE FROM message_definitions")
    database.close()


def heard(items):
    return [item for item in items if isinstance(item, AudioChunk)]


def pieces(samples, size=320):
    """(start in ns, S16 samples) of 20 ms each."""
    pcm = np.rint(samples * 2**15).astype("<i2")
    return [(at * SECOND // RATE, pcm[at : at + size]) for at in range(0, len(pcm), size)]


@pytest.mark.parametrize("storage", STORAGES)
def test_mgonzs13_and_compressed_images(tmp_path, storage):
    with Recorder(tmp_path / "bag", MGONZS13, storage) as bag:
        bag.add_image(START)
        for at_ns, pcm in pieces(TONE):
            bag.add_mgonzs13(START + at_ns, pcm)
    if storage == StoragePlugin.SQLITE3:
        forget_definitions(tmp_path / "bag")
    source = BagSource(tmp_path / "bag")
    assert (source.image_topic, source.audio_topic) == ("/camera/image_raw/compressed", "/audio")
    assert source.notes == []
    frame, *chunks = source
    assert isinstance(frame, Frame) and frame.rgb.shape == (8, 8, 3) and frame.stamp_ns == START
    assert [chunk.stamp_ns for chunk in chunks] == [START + at_ns for at_ns, _ in pieces(TONE)]
    np.testing.assert_allclose(np.concatenate([chunk.samples[:, 0] for chunk in chunks]), TONE, atol=2**-15)


def test_the_raw_image_is_preferred_and_the_compressed_one_can_be_named(tmp_path):
    with Recorder(tmp_path / "bag") as bag:
        bag.add_image(START)
        fields = {"height": 1, "width": 1, "encoding": "rgb8", "is_bigendian": 0, "step": 3}
        header = bag.header(START + 5)
        bag.add("/camera/image_raw", IMAGE_TYPE, START, header=header, **fields, data=np.zeros(3, np.uint8))
        bag.add_bytes(START, bytes(640))
    assert next(item for item in BagSource(tmp_path / "bag") if isinstance(item, Frame)).stamp_ns == START + 5
    chosen = BagSource(tmp_path / "bag", image_topic="/camera/image_raw/compressed")
    assert next(item for item in chosen if isinstance(item, Frame)).stamp_ns == START


@pytest.mark.parametrize("storage", STORAGES)
def test_mp3_as_audio_capture_sends_it(tmp_path, storage):
    with Recorder(tmp_path / "bag", storage=storage) as bag:
        bag.add_image(START)
        bag.add_info("mp3")
        for number, frame in enumerate(encode_mp3(TONE[:, None], RATE)):
            bag.add_bytes(START + round(number * frame_ns(RATE)), frame)
    if storage == StoragePlugin.SQLITE3:
        forget_definitions(tmp_path / "bag")
    first, again = (heard(BagSource(tmp_path / "bag")) for _ in range(2))
    assert all(abs(two.stamp_ns - one.end_ns) < 2_000 for one, two in zip(first, first[1:]))
    samples = np.concatenate([chunk.samples[:, 0] for chunk in first])
    begin = round((START - first[0].stamp_ns) * RATE / SECOND)
    np.testing.assert_allclose(samples[begin:][4000:12000], TONE[4000:12000], atol=0.03)
    assert [chunk.samples.tobytes() for chunk in again] == [chunk.samples.tobytes() for chunk in first]


def test_sound_without_stamps_gets_log_times_and_is_reported(tmp_path):
    jitter = np.random.default_rng(0).integers(0, 30_000_000, 50)
    with Recorder(tmp_path / "bag") as bag:
        bag.add_image(START)
        for (at_ns, pcm), late_ns in zip(pieces(TONE), jitter):
            bag.add_bytes(0, pcm.tobytes(), log_ns=START + at_ns + 20_000_000 + int(late_ns), stamped=False)
    source = BagSource(tmp_path / "bag")
    stamps_note, format_note = source.notes
    assert "/audio/audio has no stamps" in stamps_note and "audio_stamped" in stamps_note
    assert "no AudioInfo" in format_note and "sample_rate=16000" in format_note
    chunks = heard(source)
    assert abs(chunks[0].stamp_ns - START) < 30_000_000
    assert all(two.stamp_ns == one.end_ns for one, two in zip(chunks, chunks[1:]))


def test_24_bits_are_read_as_described(tmp_path):
    with Recorder(tmp_path / "bag") as bag:
        bag.add_image(START)
        bag.add_info(sample_format="S24LE")
        bag.add_bytes(START, np.uint8([0, 0, 0x40] * 160))
    (chunk,) = heard(BagSource(tmp_path / "bag"))
    assert (len(chunk.samples), chunk.samples[0, 0]) == (160, 0.5)


@pytest.mark.parametrize(
    "add, said",
    [
        (lambda bag: bag.add_image(START + 1, b"\xff\xd8 cut"), "/camera/image_raw/compressed, .*cannot be decoded"),
        (lambda bag: bag.add_image(START + 1, message_format="16UC1; compressedDepth png"), ".*distances, not colours"),
        (
            lambda bag: bag.add_bytes(START + 1, bytes(321)),
            "/audio/audio_stamped, .*multiple of 2 bytes of sound.*got 321",
        ),
        (lambda bag: bag.add_info("opus"), "/audio/audio_info, .*unknown coding_format 'opus'"),
    ],
)
def test_a_message_that_cannot_be_read_is_named(tmp_path, add, said):
    with Recorder(tmp_path / "bag") as bag:
        bag.add_info()
        bag.add_image(START)
        bag.add_bytes(START, bytes(640))
        add(bag)
    with pytest.raises(ValueError, match=f"bag, {said}"):
        list(BagSource(tmp_path / "bag"))


def test_chunks_without_samples_pass(tmp_path):
    with Recorder(tmp_path / "bag") as bag:
        bag.add_image(START)
        bag.add_bytes(START, b"")
    (chunk,) = heard(BagSource(tmp_path / "bag"))
    assert chunk.samples.shape == (0, 1)


def test_both_packages_keep_their_definitions(tmp_path):
    for dialect in (ROS_DRIVERS, MGONZS13):
        with Recorder(tmp_path / dialect, dialect, StoragePlugin.SQLITE3) as bag:
            bag.add_image(START)
            if dialect == MGONZS13:
                bag.add_mgonzs13(START, np.int16([1, 2]))
            else:
                bag.add_bytes(START, bytes(2))
        forget_definitions(tmp_path / dialect)
    ((_, _, message),) = messages(tmp_path / MGONZS13, ["/audio"])
    assert message.audio.audio_data.int16_data.tolist() == [1, 2] and message.audio.info.rate == RATE
    ((_, _, message),) = messages(tmp_path / ROS_DRIVERS, ["/audio/audio_stamped"])
    assert message.audio.data.tolist() == [0, 0]
