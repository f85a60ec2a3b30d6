"""The sound of a composed clip: five seconds, mono, at `noises.RATE`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.signal import fftconvolve

from c3n_model.compose.noises import KINDS, RATE, Noise, rms
from c3n_model.compose.scene_plan import ScenePlan
from c3n_model.compose.sound_set import SoundFile
from c3n_model.data.clip_files import CLIP_FRAMES

LEVEL_DBFS, LEVEL_SPREAD_DB = -23.0, 5.0  # of a sound's loudest second
QUIETEST_DB = -30.0  # a second that is quieter than its sound's loudest one by more than this is not heard
FLOOR_DBFS = -60.0  # ... or below this
REVERBERATED, REVERBERATION_S = 0.2, (0.15, 0.6)
NOISY, SNR_DB = 0.25, (5.0, 30.0)  # clips with noise all the time
NOISE_DBFS = (-45.0, -20.0)  # of seconds with noise alone
ROOM_DBFS = (-75.0, -58.0)  # of the room, which is never quite silent, except for one clip in five
NOISE_KINDS = ("white noise", "pink noise", "room tone", "motor")
FADE_S = 0.005


def make_track(plan: ScenePlan, random: np.random.Generator) -> np.ndarray:
    """Mix the sounds of a scene by its timeline: float32 (CLIP_FRAMES * RATE,) in [-1, 1].

    Raises:
        ValueError: a sound that cannot be read, or in which nothing is to be heard.
    """
    voices = [voice(source.sound, random) for source in plan.sources]
    others = {
        state: voice(sound, random)
        for state, sound in (("out of view", plan.out_of_view), ("ambience", plan.ambience))
        if sound is not None and any(second.state == state for second in plan.timeline)
    }
    noise = _noise(NOISE_KINDS, random.uniform(*NOISE_DBFS), random)
    track = np.zeros((CLIP_FRAMES, RATE))
    for number, second in enumerate(plan.timeline):
        for index in sorted(second.sources):
            track[number] += next(voices[index])
        if second.state in others:
            track[number] += next(others[second.state])
        elif second.state in ("noise", "ambience"):
            track[number] += noise[number]
    if random.random() < 0.8:
        track += _noise(("room tone",), random.uniform(*ROOM_DBFS), random)
    level = rms(track)
    if random.random() < NOISY and level > 0:
        track += _noise(NOISE_KINDS, 20 * np.log10(level) - random.uniform(*SNR_DB), random)
    return (track.reshape(-1) / max(np.abs(track).max(), 1.0)).astype(np.float32)


def voice(sound: SoundFile, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the seconds (RATE,) of a sound in which it is heard, endlessly, from a random one on.

    Raises ValueError for a sound that is silent throughout.
    """
    samples = sound.read()
    seconds = heard_seconds(samples)
    if not len(seconds):
        raise ValueError(f"{sound.path} is silent; expected a second above {FLOOR_DBFS:g} dBFS")
    if random.random() < REVERBERATED:
        seconds = _reverberate(seconds, random)
    gain = 10 ** ((LEVEL_DBFS + random.uniform(-1, 1) * LEVEL_SPREAD_DB) / 20) / max(map(rms, seconds))
    first = int(random.integers(len(seconds)))
    faded = seconds * gain * _fades()
    return (faded[(first + number) % len(faded)] for number in range(10 * CLIP_FRAMES))


def heard_seconds(samples: np.ndarray) -> np.ndarray:
    """Cut a sound (n,) into the seconds (m, RATE) in which it is heard; a sound shorter than that is one second."""
    count = max(1, round(len(samples) / RATE))
    whole = np.zeros((count, RATE))
    whole.reshape(-1)[: min(len(samples), whole.size)] = samples[: whole.size]
    levels = 20 * np.log10(np.maximum([rms(second) for second in whole], 1e-9))
    return whole[levels > max(levels.max() + QUIETEST_DB, FLOOR_DBFS)]


def _fades() -> np.ndarray:
    """A window (RATE,) that fades both ends: seconds that do not follow each other would click."""
    ramp = np.linspace(0, 1, round(FADE_S * RATE))
    window = np.ones(RATE)
    window[: len(ramp)], window[-len(ramp) :] = ramp, ramp[::-1]
    return window


def _noise(kinds: tuple[str, ...], level_dbfs: float, random: np.random.Generator) -> np.ndarray:
    kind = kinds[int(random.integers(len(kinds)))]
    assert kind in KINDS
    return Noise(kind, level_dbfs, str(random.integers(2**31))).seconds(RATE)


def _reverberate(seconds: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Add the echo of a room: noise that decays by 60 dB in a random time."""
    length = random.uniform(*REVERBERATION_S)
    time = np.arange(round(length * RATE)) / RATE
    tail = random.standard_normal(len(time)) * 10 ** (-3 * time / length)
    echo = fftconvolve(seconds.reshape(-1), tail)[: seconds.size].reshape(seconds.shape)
    return seconds + 0.5 * echo * rms(seconds) / max(rms(echo), 1e-12)
