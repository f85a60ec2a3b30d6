"""What `c3n segment` does with the objects of a window: direction first, then motion among those that are left."""

from c3n_model.commands import segment
from c3n_model.direction import refinement


class Motion:
    """Stands in for a memory; remembers what it was given."""

    def __init__(self):
        self.items, self.given = [], []

    def see(self, item):
        self.items.append(item)

    def choose(self, found, window):
        self.given.append((found, window))
        return "by motion"


class Results:
    def __init__(self):
        self.shown = []

    def show(self, item):
        self.shown.append(item)


def test_direction_decides_before_motion(monkeypatch):
    monkeypatch.setattr(
        refinement, "by_direction", lambda array, fov: lambda found, window: f"{found} by {array} {fov}"
    )
    motion = Motion()
    assert segment._refine("array", 70.0, motion)("two", "window") == "by motion"
    assert motion.given == [("two by array 70.0", "window")]
    assert segment._refine(None, None, motion)("two", "window") == "by motion" and motion.given[1][0] == "two"


def test_without_both_nothing_is_changed_or_looked_at():
    results = Results()
    assert segment._refine(None, None, None) is refinement.keep and segment._show(results, None) == results.show


def test_motion_sees_every_item_after_the_results():
    results, motion = Results(), Motion()
    segment._show(results, motion)("item")
    assert results.shown == motion.items == ["item"]
