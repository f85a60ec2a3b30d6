"""Our rooms against those of pyroomacoustics, where that is installed (pip install pyroomacoustics): the same box, walls and places."""

import numpy as np
import pytest

from c3n_model.experiments.direction.bench import RATE
from c3n_model.experiments.direction.rooms import Room

pyroomacoustics = pytest.importorskip("pyroomacoustics", reason="pyroomacoustics is not installed")
EARLY = round(0.05 * RATE)


def theirs(room, source, microphone):
    """The impulse response of pyroomacoustics, without its delay of half a filter and its removal of the lowest frequencies."""
    constants = pyroomacoustics.constants
    removes_lowest = constants.get("rir_hpf_enable")
    constants.set("rir_hpf_enable", False)
    try:
        box = pyroomacoustics.ShoeBox(
            room.size,
            fs=RATE,
            materials=pyroomacoustics.Material(1 - room.reflection**2),
            max_order=int(np.ceil(room.reverberation_s * 343.0 / room.size.min())) + 3,
        )
        box.add_source(source)
        box.add_microphone(microphone)
        box.compute_rir()
    finally:
        constants.set("rir_hpf_enable", removes_lowest)
    return box.rir[0][0][constants.get("frac_delay_length") // 2 :]


@pytest.mark.parametrize(
    "size, reverberation_s",
    [((6.0, 5.0, 3.0), 0.0), ((3.6, 3.6, 2.4), 0.1), ((6.0, 5.0, 3.0), 0.3), ((4.0, 3.5, 2.5), 0.6)],
)
def test_every_echo_arrives_when_and_as_loud_as_theirs(size, reverberation_s):
    room, source, microphone = (
        Room(np.array(size), reverberation_s),
        np.array([2.0, 2.2, 1.5]),
        np.array([2.9, 1.1, 1.2]),
    )
    ours, other = room.response(RATE, source, microphone), theirs(room, source, microphone)
    assert ours.argmax() == other.argmax()
    early = min(EARLY, len(ours), len(other))
    assert np.abs(ours[:early] - other[:early]).max() < 0.01 * other.max()
    heard = min(len(ours), len(other))  # ours ends where the sound decayed by 45 dB
    assert np.square(ours[:heard]).sum() == pytest.approx(np.square(other).sum(), rel=0.03)
