"""The conditions of the robustness bench: alterations of a clip, named for the report.

**Negative** conditions replace the sound by one without a source in view, as AVSBench-Robust does (arXiv 2502.00358): silence, white
noise, or the sound of an object that is not in view. A mask should then be empty. **Faults** degrade the sound or the frames; the
truth stays. Every alteration depends on the clip and the seed alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from c3n_model.compose.noises import Noise, rms
from c3n_model.data.avsbench import AVSBench
from c3n_model.data.clip_files import ClipPaths
from c3n_model.experiments.paper.noise import add_audio_noise
from c3n_model.experiments.robustness.sound_faults import clipped, reverberant, telephone
from c3n_model.experiments.zero_shot.alterations import Alteration, blur, compress, darken
from c3n_model.training.negatives import Donors
from c3n_model.types import Clip

CLEAN, NEGATIVE, SOUND_FAULT, FRAME_FAULT = "clean", "negative", "sound fault", "frame fault"
SNRS_DB = (20, 10, 0, -10)
NOISE_DBFS = 20 * np.log10(1 / np.sqrt(3))  # AVSBench-Robust's white noise is uniform in [-1, 1]
MOTOR_SNR_DB = 0.0


@dataclass(frozen=True)
class Condition:
    """An alteration of the clips for which `applies`."""

    name: str
    group: str
    alter: Callable[[Clip], Clip]
    applies: Callable[[ClipPaths], bool] = lambda paths: True


def conditions(clips: AVSBench, donors: Donors, seed: int) -> list[Condition]:
    """Return all conditions for `clips`, the clean one first; `donors` provide the sounds of objects that are not in view."""
    rate = clips.sample_rate
    in_view = {paths.name: paths.in_view for paths in clips.clips}

    def off_screen(clip: Clip) -> Clip:
        return replace(clip, snippets=donors.absent(in_view[clip.name], _random(clip, seed)))

    def sound(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Callable[[Clip], Clip]:
        return lambda clip: replace(clip, snippets=change(clip.snippets, _random(clip, seed)))

    def white(snippets: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return random.uniform(-1, 1, snippets.shape).astype(np.float32)

    return [
        Condition("clean", CLEAN, lambda clip: clip),
        Condition("silence", NEGATIVE, sound(lambda snippets, random: np.zeros_like(snippets))),
        Condition("noise", NEGATIVE, sound(white)),
        Condition("off-screen", NEGATIVE, off_screen, applies=lambda paths: donors.has_absent(paths.in_view)),
        *(
            Condition(f"SNR {snr_db} dB", SOUND_FAULT, lambda clip, snr_db=snr_db: add_audio_noise(clip, snr_db, seed))
            for snr_db in SNRS_DB
        ),
        Condition("motor", SOUND_FAULT, lambda clip: _with_motor(clip, rate)),
        Condition("clipping", SOUND_FAULT, sound(lambda snippets, random: clipped(snippets))),
        Condition("telephone", SOUND_FAULT, sound(lambda snippets, random: telephone(snippets, rate))),
        Condition("reverberation", SOUND_FAULT, sound(lambda snippets, random: reverberant(snippets, rate, random))),
        Condition("blur", FRAME_FAULT, _frames(blur)),
        Condition("dark", FRAME_FAULT, _frames(darken)),
        Condition("JPEG", FRAME_FAULT, _frames(compress)),
    ]


def select(every: list[Condition], names: list[str] | None) -> list[Condition]:
    """Return the clean condition and those of `names`; all for None. Raises ValueError for an unknown name."""
    known = [condition.name for condition in every]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ValueError(f"no condition is called {unknown[0]!r}; expected {', '.join(known)}")
    return [condition for condition in every if names is None or condition.name in ("clean", *names)]


def _with_motor(clip: Clip, rate: int) -> Clip:
    """Add the noise of a robot's motor, `MOTOR_SNR_DB` below the clip's level."""
    motor = np.resize(Noise("motor", -20.0, clip.name).seconds(rate), clip.snippets.shape)
    gain = rms(clip.snippets) / rms(motor) * 10 ** (-MOTOR_SNR_DB / 20)
    return replace(clip, snippets=(clip.snippets + gain * motor).astype(np.float32))


def _frames(alteration: Alteration) -> Callable[[Clip], Clip]:
    def alter(clip: Clip) -> Clip:
        frames = [alteration(frame, f"{clip.name}{second}") for second, frame in enumerate(clip.frames)]
        return replace(clip, frames=np.stack(frames))

    return alter


def _random(clip: Clip, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(clip.name.encode())])
