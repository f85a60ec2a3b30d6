"""Streams whose sound changes, through the session that a robot runs: how long an old mask stays, how soon a new one comes.

Delays are whole seconds, the hop of a session. A delay of 0 means that the first whole second after the change is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from c3n_model.experiments.zero_shot.noises import Heard
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import Scene, draw, fitting, not_made_by, two_in_view
from c3n_model.experiments.zero_shot.sounds import Sound, same_thing
from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.streaming.session import Session
from c3n_model.types import FRAME_OFFSET_NS, NANOSECONDS_PER_SECOND, Frame, Segmentation, Window

SECONDS = 7  # of each sound: longer than the history, so that all of the first can be forgotten
STILL_COVERED = 0.1  # of the old mask: an old mask of which less is painted is gone


@dataclass(frozen=True)
class Stream:
    """A still picture in which `first` sounds for SECONDS, then `second`. `nouns` makes the sounds: of a lingering stream,
    the second one is "" because it is not in view."""

    name: str
    group: str
    rgb: np.ndarray
    first: Heard
    second: Heard
    nouns: tuple[str, str]


def lingering_streams(scenes: list[Scene], pictures: list[Picture], sounds: list[Sound]) -> list[Stream]:
    """Let the first sound of each picture and class be followed by one whose source is not in view."""
    by_name, found = {picture.name: picture for picture in pictures}, {}
    for scene in scenes:
        others = not_made_by(by_name[scene.group], [sound for sound in sounds if sound.noun])
        key = (scene.group, scene.noun)
        for other in draw(others, scene.group + scene.noun, count=1) if key not in found else []:
            found[key] = Stream(
                f"{scene.name}, then {other.name}", scene.group, scene.rgb, scene.sound, other, (scene.noun, "")
            )
    return list(found.values())


def switching_streams(pictures: list[Picture], sounds: list[Sound]) -> list[Stream]:
    """Let two things in a picture sound one after the other, in both orders."""
    found = []
    for picture, pair in two_in_view(pictures, sounds):
        for first, second in (pair, pair[::-1]):
            one, other = (draw(fitting(sounds, noun), picture.name + noun, count=1)[0] for noun in (first, second))
            name = f"{picture.name}: {one.name}, then {other.name}"
            found.append(Stream(name, picture.name, picture.rgb, one, other, (first, second)))
    return found


def still_windows(rgb: np.ndarray, snippets: np.ndarray) -> Iterator[Window]:
    """Yield the windows of a still picture with its seconds of sound, float32 (T, samples)."""
    for second, snippet in enumerate(snippets):
        start_ns = second * NANOSECONDS_PER_SECOND
        yield Window(start_ns, Frame(rgb, start_ns + FRAME_OFFSET_NS), snippet)


def windows_of(stream: Stream, sounds: list[Heard], sample_rate: int) -> Iterator[Window]:
    """Yield SECONDS windows of each of the sounds, repeated or cut as needed, before the picture of a stream."""
    parts = [np.resize(sound.seconds(sample_rate), (SECONDS, sample_rate)) for sound in sounds]
    return still_windows(stream.rgb, np.concatenate(parts))


def play(session: Session, stream: Stream, sounds: list[Heard]) -> list[Segmentation]:
    """Step a session without a history through `windows_of` a stream."""
    session.reset()
    return [session.step(window) for window in windows_of(stream, sounds, session.model.sample_rate)]


def lingering(model: Model, streams: list[Stream], device: str, progress: Progress) -> dict:
    """Measure how long the mask of a sound stays after it stopped, where there was a mask in its last second.

    `streams` and `painted_streams` count them; `seconds` are the delays (SECONDS: it stayed to the end), with `median_s` and
    `mean_s`, None without any.
    """
    session, delays, names = Session(model, device), [], []
    for stream in progress(streams, "lingering"):
        found = play(session, stream, [stream.first, stream.second])
        before, after = found[SECONDS - 1].mask, found[SECONDS:]
        if before.any():
            covered = [(second.mask & before).sum() / before.sum() for second in after]
            delays.append(next((at for at, part in enumerate(covered) if part < STILL_COVERED), SECONDS))
            names.append(stream.name)
    return {
        "streams": len(streams),
        "painted_streams": len(delays),
        "median_s": float(np.median(delays)) if delays else None,
        "mean_s": float(np.mean(delays)) if delays else None,
        "seconds": dict(zip(names, delays)),
    }


def switching(model: Model, streams: list[Stream], device: str, progress: Progress) -> dict:
    """Measure how soon the second source is named and painted, among the streams in which it ever is if it sounds alone.

    `streams`, `named_alone` and `named_after_switch` count them; `within_2_s` is the fraction of `named_alone`; `seconds` are
    the delays (None: never); `median_s` is over those that came, None without any.
    """
    session, delays = Session(model, device), {}
    for stream in progress(streams, "switching"):
        if any(_names(second, stream.nouns[1]) for second in play(session, stream, [stream.second])):
            after = play(session, stream, [stream.first, stream.second])[SECONDS:]
            named = (at for at, second in enumerate(after) if _names(second, stream.nouns[1]))
            delays[stream.name] = next(named, None)
    came = [delay for delay in delays.values() if delay is not None]
    return {
        "streams": len(streams),
        "named_alone": len(delays),
        "named_after_switch": len(came),
        "within_2_s": sum(delay < 2 for delay in came) / len(delays) if delays else None,
        "median_s": float(np.median(came)) if came else None,
        "seconds": delays,
    }


def _names(second: Segmentation, noun: str) -> bool:
    """Whether a mask is published under that name."""
    return bool(second.mask.any()) and same_thing(second.label.visual, noun)
