"""Decode media files with PyAV (FFmpeg): choice of tracks, orientation of images, and recovery from damage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from c3n_model.files.signatures import refuse_stand_in
from c3n_model.messages.limits import check_image_size, check_sound_format
from c3n_model.types import NANOSECONDS_PER_SECOND

_CONVERT = "ffmpeg -i {} -c:v libx264 -c:a aac OUT.mp4"
_NOT_A_MOVIE = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
# Containers whose header has the duration; for raw streams FFmpeg estimates it from the bit rate.
_KNOW_DURATION = ("mov", "matroska", "avi", "asf", "flv", "wav", "mpegts")
_EARLY_S = 0.5  # tolerance: streams end a little earlier than their container says
_STILL_S = 2.0  # longest display of the last image that is not mentioned, as in slide shows
_MAX_READ_ERRORS = 100  # in a row


@dataclass
class TrackReport:
    """What happened while one track was decoded.

    `errors`: their number so far; `damaged_s`: times of the damaged frames [s], known at the end; `end_s`: end of the last
    packet [s]; `last_s`: begin of the packet that was read last [s]; `expected_end_s`: end by the file's header [s], None if it has none; `shown_until_s`: end of the display of the
    last image [s].
    """

    kind: str
    errors: int = 0
    damaged_s: list[float] = field(default_factory=list)
    end_s: float = 0.0
    last_s: float = 0.0
    expected_end_s: float | None = None
    shown_until_s: float = 0.0

    @property
    def ends_early(self) -> bool:
        """Whether the track ends earlier than the file's header says."""
        return self.expected_end_s is not None and self.end_s < self.expected_end_s - _EARLY_S

    def notes(self) -> list[str]:
        """Return messages for the user about what is damaged or missing."""
        lines = []
        # A truncated file may end within a frame: the next note says so.
        damaged_s = [second for second in self.damaged_s if not (self.ends_early and second == self.last_s)]
        if damaged_s:
            shown = ", ".join(f"{second:.2f}" for second in damaged_s[:5])
            more = f" and {len(damaged_s) - 5} more" if len(damaged_s) > 5 else ""
            lines.append(
                f"its {self.kind} is damaged at {shown}{more} s, where it cannot be decoded: copy or download the file again"
            )
        if self.ends_early:
            lines.append(
                f"its {self.kind} ends after {self.end_s:.1f} s of {self.expected_end_s:.1f} s: the file is truncated, copy "
                "or download it again"
            )
        elif self.shown_until_s > self.end_s + _STILL_S:
            lines.append(
                f"its {self.kind} ends at {self.end_s:.1f} s; the last one is used until {self.shown_until_s:.1f} s"
            )
        return lines


