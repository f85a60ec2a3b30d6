"""Evaluate labels where there are no masks: the audio tagger on sounds, image-sound pairs, AVSBench clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from c3n_model.compose.noises import RATE
from c3n_model.experiments.zero_shot.clips import read_windows
from c3n_model.experiments.zero_shot.sounds import Sound, same_thing
from c3n_model.experiments.zero_shot.streams import new_session, still_windows
from c3n_model.model import Model
from c3n_model.pictures.overlay import draw_overlay
from c3n_model.preprocess import snippet_from_samples
from c3n_model.progress import Progress
from c3n_model.sources.picture_files import read_picture
from c3n_model.types import NANOSECONDS_PER_SECOND, Segmentation, Window


@dataclass(frozen=True)
class Recording:
    """Seconds of a clip or a pair: `rows` for bench.json, and overlays `pictures`, RGB uint8 (H, W, 3)."""

    name: str
    sounding: frozenset[str]
    rows: list[dict]
    pictures: list[np.ndarray]

    def as_mapping(self) -> dict:
        """Convert to an entry of bench.json."""
        return {"name": self.name, "sounding": sorted(self.sounding), "seconds": self.rows}


def play_clips(
    model: Model, clips: list[tuple[Path, frozenset[str]]], device: str, progress: Progress
) -> list[Recording]:
    """Run a session on every clip, given with its correct nouns (empty if unknown)."""
    session, recordings = new_session(model, device), []
    for path, sounding in progress(clips, "clips"):
        session.reset()
        rows, pictures = [], []
        for window in read_windows(path):
            snippet = snippet_from_samples(window.snippet[:, None], RATE, model.sample_rate)
            segmentation = session.step(Window(window.start_ns, window.frame, snippet, window.heard))
            rows.append(_row(segmentation, sounding))
            pictures.append(draw_overlay(window.frame.rgb, segmentation))
        recordings.append(Recording(path.stem, sounding, rows, pictures))
    return recordings


def play_pairs(model: Model, pairs: list[tuple[Path, Sound]], device: str, progress: Progress) -> list[Recording]:
    """Run a session on each image with its sound; only the last second counts."""
    session, recordings = new_session(model, device), []
    for path, sound in progress(pairs, "pairs"):
        session.reset()
        rgb = read_picture(path)
        for window in still_windows(rgb, sound.seconds(model.sample_rate)):
            segmentation = session.step(window)
        sounding = frozenset({sound.noun})
        rows, pictures = [_row(segmentation, sounding)], [draw_overlay(rgb, segmentation)]
        recordings.append(Recording(path.name, sounding, rows, pictures))
    return recordings


@torch.no_grad()
def tag(model: Model, sounds: list[Sound], device: torch.device, progress: Progress) -> dict:
    """Measure the top-1 and top-5 accuracy of the audio encoder on complete sounds with known AudioSet classes."""
    hits: dict[str, list[tuple[bool, bool]]] = {}
    for sound in progress([sound for sound in sounds if sound.right], "sounds"):
        waveform = torch.from_numpy(sound.waveform(model.sample_rate)[None]).to(device)
        best = model.network.audio_encoder(waveform)[1][0].topk(5).indices.tolist()
        right = [model.audio_labels[index] in sound.right for index in best]
        hits.setdefault(sound.name.split("/")[0], []).append((right[0], any(right)))
    by_folder = {
        name: {"sounds": len(rows), "top1": float(np.mean(rows, axis=0)[0]), "top5": float(np.mean(rows, axis=0)[1])}
        for name, rows in hits.items()
    }
    all_rows = [row for rows in hits.values() for row in rows]
    top1, top5 = np.mean(all_rows, axis=0).tolist() if all_rows else (None, None)
    return {"sounds": len(all_rows), "top1": top1, "top5": top5, "by_folder": by_folder}


def _row(segmentation: Segmentation, sounding: frozenset[str]) -> dict:
    label = segmentation.label
    return {
        "second": segmentation.window_start_ns // NANOSECONDS_PER_SECOND,
        "audio": label.audio,
        "visual": label.visual,
        "consensus": round(label.consensus, 3),
        "right": any(same_thing(label.visual, noun) for noun in sounding) if sounding else None,
        "published": bool(segmentation.mask.any()),
        "mask_area": round(float(segmentation.mask.mean()), 4),
    }
