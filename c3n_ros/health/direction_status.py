"""Status of the direction of the sound, where a microphone array or another node gives one."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from c3n_model.types import DECISIONS, SoundBearing
from c3n_ros.health.status import Level, Status


@dataclass
class DirectionHealth:
    """Facts about the direction. The network thread sets them, the executor's reads them.

    `is_used`: there is an array, or a bearing arrived; `unfit`: why nothing can be measured or chosen now, else ""; `decisions`: how
    often each was made; `newest`: the newest bearing.
    """

    is_used: bool = False
    unfit: str = ""
    # It has all keys from the start: none is added while another thread reads it.
    decisions: Counter = field(default_factory=lambda: Counter(dict.fromkeys(DECISIONS, 0)))
    newest: SoundBearing = SoundBearing()

    def add(self, sound: SoundBearing) -> None:
        """Record the direction of a window."""
        self.decisions[sound.decision] += 1
        self.newest = sound


def direction_status(facts: DirectionHealth) -> Status:
    """Return the status: what was decided so far, and why nothing can be."""
    decisions = facts.decisions.copy()
    values = {f"windows: {name or 'no decision'}": str(count) for name, count in decisions.items()}
    newest = facts.newest
    if newest.bearing is not None:
        values["bearing"] = f"{math.degrees(newest.bearing):.0f} deg, positive to the left"
        values["confidence"] = f"{newest.confidence:.2f}"
        if newest.mirrored is not None:
            values["or, mirrored"] = f"{math.degrees(newest.mirrored):.0f} deg"
    if facts.unfit:
        return Status("sound_direction", Level.WARN, facts.unfit, values)
    text = f"{decisions['chosen']} of {sum(decisions.values())} windows chosen by direction"
    return Status("sound_direction", Level.OK, text, values)
