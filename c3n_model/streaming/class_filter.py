"""Show some classes only: masks of others are emptied after the network has decided, so the network sees and hears as before."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

from c3n_model.types import Segmentation


def known_classes(names: Iterable[str], labels: Iterable[str]) -> tuple[str, ...]:
    """Return `names` as the model's `labels` spell them, in their order; capitals do not matter.

    Raises:
        ValueError: a name that is none of the labels; the message has the nearest ones.
    """
    spelling = {label.casefold(): label for label in labels}
    chosen = []
    for name in names:
        key = name.strip().casefold()
        if key not in spelling:
            near = difflib.get_close_matches(key, spelling, n=3, cutoff=0.5)
            near += [label for label in spelling if key and key in label and label not in near][: 3 - len(near)]
            hint = (
                f"did you mean {' or '.join(repr(spelling[label]) for label in near)}?" if near else "none is near it"
            )
            raise ValueError(f"expected classes that this model knows, got {name!r}; {hint}")
        chosen.append(spelling[key])
    return tuple(dict.fromkeys(chosen))


def only_classes(segmentation: Segmentation, classes: tuple[str, ...]) -> Segmentation:
    """Return `segmentation` if the audio or the visual class of all that sounds is one of `classes`, or if `classes` is empty.

    Where several sources are named, those of other classes are left out. If none is left, the mask, the confidence and the objects
    are empty, and the presence is `filtered`, where there was one.
    """
    if not classes or not segmentation.presence.present:
        return segmentation
    passing = {pair for pair in segmentation.pairs if not set(classes).isdisjoint(pair)}
    if len(passing) == len(segmentation.pairs):
        return segmentation
    left = _only_pairs(segmentation, passing) if passing else None
    return segmentation.emptied(replace(segmentation.presence, filtered=True)) if left is None else left


def _only_pairs(segmentation: Segmentation, passing: set[tuple[str, str]]) -> Segmentation | None:
    """Return a segmentation with the objects of these pairs alone; None if there is none."""
    kept = [
        index
        for index, found in enumerate(segmentation.objects)
        if (found.audio_label or segmentation.label.audio, found.label) in passing
    ]
    if not kept or segmentation.object_numbers is None:
        return None
    left = segmentation.with_objects(kept)
    if (left.label.audio, left.label.visual) in passing:
        return left
    pairs = (found.pair for found in left.objects if found.pair)
    return replace(left, label=max(pairs, key=lambda pair: pair.consensus, default=left.label))
