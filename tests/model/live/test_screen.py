import numpy as np

from c3n_model.live.last_seconds import LastSeconds
from c3n_model.live.screen import STALE_S, WIDEST, Screen
from c3n_model.types import Frame

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def make(seconds=4, size=(40, 60)):
    """Frames of level 0, 10, 20, ... ten a second."""
    kept, clock = LastSeconds(), Clock()
    for tenth in range(10 * seconds):
        kept.add_frame(Frame(np.full((*size, 3), 5 * tenth, np.uint8), START + tenth * SECOND // 10))
    return Screen(kept, clock), clock


def level(picture):
    return round(float(picture[2, 2].mean()) / 5)  # tenths of a second


def test_without_a_mask_the_newest_frame_is_shown():
    screen, _ = make()
    assert level(screen.picture()) == 39
    assert Screen(LastSeconds()).picture() is None and Screen(LastSeconds()).jpeg() is None
    assert screen.jpeg().startswith(b"\xff\xd8")


def test_a_mask_begins_at_its_own_frame_and_plays_on():
    screen, clock = make()
    mask = np.zeros((40, 60), bool)
    mask[20:, 30:] = True
    screen.add_mask(mask, START + 2 * SECOND)
    picture = screen.picture()
    assert level(picture) == 20
    changed = np.abs(picture.astype(int) - picture[2, 2].astype(int)).max(axis=2) > 20
    assert changed[25:38, 35:58].all() and not changed[:15].any() and not changed[:, :25].any()
    clock.now_s += 0.5
    assert level(screen.picture()) == 25


def test_the_newest_mask_is_shown():
    screen, _ = make()
    screen.add_mask(np.zeros((40, 60), bool), START + 2 * SECOND)
    assert np.ptp(screen.picture()[20, 30].astype(int)) < 5  # grey
    screen.add_mask(np.ones((40, 60), bool), START + 3 * SECOND)
    assert np.ptp(screen.picture()[20, 30].astype(int)) > 50  # orange


def test_a_stale_mask_is_not_shown():
    screen, clock = make()
    screen.add_mask(np.ones((40, 60), bool), START)
    clock.now_s += STALE_S + 1
    assert level(screen.picture()) == 39


def test_wide_pictures_are_made_small():
    screen, _ = make(seconds=1, size=(20, 2 * WIDEST))
    screen.add_mask(np.ones((20, 2 * WIDEST), bool), START)
    assert screen.picture().shape == (10, WIDEST, 3)
