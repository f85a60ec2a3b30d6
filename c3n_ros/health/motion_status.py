"""Status of motion in time with the sound, where the node compares it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from c3n_model.motion.in_time import CAUSES, DECISIONS, TOO_LITTLE
from c3n_model.types import NANOSECONDS_PER_SECOND, Segmentation, SoundingObject
from c3n_ros.health.status import Level, Status

PATIENCE_NS = 10 * NANOSECONDS_PER_SECOND  # twice the five seconds that are compared


@dataclass
class MotionHealth:
    """Facts about motion. The network thread sets them, the executor's reads them.

    `is_used`: the parameter compare_motion; `decisions` and `causes`: how often each was made, and why one was "unclear"; `newest`:
    the objects of the newest window in which there were two of a class; `lacking_ns`: for how long, without a break, too little
    was seen or heard of such objects.
    """

    is_used: bool = False
    # They have all keys from the start: none is added while another thread reads them.
    decisions: Counter = field(default_factory=lambda: Counter(dict.fromkeys(DECISIONS, 0)))
    causes: Counter = field(default_factory=lambda: Counter(dict.fromkeys(CAUSES, 0)))
    newest: tuple[SoundingObject, ...] = ()
    lacking_ns: int = 0
    _lacking_since_ns: int | None = None

    def add(self, segmentation: Segmentation, cause: str) -> None:
        """Record the decision of a window, and its cause if it is "unclear"."""
        decision, start_ns = segmentation.motion_decision, segmentation.window_start_ns
        self.decisions[decision] += 1
        if not decision:
            return  # nothing was there to be compared: it says nothing about what is lacking
        self.newest = segmentation.objects
        if cause:
            self.causes[cause] += 1
        since_ns = self._lacking_since_ns
        if cause != TOO_LITTLE:
            self._lacking_since_ns = None
        elif since_ns is None or start_ns < since_ns:  # a bag from its beginning again
            self._lacking_since_ns = start_ns
        self.lacking_ns = 0 if self._lacking_since_ns is None else start_ns - self._lacking_since_ns


def motion_status(facts: MotionHealth) -> Status:
    """Return the status: what was decided so far, why it was unclear, and what is lacking if nothing can be compared."""
    decisions, causes = facts.decisions.copy(), facts.causes.copy()
    values = {f"windows: {name or 'no two objects of a class'}": str(count) for name, count in decisions.items()}
    values |= {f"unclear: {cause}": str(count) for cause, count in causes.items()}
    for number, found in enumerate(facts.newest, start=1):
        known = "unknown" if found.motion is None else f"{found.motion:.2f}"
        values[f"correlation of {found.label} {f'#{found.id}' if found.id else f'({number}, not tracked)'}"] = known
    if facts.lacking_ns > PATIENCE_NS:
        lacking = (
            f"{TOO_LITTLE} of objects of one class for {facts.lacking_ns / NANOSECONDS_PER_SECOND:.0f} s: motion needs more than four "
            "images a second and sound without gaps (statuses camera, microphone), and objects that stay in view and are not tiny"
        )
        return Status("sound_motion", Level.WARN, lacking, values)
    compared = decisions["chosen"] + decisions["unclear"]
    if not compared:
        text = "no window had two objects of a class; those that touch are apart only with a detector"
        return Status("sound_motion", Level.OK, text, values)
    text = f"{decisions['chosen']} of {compared} windows with two objects of a class chosen by motion"
    return Status("sound_motion", Level.OK, text, values)
