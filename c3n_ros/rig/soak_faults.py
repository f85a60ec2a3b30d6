"""The faults of a soak: their kinds, their order and their effect on messages. No ROS.

| fault | what happens for its duration |
|---|---|
| drop_images, drop_sound, drop_some | no images, no sound, or half of all messages are lost |
| late | each message is held for 0.8 to 1.5 s |
| delayed | each message is held for 0.3 s, less than the node's max_wait_s |
| doubled | each message is sent twice |
| reordered | each message is held for up to 0.2 s, so that neighbours change places |
| corrupted | a third of the messages are truncated or have three other bytes |
| resized, encoding | images of another size or encoding |
| sound_format | sound with another rate and number of channels, with its AudioInfo |
| clock | the stamps jump by hours, forward or back |
| camera_restart, microphone_restart | the publisher is destroyed, and created again |
| reactivate | the node is deactivated and activated |
| sigterm, sigkill | the node's process is ended, and started again |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# These lose nothing: every second must be published.
HARMLESS = ("delayed", "doubled", "reordered", "resized", "encoding")
ENDS_PROCESS = ("sigterm", "sigkill")
KINDS = (
    *HARMLESS,
    *("drop_images", "drop_sound", "drop_some", "late", "corrupted", "sound_format", "clock"),
    *("camera_restart", "microphone_restart", "reactivate"),
    *ENDS_PROCESS,
)
SHORTEST_S, LONGEST_S = 0.5, 3.0
SHORTEST_GAP_S, LONGEST_GAP_S = 6.0, 8.0  # two seconds to recover, at least two clean ones, and one that may be cut
DELAYED_S, REORDERED_S, LATE_S = 0.3, 0.2, (0.8, 1.5)
CORRUPTED_SHARE, FLIPPED_BYTES = 1 / 3, 3

Delivery = tuple[float, bytes]  # seconds to hold a message, and what is then sent


@dataclass(frozen=True)
class Fault:
    """A fault of a kind, its duration (how long a publisher is missing, for example), and the time without a fault before it."""

    kind: str
    seconds: float
    gap_s: float


def faults(seed: int, kinds: Sequence[str] = KINDS) -> Iterator[Fault]:
    """Yield faults without end, by the seed: every kind once in random order, then every kind again.

    Raises ValueError for an unknown kind, or none.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown or not kinds:
        raise ValueError(f"expected kinds of {', '.join(KINDS)}, got {', '.join(unknown) or 'none'}")
    random = np.random.default_rng([seed, 1])
    while True:
        for index in random.permutation(len(kinds)):
            seconds, gap_s = random.uniform(SHORTEST_S, LONGEST_S), random.uniform(SHORTEST_GAP_S, LONGEST_GAP_S)
            yield Fault(kinds[index], float(seconds), float(gap_s))


def deliveries(kind: str | None, message: bytes, *, is_sound: bool, random: np.random.Generator) -> list[Delivery]:
    """Return the deliveries (delay and bytes) of a serialized message during a fault of this kind, or without a fault."""
    dropped = "drop_sound" if is_sound else "drop_images"
    if kind == dropped or (kind == "drop_some" and random.random() < 0.5):
        return []
    if kind == "doubled":
        return [(0.0, message), (0.0, message)]
    if kind == "corrupted" and random.random() < CORRUPTED_SHARE:
        return [(0.0, corrupted(message, random))]
    delay_s = {
        "delayed": DELAYED_S,
        "reordered": random.uniform(0, REORDERED_S),
        "late": random.uniform(*LATE_S),
    }.get(kind or "", 0.0)
    return [(delay_s, message)]


def corrupted(message: bytes, random: np.random.Generator) -> bytes:
    """Return the message truncated, or with some bytes replaced, half of them in its header."""
    if random.random() < 0.5:
        return message[: random.integers(len(message))]
    changed = bytearray(message)
    for place in random.integers(min(64, len(message)) if random.random() < 0.5 else len(message), size=FLIPPED_BYTES):
        changed[place] = random.integers(256)
    return bytes(changed)


def clock_offsets(seed: int, begin_ns: int) -> Iterator[int]:
    """Yield the offsets of the stamps after each jump of the clock [ns], the first before any.

    They are whole hours apart, so that no stamp of a soak shorter than that comes twice, and jumps go both ways.
    """
    random, used = np.random.default_rng([seed, 2]), {0}
    hour_ns = 3_600_000_000_000
    yield begin_ns
    while True:
        hours = int(random.integers(-5000, 5000)) * 12  # soaks of up to twelve hours
        if hours not in used:
            used.add(hours)
            yield begin_ns + hours * hour_ns
