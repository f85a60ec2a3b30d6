"""Measure the prior of a tagger: its logits for sounds unrelated to a class.

The tables `prior_<tagger>.csv` beside this file were made so. Sounds are grouped by kind (a folder of dogs, a folder of rain).
For each class, logits are averaged over the seconds of a kind, and the prior is the median over kinds, so that the few kinds
that contain the class itself do not affect it. The deviation is the root mean square deviation from the prior over kinds,
without the tenth of them with the largest deviation, for the same reason.

The thresholds of the evidence were chosen for mn04, of whose logits one in twenty exceeds the prior by TAIL deviations. Other taggers
reach as many deviations more or less often; their `scale` makes the same thresholds as strict.
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
from c3n_model.zero_shot.heard import tag_alone, tag_together
from c3n_model.zero_shot.hearing import NEWEST_WEIGHT
from c3n_model.zero_shot.logit_statistics import SMALLEST_DEVIATION, LogitStatistics

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
LONGEST_S = 10  # used of each sound
TRAILING_S = 5  # the default history
LEFT_OUT = 0.1  # fraction of the kinds left out of the deviation
TAIL_FRACTION, TAIL = 0.95, 2.08  # quantile of the deviations of all seconds and classes, and its value for mn04
SMALLEST_SCALE = 0.1  # of sounds that are all alike
FEWEST_KINDS = 10  # with fewer, a class would contribute much to its own prior


def find_kinds(folder: Path) -> dict[str, list[Path]]:
    """Find the sounds of a folder by kind: each subfolder is a kind, and so is each sound file at the top level.

    Raises:
        FileNotFoundError: no such folder. ValueError: fewer than FEWEST_KINDS kinds.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no such folder: {folder}; expected a folder of sounds with a subfolder for each kind")
    kinds: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        kind = path.stem if path.parent == folder else path.relative_to(folder).parts[0] + "/"
        kinds.setdefault(kind, []).append(path)
    if len(kinds) < FEWEST_KINDS:
        raise ValueError(
            f"{folder} has {len(kinds)} kinds of sounds; expected at least {FEWEST_KINDS}: a subfolder for each kind, or "
            f"single files ({', '.join(SUFFIXES)}) at the top level, as different from each other as possible"
        )
    return kinds


@torch.no_grad()
def second_logits(audio_encoder: torch.nn.Module, path: Path) -> list[Tensor]:
    """Return the logits (K_a,) of each second of a sound that is not silent, combined over seconds as in a session.

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
            newest = tag_alone(torch.from_numpy(second)[None], audio_encoder)[0]
            trailing = torch.from_numpy(seconds[max(0, index + 1 - TRAILING_S) : index + 1])
            all_heard = tag_together(trailing, audio_encoder)[0] if index else newest
            found.append(NEWEST_WEIGHT * newest + (1 - NEWEST_WEIGHT) * all_heard)
    return found


def measure_prior(audio_encoder: torch.nn.Module, kinds: dict[str, list[Path]], progress: Progress) -> LogitStatistics:
    """Measure the prior of a tagger over kinds of sounds. Raises ValueError for a sound that cannot be read, or if all sounds
    are silent."""
    logits = {
        kind: [second for path in paths for second in second_logits(audio_encoder, path)]
        for kind, paths in progress(list(kinds.items()), "kinds of sounds")
    }
    heard = [torch.stack(seconds) for seconds in logits.values() if seconds]
    if not heard:
        raise ValueError("all sounds are silent; expected some above -60 dBFS")
    return prior_of(heard)


def prior_of(kinds: list[Tensor]) -> LogitStatistics:
    """Compute the prior from the logits (seconds, K_a) of each kind; see the module."""
    mean = torch.stack([seconds.mean(dim=0) for seconds in kinds]).quantile(0.5, dim=0)
    squares = torch.stack([(seconds - mean).square().mean(dim=0) for seconds in kinds])
    kept = squares.sort(dim=0).values[: len(kinds) - int(LEFT_OUT * len(kinds))]
    deviation = kept.mean(dim=0).sqrt().clamp(min=SMALLEST_DEVIATION)
    tail = np.quantile(((torch.cat(kinds) - mean) / deviation).numpy(), TAIL_FRACTION)
    return LogitStatistics(mean, deviation, scale=max(float(tail), SMALLEST_SCALE * TAIL) / TAIL)
