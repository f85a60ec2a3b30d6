"""A video stream of the network (RTSP, HTTP, HLS, RTMP, MJPEG cameras) as a source of frames and sound."""

from __future__ import annotations

import re
from collections.abc import Iterator

import av
import numpy as np

from c3n_model.messages.limits import check_image_size, check_sound_format
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

TIMEOUT_S = 10.0  # without a byte
_SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "rtp", "udp", "tcp", "srt")
_RTSP = {"rtsp_transport": "tcp"}  # UDP loses packets, and pictures with them
_PASSWORD = re.compile(r"//[^/@]*@")


def is_address(text: str) -> bool:
    """Whether `text` is the address of a stream, such as rtsp://camera/1."""
    return text.partition("://")[0].lower() in _SCHEMES and "://" in text


class NetworkStream:
    """The frames and the sound of a stream, in the order in which they arrive; stamps count from its first frame or chunk.

    `has_sound` tells whether it has sound; `name` is the address without its password. Each iteration connects anew and ends
    where the stream ends.

    Raises ValueError if it cannot be read or has no pictures, also while iterating.
    """

    duration_s = 0.0  # not known

    def __init__(self, address: str):
        self.address = address
        self.name = _PASSWORD.sub("//", address)
        self.notes: list[str] = []
        with self._open() as container:
            if not container.streams.video:
                raise ValueError(f"{self.name} has no pictures")
            context = container.streams.video[0].codec_context
            check_image_size(max(context.width, 1), max(context.height, 1))
            self.has_sound = bool(container.streams.audio)
            if self.has_sound:
                sound = container.streams.audio[0].codec_context
                check_sound_format(sound.sample_rate, sound.channels)

    def __length_hint__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Frame | AudioChunk]:
        with self._open() as container:
            tracks = [container.streams.video[0], *container.streams.audio[:1]]
            tracks[0].thread_type = "AUTO"
            to_float, first_s = av.AudioResampler(format="fltp"), None
            try:
                for packet in container.demux(tracks):
                    for decoded in _decode(packet):
                        if decoded.time is None:
                            continue
                        first_s = decoded.time if first_s is None else first_s
                        yield from _items(decoded, decoded.time - first_s, to_float)
            except av.FFmpegError as error:
                raise ValueError(f"{self.name} broke off: {error.strerror}") from error

    def _open(self) -> av.container.InputContainer:
        try:
            options = _RTSP if self.address.lower().startswith("rtsp") else {}
            return av.open(self.address, options=options, timeout=TIMEOUT_S)
        except av.FFmpegError as error:
            raise ValueError(
                f"{self.name} cannot be read as a stream ({error.strerror}): is the address right, and does "
                "`ffplay ADDRESS` play it here?"
            ) from error


def _decode(packet: av.packet.Packet) -> list[av.frame.Frame]:
    try:
        return packet.decode()
    except av.EOFError:
        return []
    except av.FFmpegError:  # a stream that is joined between two key frames begins with damage
        return []


def _items(decoded: av.frame.Frame, time_s: float, to_float: av.AudioResampler) -> Iterator[Frame | AudioChunk]:
    stamp_ns = round(time_s * NANOSECONDS_PER_SECOND)
    if isinstance(decoded, av.VideoFrame):
        yield Frame(decoded.to_ndarray(format="rgb24"), stamp_ns)
        return
    for planar in to_float.resample(decoded):
        chunk = AudioChunk(np.ascontiguousarray(planar.to_ndarray().T), decoded.sample_rate, stamp_ns)
        stamp_ns = chunk.end_ns
        yield chunk
