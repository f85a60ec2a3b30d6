"""Decode MP3 in messages, the default of audio_capture.

Each chunk of the stream has a stamp; GStreamer's encoder puts one frame into each and counts time from its first sample. The
delays of encoder and decoder are known, so decoded sound gets the time at which it was recorded.

This module finds the frames itself, because FFmpeg's parser (`av.CodecContext.parse`) accepts the first four bytes that look
like a header and does not separate other bytes before a frame from it: after a loss within a frame it loses up to one more
frame, and stamps differ. For complete streams, and losses between frames, its output is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from c3n_model.messages.limits import check_mp3_length
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk

MP3_REMEDY = (
    "the MP3 sound cannot be decoded: start audio_capture with the launch argument format:=wave "
    "(ros2 launch audio_capture capture.launch.xml format:=wave)"
)

# LAME delays by 576 samples, every Layer III decoder by 528 + 1: the first sample of a frame was recorded so much earlier.
DELAY_SAMPLES = 576 + 528 + 1
# A chunk whose stamp is further than this from the end of the last one follows a gap.
LONGEST_BRIDGE_NS = 200_000_000
# After more consecutive bytes without sound, the stream is not MP3 (the longest frame has 1441 bytes).
_PATIENCE_BYTES = 8192

# MPEG-1 Layer III in kbit/s by the header's index; the rows for MPEG-2 and 2.5 are the same.
_BIT_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


@dataclass(frozen=True)
class _Header:
    """Header of a Layer III frame: `size` of the frame in bytes, number of `samples`, `sample_rate` in Hz."""

    size: int
    samples: int
    sample_rate: int

    @property
    def duration_ns(self) -> int:
        return self.samples * NANOSECONDS_PER_SECOND // self.sample_rate


class Mp3Decoder:
    """Decodes the chunks of one MP3 stream, in order.

    Frames may be split between chunks. The sound has the rate and channels of the stream. A gap in the stamps is a gap in the
    sound; bytes that do not belong to a frame are skipped.
    """

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Discard all state: the next chunk begins a new stream."""
        self._codec: Any = None  # av types the codecs of a name as CodecContext, which has no decode
        self._sample_rate = 0
        self._bytes = bytearray()  # an incomplete frame; deleting from the front does not copy the rest
        self._stamped_ns: int | None = None  # stamp of the first of these bytes, if a message began with it
        self._counted_ns: int | None = None  # the same time, counted by the frames so far
        self._passed_over = 0  # bytes since the last sound

    def decode(self, data: bytes, stamp_ns: int) -> list[AudioChunk]:
        """Decode all frames that `data` completes; returns one AudioChunk float32 (n, channels) per frame.

        `stamp_ns`: start of the sound in `data`. Raises ValueError (`MP3_REMEDY`) after many bytes that are not MP3,
        LimitError for more than 10 s at once; decoding can continue afterwards.
        """
        check_mp3_length(len(data))
        if self._counted_ns is not None and abs(stamp_ns - self._end_ns()) > LONGEST_BRIDGE_NS:
            self.reset()
        if not self._bytes:
            self._stamped_ns = stamp_ns
        self._bytes += bytes(data)
        chunks = []
        while (header := self._find_frame(stamp_ns)) is not None:
            frame = bytes(self._bytes[: header.size])
            del self._bytes[: header.size]
            begin_ns = self._counted_ns if self._stamped_ns is None else self._stamped_ns
            assert begin_ns is not None  # the first bytes came with a stamp
            self._counted_ns, self._stamped_ns = begin_ns + header.duration_ns, None
            sound = self._sound(frame, header, begin_ns)
            self._passed_over = 0 if sound else self._passed_over + header.size
            chunks += sound
        if self._passed_over > _PATIENCE_BYTES:
            self.reset()
            raise ValueError(MP3_REMEDY)
        return chunks

    def _end_ns(self) -> int:
        """Return the end time of the bytes so far; an incomplete frame counts by the fraction that has arrived."""
        header = read_header(self._bytes)
        assert self._counted_ns is not None
        return self._counted_ns + (header.duration_ns * len(self._bytes) // header.size if header else 0)

    def _find_frame(self, stamp_ns: int) -> _Header | None:
        """Skip to the next complete frame and return its header, None if there is none yet."""
        while len(self._bytes) >= 4:
            header = read_header(self._bytes)
            if header is not None:
                if len(self._bytes) < header.size:
                    return None
                # Four bytes can look like a header by chance, so another header must follow the frame.
                following = self._bytes[header.size : header.size + 4]
                if len(following) < 4 or read_header(following) is not None:
                    return header
            skipped = max(self._bytes.find(b"\xff", 1), 0) or len(self._bytes)
            del self._bytes[:skipped]
            self._passed_over += skipped
            self._stamped_ns = stamp_ns  # bytes were lost: continue at the newest stamp
        return None

    def _sound(self, frame: bytes, header: _Header, begin_ns: int) -> list[AudioChunk]:
        if header.sample_rate != self._sample_rate:
            self._codec, self._sample_rate = av.CodecContext.create("mp3float", "r"), header.sample_rate
        try:
            decoded = self._codec.decode(av.Packet(frame))
        except av.FFmpegError:  # damaged, or it needs bits of a frame that was lost
            return []
        heard_ns = begin_ns - DELAY_SAMPLES * NANOSECONDS_PER_SECOND // header.sample_rate
        return [AudioChunk(np.ascontiguousarray(part.to_ndarray().T), header.sample_rate, heard_ns) for part in decoded]


def looks_like_mp3(data: np.ndarray) -> bool:
    """Return whether bytes, uint8 (n,), are an ID3 tag or consecutive MP3 frames up to the end.

    The sync word alone is not enough: one in hundreds of PCM chunks begins with a quiet negative sample that equals it.
    """
    if len(data) >= 10 and bytes(data[:3]) == b"ID3" and data[3] < 5 and np.all(data[6:10] < 128):
        return True
    at = 0
    while len(data) - at >= 4:
        header = read_header(data[at : at + 4].tobytes())
        if header is None:
            return False
        at += header.size
    return at > 0 and at == len(data)


def read_header(data: bytes | bytearray) -> _Header | None:
    """Parse the Layer III header in the first four bytes; None if there are fewer or they are not a header."""
    if len(data) < 4:
        return None
    bits = int.from_bytes(data[:4], "big")
    version, layer = bits >> 19 & 3, bits >> 17 & 3
    bit_rate, sample_rate, padding = bits >> 12 & 15, bits >> 10 & 3, bits >> 9 & 1
    if bits >> 21 != 0x7FF or version == 1 or layer != 1 or bit_rate in (0, 15) or sample_rate == 3:
        return None
    samples = 1152 if version == 3 else 576
    rate = _SAMPLE_RATES[version][sample_rate]
    size = samples // 8 * _BIT_RATES[0 if version == 3 else 1][bit_rate] * 1000 // rate + padding
    return _Header(size, samples, rate)
