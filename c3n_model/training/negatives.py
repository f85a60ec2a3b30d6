"""Sounds without a source in view: silence, noise, or the sound of an object that is not in view."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from torch.utils.data import ConcatDataset, Dataset

from c3n_model.data.avsbench import AVSBench
from c3n_model.data.clip_files import ClipPaths, read_snippets
from c3n_model.types import Clip

LOUDEST_DBFS, QUIETEST_DBFS = -10.0, -60.0  # RMS of the noise


class Donors:
    """Clips with a known sounding class (S4), whose sound replaces that of clips in which this class is not in view."""

    def __init__(self, datasets: Iterable[AVSBench]):
        clips = [(clips, paths) for clips in datasets for paths in clips.clips if paths.category]
        self._by_class: dict[str, list[Callable[[], np.ndarray]]] = {}
        for dataset, paths in sorted(clips, key=lambda each: each[1].name):
            read = _reader(dataset, paths)
            self._by_class.setdefault(paths.category, []).append(read)

    def has_absent(self, in_view: frozenset[str]) -> bool:
        """Return whether the classes in view are known and there is a clip of another class."""
        return bool(in_view and self._by_class.keys() - in_view)

    def absent(self, in_view: frozenset[str], random: np.random.Generator) -> np.ndarray:
        """Return the sound of a random clip of a random class that is not in view, float32 (T, samples).

        Call it only if `has_absent` is true.
        """
        classes = sorted(self._by_class.keys() - in_view)
        donors = self._by_class[classes[random.integers(len(classes))]]
        return donors[random.integers(len(donors))]()


def negative_sound(
    snippets: np.ndarray, in_view: frozenset[str], donors: Donors, random: np.random.Generator
) -> np.ndarray:
    """Return sound of the shape of `snippets` without a source in view: silence, white noise or the sound of an absent object,
    each with probability 1/3; silence or noise with probability 1/2 if there is no sound of an absent object."""
    kind = random.integers(3)
    if kind == 2 and donors.has_absent(in_view):
        return donors.absent(in_view, random)
    if kind == 2:
        kind = random.integers(2)
    if kind == 0:
        return np.zeros_like(snippets)
    level = 10 ** (random.uniform(QUIETEST_DBFS, LOUDEST_DBFS) / 20)
    return (level * random.standard_normal(snippets.shape)).clip(-1, 1).astype(np.float32)


class Negatives:
    """Replaces the sound of a `fraction` of training clips by one without a source in view, and empties their masks.

    Which clips, and by what, depends only on the seed, the epoch and the clip.
    """

    def __init__(self, clips: Dataset, fraction: float, seed: int):
        """`clips` are AVSBench data sets or their concatenation; of others nothing is known to be in view."""
        parts = clips.datasets if isinstance(clips, ConcatDataset) else [clips]
        listed = [part for part in parts if isinstance(part, AVSBench)]
        known = len(listed) == len(parts)
        self._in_view = [paths.in_view for part in listed for paths in part.clips] if known else []
        self._donors, self._fraction, self._seed = Donors(listed), fraction, seed

    def altered(self, clip: Clip, epoch: int, index: int) -> Clip:
        """Return clip `index` as it is trained on in `epoch`."""
        random = np.random.default_rng([self._seed, epoch, index, 1])
        if random.random() >= self._fraction:
            return clip
        in_view = self._in_view[index] if self._in_view else frozenset()
        sound = negative_sound(clip.snippets, in_view, self._donors, random)
        return replace(clip, snippets=sound, masks=np.zeros_like(clip.masks))


def _reader(dataset: AVSBench, paths: ClipPaths) -> Callable[[], np.ndarray]:
    return lambda: read_snippets(paths.wav, dataset.sample_rate)
