"""Show some classes only: masks of others are emptied after the network has decided, so the network sees and hears as before."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

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
    """Return `segmentation` if its audio or its visual label is one of `classes`, or if `classes` is empty.

    Otherwise the mask, the confidence and the objects are empty, and the presence is `filtered`, where there was one.
    """
    label = segmentation.label
    if not classes or label.audio in classes or label.visual in classes or not segmentation.presence.present:
        return segmentation
    numbers = segmentation.object_numbers
    return replace(
        segmentation,
        mask=np.zeros_like(segmentation.mask),
        confidence=np.zeros_like(segmentation.confidence),
        presence=replace(segmentation.presence, filtered=True),
        objects=(),
        object_numbers=None if numbers is None else np.zeros_like(numbers),
    )
