"""Write frames and sound to an mp4 file for any player."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np

from c3n_model.complete_file import complete_file
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame

_SOUND_RATE = 48_000
# The first that this FFmpeg has, with its options. None is under the GPL, unlike libx264, which PyAV's wheels contain. VP9 (BSD) is
# played by browsers, VLC, mpv and Android; H.264 by openh264 (BSD) by everything.
_VIDEO_CODECS = {
    "libopenh264": {},
    "libvpx-vp9": {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    "mpeg4": {"qscale": "4"},
}
_TICKS_PER_SECOND = 60_000  # of frame times: exact for the usual frame rates, and within what mpeg4 allows
_JITTER_S = 0.02
_LONGEST_GAP_S = 600


class _Nothing(Exception):
    """No frame was written, so there is no video."""


class VideoWriter:
    """Writes an mp4 (VP9 and AAC; see `_VIDEO_CODECS`) from frames and chunks in the order in which they arrived.

    A context manager. The first item's stamp becomes time 0, and each frame is displayed until the next one. The first frame
    sets the size (made even); others are scaled to it. Sound is converted to 48 kHz stereo; missing sound becomes silence,
    repeated sound is left out. The file gets its name when it is complete: after an exception, or without a frame, no file is
    written and an existing one is not changed. `frames_written` is the number of frames.
    """

    def __init__(self, path: Path | str):
        """An existing file at `path` is replaced at the end. Raises OSError if it cannot be written."""
        self._path = Path(path)
        self._file = complete_file(self._path)
        self.frames_written = 0
        self._start_ns: int | None = None
        self._last_tick = -1
        self._ticks_per_frame = 0  # of the last frame
        self._sound_end = 0  # samples written
        self._sound_format: tuple[int, int] | None = None
        self._sound_before_picture: list[AudioChunk] = []

    def __enter__(self) -> VideoWriter:
        partial = self._file.__enter__()
        with self._errors():
            self._container = av.open(f"file:{partial}", "w", format="mp4", options={"movflags": "+faststart"})
        codec, options = next(pair for pair in _VIDEO_CODECS.items() if pair[0] in av.codecs_available)
        self._video = self._container.add_stream(codec, rate=30, options=options)
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = Fraction(1, _TICKS_PER_SECOND)
        self._sound = self._container.add_stream("aac", rate=_SOUND_RATE, layout="stereo", format="fltp")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        keep = kind is None and self.frames_written > 0
        try:
            with self._errors():
                try:
                    if keep:
                        self._encode_picture(None)
                        self._container.mux(self._sound.encode(None))
                finally:
                    self._container.close()
        except BaseException as failure:
            self._end_file(failure)
            if kind is None:
                raise
        else:
            self._end_file(None if keep else error or _Nothing())

    def _end_file(self, error: BaseException | None) -> None:
        """Give the file its name, or remove it because of `error`."""
        if error is None:
            self._file.__exit__(None, None, None)
        else:
            with suppress(type(error), OSError):
                self._file.__exit__(type(error), error, error.__traceback__)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Convert errors of FFmpeg, such as a full disk, to OSError with the name of the video."""
        try:
            yield
        except av.FFmpegError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def write(self, item: Frame | AudioChunk) -> None:
        """Append a frame or a chunk. Raises ValueError if its stamp is more than ten minutes ahead of the last one, OSError
        if it cannot be written."""
        if self._start_ns is None:
            self._start_ns = item.stamp_ns
        with self._errors():
            if isinstance(item, Frame):
                self._write_frame(item)
            elif self._last_tick < 0:
                self._sound_before_picture.append(item)  # the file's header needs the size of the images
            else:
                self._write_chunk(item)

    def _write_frame(self, frame: Frame) -> None:
        tick = round(Fraction((frame.stamp_ns - self._start_ns) * _TICKS_PER_SECOND, NANOSECONDS_PER_SECOND))
        if tick <= self._last_tick:  # written already, or from before a jump of the clock
            return
        self._refuse_a_jump(tick - self._last_tick, _TICKS_PER_SECOND, frame.stamp_ns)
        if self._last_tick < 0:
            height, width = frame.rgb.shape[:2]
            self._video.width, self._video.height = max(width // 2 * 2, 2), max(height // 2 * 2, 2)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.rgb), format="rgb24")
        picture.pts, picture.time_base = tick, Fraction(1, _TICKS_PER_SECOND)
        self._ticks_per_frame = tick - self._last_tick if self._last_tick >= 0 else 0
        self._last_tick = tick
        self.frames_written += 1
        self._encode_picture(picture)
        while self._sound_before_picture:
            self._write_chunk(self._sound_before_picture.pop(0))

    def _encode_picture(self, picture: av.VideoFrame | None) -> None:
        for packet in self._video.encode(picture):
            packet.duration = (
                self._ticks_per_frame
            )  # matters for the last frame: it is displayed as long as the one before
            self._container.mux(packet)

    def _write_chunk(self, chunk: AudioChunk) -> None:
        rate, channels = chunk.sample_rate, chunk.samples.shape[1]
        if self._sound_format != (rate, channels):
            self._sound_format = (rate, channels)
            self._to_stereo = av.AudioResampler(format="fltp", layout="stereo", rate=_SOUND_RATE)
        samples = chunk.samples if channels <= 2 else chunk.samples.mean(axis=1, keepdims=True)
        planar = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T, dtype=np.float32),
            format="fltp",
            layout="mono" if len(samples.T) == 1 else "stereo",
        )
        planar.sample_rate = rate
        resampled = [frame.to_ndarray() for frame in self._to_stereo.resample(planar)]
        sound = np.concatenate(resampled, axis=1) if resampled else np.zeros((2, 0), np.float32)
        begin = (chunk.stamp_ns - self._start_ns) * _SOUND_RATE // NANOSECONDS_PER_SECOND
        missing = begin - self._sound_end
        if missing > _JITTER_S * _SOUND_RATE:
            self._refuse_a_jump(missing, _SOUND_RATE, chunk.stamp_ns)
            self._encode_sound(np.zeros((2, missing), np.float32))
        elif missing < -_JITTER_S * _SOUND_RATE:
            sound = sound[:, -missing:]
        self._encode_sound(sound)

    def _encode_sound(self, sound: np.ndarray) -> None:
        if sound.shape[1] == 0:
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = _SOUND_RATE, self._sound_end, Fraction(1, _SOUND_RATE)
        self._sound_end += sound.shape[1]
        self._container.mux(self._sound.encode(frame))

    def _refuse_a_jump(self, missing: int, rate: int, stamp_ns: int) -> None:
        if missing > _LONGEST_GAP_S * rate:
            raise ValueError(
                f"the stamps jump ahead by {missing / rate:.0f} s to {stamp_ns} ns; cut the recording there"
            )
