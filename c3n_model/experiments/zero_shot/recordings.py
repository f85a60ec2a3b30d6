"""The zero-shot model on whole recordings: AVSBench clips second by second, silent clips, pairs of picture and sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from c3n_model.experiments.zero_shot.methods import consensus_answer
from c3n_model.experiments.zero_shot.sounds import Sound, videos
from c3n_model.labels.sound_sources import is_a
from c3n_model.model import Model
from c3n_model.pictures.overlay import draw_overlay
from c3n_model.progress import Progress
from c3n_model.sources.media import VideoSource
from c3n_model.sources.picture_files import read_picture
from c3n_model.streaming.segment import cut_windows
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Window


@dataclass(frozen=True)
class Recording:
    """`seconds` one dict a second, `pictures` their overlays rgb uint8; `sounding` the nouns that are right, if known;
    `sheet` the file name of the pictures in the report."""

    name: str
    sheet: str
    sounding: frozenset[str]
    seconds: list[dict]
    pictures: list[np.ndarray]


def as_row(recording: Recording) -> dict:
    """The recording for report.json."""
    return {
        "name": recording.name,
        "sheet": recording.sheet,
        "sounding": sorted(recording.sounding),
        "seconds": recording.seconds,
    }


def run_clips(
    model: Model, clips: list[tuple[Path, frozenset[str]]], device: str, progress: Progress
) -> list[Recording]:
    """Every clip, and the nouns that are right in it, as `sounds.clips` has them."""
    return [_run(model, path, sounding, device, "clip") for path, sounding in progress(clips, "clips")]


def run_silent(model: Model, folder: Path, device: str, progress: Progress) -> list[Recording]:
    """Every video of `folder`: nothing sounds in them, and a missing sound track is silence."""
    return [_run(model, path, frozenset(), device, "silent") for path in progress(videos(folder), "silent clips")]


def run_pairs(model: Model, pairs: list[tuple[Path, Sound]], device: torch.device) -> list[dict]:
    """What the model names for each picture and its sound."""
    rows = []
    for path, sound in pairs:
        answer = consensus_answer(model, read_picture(path), sound.seconds(model.sample_rate), device)
        right = is_a(answer.noun, sound.noun) or is_a(sound.noun, answer.noun)
        rows.append({"name": path.name, "truth": sound.noun, "named": answer.noun, "right": right})
    return rows


def _run(model: Model, path: Path, sounding: frozenset[str], device: str, kind: str) -> Recording:
    session = Session(model, device)
    seconds, pictures = [], []
    for window in _windows(path, model.sample_rate):
        found = session.step(window)
        label = found.label
        right = any(is_a(label.visual, noun) or is_a(noun, label.visual) for noun in sounding) if sounding else None
        seconds.append(
            {
                "second": window.start_ns // 1_000_000_000,
                "audio": label.audio,
                "visual": label.visual,
                "consensus": round(label.consensus, 3),
                "right": right,
                "published": bool(found.mask.any()),
                "mask_area": round(float(found.mask.mean()), 4),
                "loudness_dbfs": round(found.presence.loudness_dbfs, 1),
            }
        )
        pictures.append(draw_overlay(window.frame.rgb, found))
    return Recording(path.stem, f"{kind}_{re.sub(r'[^A-Za-z0-9_-]', '_', path.stem)}.png", sounding, seconds, pictures)


def _windows(path: Path, sample_rate: int) -> Iterator[Window[Frame]]:
    try:
        yield from cut_windows(VideoSource(path, allow_silent=True), sample_rate)
    except ValueError as error:
        raise ValueError(str(error) if str(path) in str(error) else f"{path} holds {error}") from error
