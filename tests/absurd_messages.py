"""Random messages of every type that the segmentation node subscribes to: absurd fields, damaged bytes, any bytes."""

from array import array

from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from robot import BEGIN_NS, SECOND_NS
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2, PointField

CAMERA, SOUND, INFO = "/camera/image_raw", "/audio/audio_stamped", "/audio/audio_info"


def stamped(message, sec=BEGIN_NS // SECOND_NS, nanosec=0):
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    return message


UINT32 = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 2, 48, 64, 2**31, 2**32 - 1])
BYTES = st.binary(max_size=64).map(lambda data: array("B", data))
WORDS = st.sampled_from(
    ["rgb8", "bayer_rggb8", "nv24", "32FC1", "16UC1", "S16LE", "wave", "mp3", "jpeg", "plumb_bob", ""]
)
WORDS |= st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
SECONDS = st.integers(-(2**31), 2**31 - 1) | st.integers(BEGIN_NS // SECOND_NS, BEGIN_NS // SECOND_NS + 9)
FLOATS = st.floats()


def built(kind, **fields):
    """Messages of `kind` with random `fields`, most of them with a stamp that makes sense."""
    messages = st.builds(kind, **fields)
    if hasattr(kind, "header"):
        nanoseconds = st.integers(0, 999_999_999) | UINT32
        messages = st.builds(stamped, messages, sec=SECONDS, nanosec=nanoseconds)
    return messages


IMAGE_FIELDS = dict(
    height=UINT32, width=UINT32, encoding=WORDS, step=UINT32, is_bigendian=st.integers(0, 255), data=BYTES
)
FIELDS = st.builds(
    PointField, name=st.sampled_from("xyz"), offset=UINT32, datatype=st.sampled_from([1, 7, 8]), count=UINT32
)
MESSAGES = {
    CAMERA: built(Image, **IMAGE_FIELDS),
    "/camera/image_raw/compressed": built(CompressedImage, format=WORDS, data=BYTES),
    "/camera/depth": built(Image, **IMAGE_FIELDS),
    "/camera/points": built(
        PointCloud2,
        height=UINT32,
        width=UINT32,
        fields=st.lists(FIELDS, max_size=4),
        point_step=UINT32,
        row_step=UINT32,
        data=BYTES,
    ),
    "/camera/camera_info": built(
        CameraInfo,
        height=UINT32,
        width=UINT32,
        distortion_model=WORDS,
        d=st.lists(FLOATS, max_size=8),
        k=st.lists(FLOATS, min_size=9, max_size=9),
        r=st.lists(FLOATS, min_size=9, max_size=9),
        p=st.lists(FLOATS, min_size=12, max_size=12),
    ),
    SOUND: built(AudioDataStamped, audio=st.builds(AudioData, data=BYTES)),
    INFO: st.builds(
        AudioInfo,
        channels=st.integers(0, 255),
        sample_rate=UINT32,
        sample_format=WORDS,
        bitrate=UINT32,
        coding_format=WORDS,
    ),
}


def damaged(data, cut, flips):
    """Serialized bytes that are cut, or have other values at some places."""
    data = bytearray(data[: len(data) - cut % (len(data) + 1)])
    for place, value in flips if data else ():
        data[place % len(data)] = value
    return bytes(data)


def items_of(topics):
    """(topic, what is published on it): messages with absurd fields, damaged ones, and any bytes."""
    flips = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=3)
    cuts = st.just(0) | st.integers(0, 999)
    each = []
    for topic in topics:
        serialized = MESSAGES[topic].map(serialize_message)
        anything = serialized | st.builds(damaged, serialized, cuts, flips) | st.binary(max_size=40)
        each.append(st.tuples(st.just(topic), anything))
    return st.one_of(each)
