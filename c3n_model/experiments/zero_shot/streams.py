"""Run streams whose sound changes through a live session, to measure how long an old mask stays and when a new one appears.

Delays are whole seconds, the hop of a session. A delay of 0 means that the first second after the change is correct.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from c3n_model.compose.noises import Heard
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import Scene, draw, fitting, not_made_by, two_in_view
from c3n_model.experiments.zero_shot.sounds import Sound, same_thing
from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.streaming.session import Session
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, Frame, Segmentation, Window

SECONDS = 7  # of each sound; longer than the history, so that the first sound can be forgotten completely
STILL_COVERED = 0.1  # covered fraction of the old mask below which it has disappeared


@dataclass(frozen=True)
class Stream:
    """A still image with the sound `first` for SECONDS, then `second`.

    `nouns` are the two sources, "" if the source is not in view, as for the second one of lingering streams.
    """

    name: str
    group: str
    rgb: np.ndarray
    first: Heard
    second: Heard
    nouns: tuple[str, str]


def lingering_streams(scenes: list[Scene], pictures: list[Picture], sounds: list[Sound]) -> list[Stream]:
    """Compose, for each image and class, its first sound followed by one whose source is not in view."""
    by_name, streams = {picture.name: picture for picture in pictures}, {}
    for scene in scenes:
        others = not_made_by(by_name[scene.group], [sound for sound in sounds if sound.noun])
        key = (scene.group, scene.noun)
        for other in draw(others, scene.group + scene.noun, count=1) if key not in streams else []:
            streams[key] = Stream(
                f"{scene.name}, then {other.name}", scene.group, scene.rgb, scene.sound, other, (scene.noun, "")
            )
    return list(streams.values())


def switching_streams(pictures: list[Picture], sounds: list[Sound]) -> list[Stream]:
    """Compose streams in which two objects in an image sound in turn, in both orders."""
    streams = []
    for picture, pair in two_in_view(pictures, sounds):
        for first, second in (pair, pair[::-1]):
            before, after = (draw(fitting(sounds, noun), picture.name + noun, count=1)[0] for noun in (first, second))
            name = f"{picture.name}: {before.name}, then {after.name}"
            streams.append(Stream(name, picture.name, picture.rgb, before, after, (first, second)))
    return streams


def still_windows(rgb: np.ndarray, snippets: np.ndarray) -> Iterator[Window]:
    """Yield the windows of a still image with the sound `snippets`, float32 (T, samples)."""
    for second, snippet in enumerate(snippets):
        start_ns = second * NANOSECONDS_PER_SECOND
        yield Window(start_ns, Frame(rgb, start_ns + FRAME_OFFSET_NS), snippet)


def windows_of(stream: Stream, sounds: list[Heard], sample_rate: int) -> Iterator[Window]:
    """Yield SECONDS windows with each of the sounds, repeated or truncated as needed, and the image of a stream."""
    parts = [np.resize(sound.seconds(sample_rate), (SECONDS, sample_rate)) for sound in sounds]
    return still_windows(stream.rgb, np.concatenate(parts))


def new_session(model: Model, device: str) -> Session:
    """Return a session that names as many sources as the model's network does."""
    return Session(model, device, max_sources=getattr(model.network, "max_sources", 1))


def play(session: Session, stream: Stream, sounds: list[Heard]) -> list[Segmentation]:
    """Reset a session and run it on `windows_of` a stream."""
    session.reset()
    return [session.step(window) for window in windows_of(stream, sounds, session.model.sample_rate)]


def lingering(model: Model, streams: list[Stream], device: str, progress: Progress) -> dict:
    """Measure how long the mask of a sound stays after the sound stops, if there was a mask in its last second.

    Returns the numbers of `streams` and `painted_streams`; the delays in `seconds` (SECONDS if the mask stays to the end),
    with `median_s` and `mean_s`, None without any.
    """
    session, delays, names = new_session(model, device), [], []
    for stream in progress(streams, "lingering"):
        played = play(session, stream, [stream.first, stream.second])
        before, after = played[SECONDS - 1].mask, played[SECONDS:]
        if before.any():
            covered = [(second.mask & before).sum() / before.sum() for second in after]
            delays.append(next((delay for delay, part in enumerate(covered) if part < STILL_COVERED), SECONDS))
            names.append(stream.name)
    return {
        "streams": len(streams),
        "painted_streams": len(delays),
        "median_s": float(np.median(delays)) if delays else None,
        "mean_s": float(np.mean(delays)) if delays else None,
        "seconds": dict(zip(names, delays)),
    }


def switching(model: Model, streams: list[Stream], device: str, progress: Progress) -> dict:
    """Measure how soon the second source is published under its name, in streams in which it is when it sounds alone.

    Returns the numbers of `streams`, `named_alone` and `named_after_switch`; `within_2_s`, a fraction of `named_alone`; the
    delays in `seconds` (None if never); and their median `median_s`, None without any.
    """
    session, delays = new_session(model, device), {}
    for stream in progress(streams, "switching"):
        if any(_names(second, stream.nouns[1]) for second in play(session, stream, [stream.second])):
            after = play(session, stream, [stream.first, stream.second])[SECONDS:]
            named = (delay for delay, second in enumerate(after) if _names(second, stream.nouns[1]))
            delays[stream.name] = next(named, None)
    known = [delay for delay in delays.values() if delay is not None]
    return {
        "streams": len(streams),
        "named_alone": len(delays),
        "named_after_switch": len(known),
        "within_2_s": sum(delay < 2 for delay in known) / len(delays) if delays else None,
        "median_s": float(np.median(known)) if known else None,
        "seconds": delays,
    }


def _names(second: Segmentation, noun: str) -> bool:
    """Check whether a mask is published under that name."""
    return bool(second.mask.any()) and any(same_thing(visual, noun) for _, visual in second.pairs)
