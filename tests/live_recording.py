"""Writes a bag with what a live node published, with the definitions in msg/."""

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg

from c3n_model.scoring.recording import MASK_TOPIC, OBJECTS_TOPIC, own_definitions
from c3n_model.sources.bag_types import AUDIO_TYPE, IMAGE_TYPE, UNSTAMPED_AUDIO_TYPE, standard_types

LEFT = np.array([[1, 0], [1, 0]], bool)
SECOND = 1_000_000_000
OBJECTS_TYPE = "c3n_ros/msg/SoundingObjects"


def types():
    store = standard_types()
    for name, text in own_definitions().items():
        store.register(get_types_from_msg(text, name))
    return store


def record(
    path, seconds=(3, 4), microphone=True, objects=True, storage=StoragePlugin.MCAP, mask=LEFT, seen_at_ns=937_500_000
):
    """Write a mask and its objects for each second, published 50 ms after the second's last sound."""
    store = types()
    default = {"string": "", "bool": False}

    def new(name, **fields):
        for field, kind in store.fielddefs[name][1]:
            if field not in fields:
                inner = kind[1]
                fields[field] = (
                    [] if isinstance(inner, tuple) and kind[0].name == "SEQUENCE" else default.get(inner[0], 0)
                )
        return store.types[name](**fields)

    def time(stamp_ns):
        return new("builtin_interfaces/msg/Time", sec=stamp_ns // SECOND, nanosec=stamp_ns % SECOND)

    def header(stamp_ns):
        return new("std_msgs/msg/Header", stamp=time(stamp_ns), frame_id="camera")

    with Writer(path, version=8, storage_plugin=storage) as writer:
        kinds = {MASK_TOPIC: IMAGE_TYPE}
        kinds |= {OBJECTS_TOPIC: OBJECTS_TYPE} if objects else {}
        kinds |= {"/audio/audio_stamped": AUDIO_TYPE} if microphone else {}
        topics = {topic: writer.add_connection(topic, kind, typestore=store) for topic, kind in kinds.items()}

        def write(topic, log_ns, message):
            if topic in topics:
                writer.write(topics[topic], log_ns, store.serialize_cdr(message, kinds[topic]))

        for second in seconds:
            for tenth in range(10):
                stamp_ns = second * SECOND + tenth * SECOND // 10
                audio = new(UNSTAMPED_AUDIO_TYPE, data=np.zeros(3200, np.uint8))
                write(
                    "/audio/audio_stamped",
                    stamp_ns + SECOND // 10,
                    new(AUDIO_TYPE, header=header(stamp_ns), audio=audio),
                )
            seen_ns, published_ns = second * SECOND + seen_at_ns, (second + 1) * SECOND + 50_000_000
            pixels = mask.astype(np.uint8).reshape(-1) * 255
            size = {"height": mask.shape[0], "width": mask.shape[1], "step": mask.shape[1]}
            image = new(IMAGE_TYPE, header=header(seen_ns), encoding="mono8", data=pixels, **size)
            write(MASK_TOPIC, published_ns, image)
            said = new(OBJECTS_TYPE, header=header(seen_ns), window_start=time(second * SECOND), visual_label="drum")
            said.dropped_windows = second
            write(OBJECTS_TOPIC, published_ns + 1, said)
    return path
