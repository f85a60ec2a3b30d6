"""Segment any source of frames and sound offline, with the windows and the session of the live node."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowAssembler
from c3n_model.types import NANOSECONDS_PER_SECOND, AudioChunk, Frame, Segmentation, SoundBearing, Window

Item = Frame | AudioChunk
_LONGEST_FILE_NS = 86_400 * NANOSECONDS_PER_SECOND  # larger stamps are times of a robot's clock


def segment(
    items: Iterable[Item],
    session: Session,
    *,
    show: Callable[[Item], None] = lambda item: None,
    refine: Callable[[Segmentation, Window[Frame]], Segmentation] = lambda segmentation, window: segmentation,
) -> Iterator[Segmentation]:
    """Yield a segmentation for each whole second of `items` as soon as it is complete; `show` is called with every item first,
    `refine` with every result, which it may replace.

    Raises:
        ValueError: as `cut_windows`.
    """
    windows = cut_windows(items, session.model.sample_rate, show=show)
    return (refine(session.step(window), window) for window in windows)


def cut_windows(
    items: Iterable[Item], sample_rate: int, *, show: Callable[[Item], None] = lambda item: None
) -> Iterator[Window[Frame]]:
    """Yield the windows of `items` as they close, snippets at `sample_rate` Hz; `show` is called with every item first.

    Raises:
        ValueError: the source ended without a single window; the message says what was missing.
    """
    assembler: WindowAssembler[Frame] = WindowAssembler(sample_rate)
    spans = _Spans()
    for item in items:
        if spans.is_empty:  # the stamps of a file start at 0, those of a robot in 1970
            assembler = WindowAssembler(sample_rate, from_start=item.stamp_ns < NANOSECONDS_PER_SECOND)
        spans.add(item)
        show(item)
        if isinstance(item, Frame):
            assembler.add_frame(item)
        else:
            assembler.add_audio(item)
        yield from assembler.ready()
    yield from assembler.finish()
    counts = assembler.counts
    if counts.windows == 0:
        raise ValueError(
            f"no whole second of images and sound in {counts.frames} frames and {counts.chunks} chunks of sound: "
            f"{counts.skipped_no_frame} seconds had no frame near 15/16 of the second, {counts.skipped_no_sound} no sound; "
            f"{spans}. In at least one second, images must overlap with half a second of sound"
        )


class _Spans:
    """The first and last stamps of frames and of sound."""

    def __init__(self):
        self._ends: dict[str, tuple[int, int]] = {}

    @property
    def is_empty(self) -> bool:
        return not self._ends

    def add(self, item: Item) -> None:
        kind, end_ns = ("sound", item.end_ns) if isinstance(item, AudioChunk) else ("images", item.stamp_ns)
        first, last = self._ends.get(kind, (item.stamp_ns, end_ns))
        self._ends[kind] = min(first, item.stamp_ns), max(last, end_ns)

    def __str__(self) -> str:
        return ", ".join(f"{kind} from {a / 1e9:.2f} s to {b / 1e9:.2f} s" for kind, (a, b) in self._ends.items())


def first_second_ns(window_start_ns: int) -> int:
    """Return the start of second 0 of a recording: 0 for a file, whose stamps start at 0, else its first window."""
    return 0 if window_start_ns < _LONGEST_FILE_NS else window_start_ns


def describe_missing(window_starts_ns: Sequence[int], duration_s: float) -> list[str]:
    """List the whole seconds of a recording of `duration_s` without a window, in one line, if there are any."""
    origin_ns = first_second_ns(window_starts_ns[0])
    seconds = {(start_ns - origin_ns) // NANOSECONDS_PER_SECOND for start_ns in window_starts_ns}
    # A bag may begin and end within a second, and its duration covers all of its topics.
    whole = int(duration_s) - (2 if origin_ns else 0)
    missing = sorted(set(range(max(whole, max(seconds)))) - seconds)
    if not missing:
        return []
    runs = [[second for _, second in run] for _, run in groupby(enumerate(missing), key=lambda pair: pair[1] - pair[0])]
    named = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return [f"{len(missing)} seconds have no mask, because an image or half of the sound is missing: {named}"]


def describe_second(segmentation: Segmentation) -> str:
    """Describe a segmentation in one line: second, labels, confidence, fraction of the image. Sound below -60 dBFS is
    "silent"; louder sound that the network does not recognise is "unsure"."""
    label, presence = segmentation.label, segmentation.presence
    when = f"{segmentation.window_start_ns / 1e9:>6.0f} s"
    direction = describe_bearing(segmentation.sound)
    if not presence.audible:
        return f"{when}  {presence.reason}  (audible {presence.score:.2f}, {presence.loudness_dbfs:.0f} dBFS)"
    if not presence.visible:
        return f"{when}  {label.audio}, not in view  ({label.visual} {label.visual_score:.2f}){direction}"
    named = " + ".join(f"{audio} ~ {visual}" for audio, visual in segmentation.pairs)
    return (
        f"{when}  {named}  consensus {label.consensus:.2f}, audible {presence.score:.2f}, "
        f"{100 * segmentation.mask.mean():.1f} % of the image in {len(segmentation.objects)} objects{direction}"
        f"{describe_motion(segmentation)}"
    )


def describe_bearing(sound: SoundBearing) -> str:
    """Describe a measured bearing and what followed from it, as the end of a line; "" without one."""
    if sound.bearing is None:
        return ""
    bearings = [bearing for bearing in (sound.bearing, sound.mirrored) if bearing is not None]
    degrees = " or ".join(f"{abs(math.degrees(b)):.0f}° {'left' if b > 0 else 'right'}" for b in bearings)
    return f", from {degrees} (confidence {sound.confidence:.2f}): {sound.decision}"


def describe_motion(segmentation: Segmentation) -> str:
    """Describe what followed from motion, as the end of a line; "" if nothing was compared."""
    if not segmentation.motion_decision:
        return ""
    known = [f"{found.motion:.2f}" for found in segmentation.objects if found.motion is not None]
    return f", in time with the sound {' and '.join(known) or 'unknown'}: {segmentation.motion_decision}"
