"""Writes bags of named messages with their log times, for tests of what real recorders leave behind."""

from __future__ import annotations

import numpy as np
from rosbags.rosbag2 import CompressionFormat, StoragePlugin, Writer

from c3n_model.sources.bag_types import AUDIO_TYPE, IMAGE_TYPE, UNSTAMPED_AUDIO_TYPE, standard_types

SECOND = 1_000_000_000
CHANNELS = {"mono8": 1, "16UC1": 2, "32FC1": 4, "rgb8": 3}


class BagRecorder:
    """A context manager; `image` and `sound` write one message each, of a stamp that is their log time as well."""

    def __init__(self, path, storage=StoragePlugin.SQLITE3, types=None, compression=None):
        self.types = types or standard_types()
        self.writer = Writer(path, version=8, storage_plugin=storage)
        if compression:
            self.writer.set_compression(compression, CompressionFormat.ZSTD)
        self._connections = {}

    def __enter__(self):
        self.writer.open()
        return self

    def __exit__(self, kind, error, trace):
        self.writer.close()

    def header(self, stamp_ns):
        time = self.types.types["builtin_interfaces/msg/Time"](stamp_ns // SECOND, stamp_ns % SECOND)
        return self.types.types["std_msgs/msg/Header"](time, "camera")

    def add(self, topic, name, log_ns, message):
        if topic not in self._connections:
            self._connections[topic] = self.writer.add_connection(topic, name, typestore=self.types)
        self.writer.write(self._connections[topic], log_ns, self.types.serialize_cdr(message, name))

    def image(self, topic, log_ns, encoding="rgb8", value=100, stamp_ns=None, size=(4, 6)):
        height, width = size
        step = width * CHANNELS[encoding]
        data = np.full(height * step, value, np.uint8)
        header = self.header(log_ns if stamp_ns is None else stamp_ns)
        image = self.types.types[IMAGE_TYPE](header, height, width, encoding, 0, step, data)
        self.add(topic, IMAGE_TYPE, log_ns, image)

    def sound(self, topic, log_ns, stamp_ns=None, samples=160):
        audio = self.types.types[UNSTAMPED_AUDIO_TYPE](np.full(2 * samples, 1, np.uint8))
        header = self.header(log_ns if stamp_ns is None else stamp_ns)
        self.add(topic, AUDIO_TYPE, log_ns, self.types.types[AUDIO_TYPE](header, audio))


def record(path, storage=StoragePlugin.SQLITE3, count=5, begin_ns=0):
    """A bag with `count` images and sounds, a tenth of a second apart."""
    with BagRecorder(path, storage) as bag:
        for number in range(count):
            log_ns = begin_ns + (number + 1) * SECOND // 10
            bag.image("/camera/image_raw", log_ns)
            bag.sound("/audio/audio_stamped", log_ns)
    return path
