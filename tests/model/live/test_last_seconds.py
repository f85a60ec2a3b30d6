import numpy as np
import pytest

from c3n_model.live.last_seconds import KEPT_S, LastSeconds
from c3n_model.sources import open_source
from c3n_model.types import AudioChunk, Frame

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def grey(level, stamp_ns):
    return Frame(np.full((48, 64, 3), level, np.uint8), stamp_ns)


def tone(stamp_ns, rate=8000):
    return AudioChunk(np.full((rate // 10, 1), 0.25, np.float32), rate, stamp_ns)


def fill(kept, seconds):
    for tenth in range(10 * seconds):
        kept.add_frame(grey(tenth % 250, START + tenth * SECOND // 10))
        kept.add_sound(tone(START + tenth * SECOND // 10))


def test_the_bag_has_the_last_seconds_and_no_more(tmp_path):
    kept = LastSeconds()
    fill(kept, KEPT_S + 5)
    assert kept.save(tmp_path / "bags/one") == pytest.approx(KEPT_S, abs=0.3)
    items = list(open_source(tmp_path / "bags/one"))
    frames = [item for item in items if isinstance(item, Frame)]
    chunks = [item for item in items if isinstance(item, AudioChunk)]
    newest_ns = START + (KEPT_S + 5) * SECOND - SECOND // 10
    assert frames[0].stamp_ns == chunks[0].stamp_ns == newest_ns - KEPT_S * SECOND
    assert frames[-1].stamp_ns == newest_ns
    assert abs(int(frames[-1].rgb[5, 5, 0]) - (10 * (KEPT_S + 5) - 1) % 250) <= 2  # JPEG
    assert chunks[0].samples[3, 0] == pytest.approx(0.25, abs=1e-4)


def test_the_picture_at_a_stamp():
    kept = LastSeconds()
    assert kept.picture_at(None) is None
    fill(kept, 1)
    assert kept.picture_at(None).stamp_ns == START + 9 * SECOND // 10
    assert kept.picture_at(START + SECOND // 4).stamp_ns == START + 2 * SECOND // 10
    assert kept.picture_at(0).stamp_ns == START


def test_nothing_yet(tmp_path):
    with pytest.raises(ValueError, match="wait for the first second"):
        LastSeconds().save(tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_a_clock_that_jumps_back_forgets_the_future():
    kept = LastSeconds()
    fill(kept, 10)
    kept.add_frame(grey(9, START - 60 * SECOND))
    assert kept.picture_at(None).stamp_ns == START - 60 * SECOND
