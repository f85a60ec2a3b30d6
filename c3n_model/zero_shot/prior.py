"""Measure the prior of a tagger: what it says of sounds that have nothing to do with a class.

The recipe of the tables `prior_<tagger>.csv` beside this file. Sounds come in kinds (a folder of dogs, a folder of rain); of each
class the mean over a kind's seconds is taken, and the median over kinds is the prior: the few kinds that are the class itself
do not move it. The deviation is the root of the mean squared deviation from the prior over kinds, without the tenth of them
that deviates most, for the same reason.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from c3n_model.preprocess import snippet_from_samples
from c3n_model.presence import loudness_dbfs
from c3n_model.progress import Progress
from c3n_model.types import Presence
from c3n_model.zero_shot.hearing import NEWEST_WEIGHT
from c3n_model.zero_shot.logit_statistics import SMALLEST_DEVIATION, LogitStatistics

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
LONGEST_S = 10  # of each sound
TRAILING_S = 5  # as the default history
LEFT_OUT = 0.1  # of the kinds, for the deviation
FEWEST_KINDS = 10  # with fewer, a class would make up much of its own prior


def find_kinds(folder: Path) -> dict[str, list[Path]]:
    """Find the sounds of a folder by their kind: those of each folder below it, and each sound at its top alone.

    Raises:
        FileNotFoundError: no such folder. ValueError: fewer than FEWEST_KINDS kinds.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no such folder: {folder}; expected a folder of sounds, a folder below it for each kind"
        )
    kinds: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        kind = path.stem if path.parent == folder else path.relative_to(folder).parts[0] + "/"
        kinds.setdefault(kind, []).append(path)
    if len(kinds) < FEWEST_KINDS:
        raise ValueError(
            f"{folder} has {len(kinds)} kinds of sounds; expected {FEWEST_KINDS} or more: a folder for each kind, or single "
            f"files ({', '.join(SUFFIXES)}) at its top, the more unlike each other the better"
        )
    return kinds


@torch.no_grad()
def second_logits(audio_encoder: torch.nn.Module, path: Path) -> list[Tensor]:
    """Return the logits (K_a,) of each second of a sound that is not silent, as a session combines them.

    Raises:
        ValueError: a file that cannot be read as sound.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} cannot be read as sound: {error}") from error
    starts = range(0, min(len(samples), LONGEST_S * rate), rate)
    sample_rate = audio_encoder.sample_rate
    seconds = np.stack([snippet_from_samples(samples[at : at + rate], rate, sample_rate) for at in starts] or [[0.0]])
    found = []
    for index, second in enumerate(seconds):
        if loudness_dbfs(second) > Presence.SILENCE_DBFS:
            newest = audio_encoder(torch.from_numpy(second)[None])[1][0]
            trailing = torch.from_numpy(seconds[max(0, index + 1 - TRAILING_S) : index + 1].reshape(1, -1))
            all_heard = audio_encoder(trailing)[1][0] if index else newest
            found.append(NEWEST_WEIGHT * newest + (1 - NEWEST_WEIGHT) * all_heard)
    return found


def measure_prior(audio_encoder: torch.nn.Module, kinds: dict[str, list[Path]], progress: Progress) -> LogitStatistics:
    """Measure the prior of a tagger over kinds of sounds. Raises ValueError for a sound that cannot be read, or where all of a
    folder is silent."""
    logits = {
        kind: [second for path in paths for second in second_logits(audio_encoder, path)]
        for kind, paths in progress(list(kinds.items()), "kinds of sounds")
    }
    heard = [torch.stack(seconds) for seconds in logits.values() if seconds]
    if not heard:
        raise ValueError("all sounds are silent; expected some that can be heard")
    return prior_of(heard)


def prior_of(kinds: list[Tensor]) -> LogitStatistics:
    """Return the statistics of logits (seconds, K_a) of each kind; see the module."""
    mean = torch.stack([seconds.mean(dim=0) for seconds in kinds]).quantile(0.5, dim=0)
    squares = torch.stack([(seconds - mean).square().mean(dim=0) for seconds in kinds])
    kept = squares.sort(dim=0).values[: len(kinds) - int(LEFT_OUT * len(kinds))]
    return LogitStatistics(mean, kept.mean(dim=0).sqrt().clamp(min=SMALLEST_DEVIATION))
