"""The offline main job: any source of frames and sound through the windows and the session that a live node uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from c3n_model.streaming.session import Session
from c3n_model.streaming.windows import WindowAssembler
from c3n_model.types import AudioChunk, Frame, Segmentation, Window

Item = Frame | AudioChunk


def segment(
    items: Iterable[Item], session: Session, *, show: Callable[[Item], None] = lambda item: None
) -> Iterator[Segmentation]:
    """A segmentation for each whole second of `items`, as they close; `show` sees every item first.

    Raises:
        ValueError: as `cut_windows`.
    """
    return map(session.step, cut_windows(items, session.model.sample_rate, show=show))


def cut_windows(
    items: Iterable[Item], sample_rate: int, *, show: Callable[[Item], None] = lambda item: None
) -> Iterator[Window[Frame]]:
    """The windows of `items` as they close, snippets at `sample_rate` Hz; `show` sees every item first.

    Raises:
        ValueError: the source ended and not one window could be cut; the message says what was missing.
    """
    assembler: WindowAssembler[Frame] = WindowAssembler(sample_rate)
    for item in items:
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
            f"no whole second of picture and sound in {counts.frames} frames and {counts.chunks} pieces of sound: "
            f"{counts.skipped_no_frame} seconds lacked a frame near 15/16 of the second, {counts.skipped_no_sound} sound"
        )


def describe_second(segmentation: Segmentation) -> str:
    """One line for people: when, what, how sure, how much of the picture."""
    label, presence = segmentation.label, segmentation.presence
    when = f"{segmentation.window_start_ns / 1e9:>6.0f} s"
    if not presence.audible:
        return f"{when}  silent  (audible {presence.score:.2f}, {presence.loudness_dbfs:.0f} dBFS)"
    if not presence.visible:
        return f"{when}  {label.audio}, not in view  ({label.visual} {label.visual_score:.2f})"
    return (
        f"{when}  {label.audio} ~ {label.visual}  consensus {label.consensus:.2f}, audible {presence.score:.2f}, "
        f"{100 * segmentation.mask.mean():.1f} % of the picture in {len(segmentation.objects)} objects"
    )
