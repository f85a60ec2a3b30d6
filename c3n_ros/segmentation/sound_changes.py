"""A log line when what sounds changes."""

from __future__ import annotations

import time
from collections.abc import Callable

from c3n_model.types import Segmentation

SHORTEST_S = 1.0  # between two lines


class SoundChanges:
    """Says by `say` what sounds, and why there is no mask, whenever that changes; at most once in SHORTEST_S."""

    def __init__(self, say: Callable[[str], None], steady_s: Callable[[], float] = time.monotonic):
        self._say, self._steady_s = say, steady_s
        self._said, self._said_s = "", -SHORTEST_S

    def tell(self, segmentation: Segmentation) -> None:
        """Take the next segmentation."""
        label, reason = segmentation.label, segmentation.presence.reason
        heard = reason in ("sounding", "not in view", "filtered")
        named = " + ".join(f"{audio} ~ {visual}" for audio, visual in segmentation.pairs)
        what = f"{reason}: {named}" if heard else reason
        now_s = self._steady_s()
        if what == self._said or now_s - self._said_s < SHORTEST_S:
            return
        self._said, self._said_s = what, now_s
        count = f", {len(segmentation.objects)} in view" if reason == "sounding" else ""
        self._say(f"{what} (agree {label.consensus:.2f}{count})" if heard else what)
