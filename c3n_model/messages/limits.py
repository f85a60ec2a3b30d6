"""Limits on the values in messages and files. Every working driver and recorder stays within them, and no value within them can
exhaust the memory or overflow the arithmetic that uses it.

Every check raises `LimitError` with the expected value, the actual one and a remedy.
"""

from __future__ import annotations

MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ = 1_000, 768_000
MAX_CHANNELS = 64
MAX_SOUND_S = 10  # per message; as much as `AudioBuffer` holds
MAX_MP3_BYTES = MAX_SOUND_S * 320_000 // 8  # MP3 has at most 320 kbit/s
MAX_IMAGE_SIDE = 32_767  # above, OpenCV's coordinates overflow
MAX_IMAGE_PIXELS = 2**26  # two frames of 8K video
MAX_CLOUD_POINTS = 2**24
# Unpacked size of a message or a chunk in a recording; an rgb8 image at the limits has 192 MiB.
MAX_MESSAGE_BYTES = 2**28
MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO = 2**30, 250  # of a file: beyond the first, at most this many times its own size
MAX_DOWNLOAD_BYTES = 2**30  # of a file whose size is not known in advance
MAX_VECTOR_LINE_BYTES, MAX_VECTOR_DIMENSION = 2**20, 2**16  # of files of word vectors
MAX_ARRAY_BYTES = 2**33  # of one array in an .npz, unpacked
NANOSECONDS_END = 1_000_000_000  # of builtin_interfaces/Time.nanosec


class LimitError(ValueError):
    """A message or file has a value that no working driver or recorder writes."""


def check_stamp(seconds: int, nanoseconds: int) -> None:
    """Refuse stamps before 1970, which rclpy's Time cannot represent either, and a second or more of nanoseconds."""
    if seconds < 0 or not 0 <= nanoseconds < NANOSECONDS_END:
        raise LimitError(
            f"expected a stamp of at least 0 s with 0 to {NANOSECONDS_END - 1} ns, got {seconds} s and {nanoseconds} ns: "
            "let the driver stamp its messages with the ROS clock"
        )


def check_sound_format(sample_rate: int, channels: int) -> None:
    """Refuse sample rates [Hz] and numbers of channels that no sound card has."""
    if not MIN_SAMPLE_RATE_HZ <= sample_rate <= MAX_SAMPLE_RATE_HZ or not 1 <= channels <= MAX_CHANNELS:
        raise LimitError(
            f"expected {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz and 1 to {MAX_CHANNELS} channels of sound, "
            f"got {sample_rate} Hz and {channels} channels; correct audio_info or the parameters"
        )


def check_sound_length(samples: int, sample_rate: int) -> None:
    """Refuse more than `MAX_SOUND_S` of sound in one message."""
    if samples > MAX_SOUND_S * sample_rate:
        raise LimitError(
            f"expected at most {MAX_SOUND_S} s of sound in a message, got {samples / sample_rate:.1f} s ({samples} samples "
            f"at {sample_rate} Hz): set the driver to shorter chunks, or correct the rate in audio_info"
        )


def check_mp3_length(size_bytes: int) -> None:
    """Refuse more MP3 data in one message than `MAX_SOUND_S` at the highest bit rate."""
    if size_bytes > MAX_MP3_BYTES:
        raise LimitError(
            f"expected at most {MAX_MP3_BYTES} bytes of MP3 in a message ({MAX_SOUND_S} s at 320 kbit/s), got {size_bytes} "
            "bytes: set the driver to shorter chunks"
        )


def check_image_size(width: int, height: int) -> None:
    """Refuse images without pixels, or with a side or number of pixels beyond the limits."""
    within = 1 <= width <= MAX_IMAGE_SIDE and 1 <= height <= MAX_IMAGE_SIDE
    if not within or width * height > MAX_IMAGE_PIXELS:
        raise LimitError(
            f"expected sides of 1 to {MAX_IMAGE_SIDE} and at most {MAX_IMAGE_PIXELS} pixels, got {width} x {height}: "
            "correct the driver, or set it to a smaller image"
        )


def check_cloud_size(width: int, height: int) -> None:
    """Refuse point clouds with more than `MAX_CLOUD_POINTS` points."""
    if width * height > MAX_CLOUD_POINTS:
        raise LimitError(
            f"expected at most {MAX_CLOUD_POINTS} points, got a cloud of {width} x {height}: "
            "correct the driver, or set it to fewer points"
        )


def check_unpacked_size(size_bytes: int) -> None:
    """Refuse a message or a chunk of a recording with an unpacked size above `MAX_MESSAGE_BYTES`."""
    if size_bytes > MAX_MESSAGE_BYTES:
        raise LimitError(
            f"expected at most {MAX_MESSAGE_BYTES} bytes in a message or chunk, got {size_bytes} bytes or more: the file is "
            "damaged or malicious; record it again"
        )


def check_unpacked_file(packed_bytes: int, unpacked_bytes: int, free_bytes: int) -> None:
    """Refuse a compressed file whose unpacked size exceeds that of plausible recordings or the free disk space."""
    limit = min(max(MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO * packed_bytes), free_bytes)
    if unpacked_bytes > limit:
        raise LimitError(
            f"expected at most {limit} bytes in a compressed file of {packed_bytes} bytes, got {unpacked_bytes} bytes or "
            "more: if you trust the file, unpack it with `zstd -d` and remove compression_mode from metadata.yaml"
        )