@contextmanager
def open_media(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a media file; errors of FFmpeg, here or while reading, become a ValueError.

    Metadata in any encoding is accepted. Only the file itself is read, even if it is a playlist of others. Raises
    FileNotFoundError for a missing file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    refuse_stand_in(path)
    try:
        options = {"protocol_whitelist": "file"}
        with av.open(f"file:{path}", metadata_errors="replace", options=options) as container:
            yield container
    except av.FFmpegError as error:
        raise ValueError(
            f"{path} cannot be read as a video or sound file: {error.strerror}; check that it is complete"
        ) from error


def picture_track(container: av.container.InputContainer, path: Path) -> av.VideoStream | None:
    """Return the video track: a default one before others, and the largest of several; cover art does not count.

    Raises ValueError if FFmpeg has no decoder for it, LimitError for images beyond `messages.limits`.
    """
    tracks = [stream for stream in container.streams.video if not stream.disposition & _NOT_A_MOVIE]
    if not tracks:
        return None

    def preference(stream: av.VideoStream) -> tuple[bool, int]:
        context = stream.codec_context
        area = context.width * context.height if context is not None else 0
        return bool(stream.disposition & av.stream.Disposition.default), area

    track = max(tracks, key=preference)
    _check_decoder(track, path)
    check_image_size(track.codec_context.width, track.codec_context.height)
    return track


def sound_track(container: av.container.InputContainer, path: Path) -> av.AudioStream | None:
    """Return the first default sound track, else the first one. Raises as `picture_track`."""
    tracks = list(container.streams.audio)
    if not tracks:
        return None
    track = next((stream for stream in tracks if stream.disposition & av.stream.Disposition.default), tracks[0])
    _check_decoder(track, path)
    check_sound_format(track.codec_context.sample_rate, track.codec_context.channels)
    return track


def describe_choices(container: av.container.InputContainer, path: Path) -> list[str]:
    """Return messages for the user about the track used if a file has several of a kind, and how to use another one."""
    used = {"video": picture_track(container, path), "audio": sound_track(container, path)}
    lines = []
    for kind, track in used.items():
        tracks = [s for s in container.streams if s.type == kind and not s.disposition & _NOT_A_MOVIE]
        if len(tracks) > 1:
            other = next(stream for stream in tracks if stream is not track)
            maps = " ".join(
                f"-map 0:{(other if name == kind else t).index}" for name, t in used.items() if t is not None
            )
            lines.append(
                f"of {len(tracks)} {kind} tracks the one at index {track.index} is used; "
                f"for another: ffmpeg -i {path} {maps} -c copy OUT.mkv"
            )
    return lines


def describe_tracks(container: av.container.InputContainer) -> str:
    """Describe the kinds of tracks in a file."""
    kinds = [
        "a cover image" if stream.type == "video" and stream.disposition & _NOT_A_MOVIE else stream.type
        for stream in container.streams
    ]
    return ", ".join(kinds) or "no track that FFmpeg knows"


def decode(
    container: av.container.InputContainer, track: av.stream.Stream, report: TrackReport
) -> Iterator[av.frame.Frame]:
    """Yield the frames of a track; damaged parts are left out and recorded in `report`."""
    start_ns = container_start_ns(container)
    if track.duration is not None and any(name in container.format.name for name in _KNOW_DURATION):
        end = float(((track.start_time or 0) + track.duration) * track.time_base)
        report.expected_end_s = end - start_ns / NANOSECONDS_PER_SECOND
    elif container.duration and any(name in container.format.name for name in _KNOW_DURATION):
        report.expected_end_s = None if len(container.streams) > 1 else container.duration / av.time_base
    # Packets whose frame was not returned yet: decoders may report damage some packets later.
    sent: set[int] = set()
    count = 0
    for packet in _packets(container, track, report):
        if packet.pts is not None:
            report.last_s = float(packet.pts * packet.time_base) - start_ns / NANOSECONDS_PER_SECOND
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            report.end_s = max(report.end_s, float(end) - start_ns / NANOSECONDS_PER_SECOND)
            sent.add(packet.pts)
            count += 1
        try:
            frames = packet.decode()
        except av.EOFError:
            break
        except av.FFmpegError:
            report.errors += bool(packet.size)  # an empty packet flushes the decoder
            continue
        if track.type == "audio" and frames:
            sent.discard(packet.pts)  # a packet may have several frames
        for frame in frames:
            sent.discard(frame.pts)
            if frame.is_corrupt:  # decoded without a missing part, as players show it
                report.errors += 1
                sent.add(frame.pts)
            yield frame
    if 0 < track.frames <= count and report.expected_end_s is not None:
        # Nothing is missing, but VP9's parser does not know how long the last frame lasts.
        report.end_s = report.expected_end_s
    if report.errors:
        seconds = sorted(
            float(pts * track.time_base) - start_ns / NANOSECONDS_PER_SECOND for pts in sent if pts is not None
        )
        report.damaged_s = seconds or [report.end_s]


def _packets(
    container: av.container.InputContainer, track: av.stream.Stream, report: TrackReport
) -> Iterator[av.packet.Packet]:
    errors = 0
    while errors < _MAX_READ_ERRORS:
        try:
            for packet in container.demux(track):
                errors = 0
                yield packet
            return
        except av.EOFError:
            return
        except av.FFmpegError:
            report.errors += 1
            errors += 1


def upright_rgb(frame: av.VideoFrame) -> np.ndarray:
    """Convert a frame to RGB uint8 (H, W, 3), rotated by multiples of 90 degrees and mirrored by its display matrix."""
    rgb = frame.to_ndarray(format="rgb24")
    matrix = next((data for data in frame.side_data if data.type.name == "DISPLAYMATRIX"), None)
    if matrix is None:
        return rgb
    # x' = a x + c y, y' = b x + d y, in pixels from the top left corner, apart from a shift.
    (a, b), (c, d) = np.frombuffer(matrix, "<i4")[:9].reshape(3, 3)[:2, :2]
    if abs(int(a)) + abs(int(d)) < abs(int(b)) + abs(int(c)):
        rgb, a, d = rgb.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(rgb[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def container_start_ns(container: av.container.InputContainer) -> int:
    """Return the stamp at which a file begins, in ns."""
    return (container.start_time or 0) * NANOSECONDS_PER_SECOND // av.time_base


def _check_decoder(track: av.stream.Stream, path: Path) -> None:
    if track.codec_context is None:
        raise ValueError(
            f"{path}: the FFmpeg of PyAV {av.__version__} has no decoder for its {track.type}; convert it with one that has: "
            + _CONVERT.format(path)
        )
