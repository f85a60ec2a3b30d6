"""A short soak with real processes and DDS; and its judge, on journals with a known verdict."""

import json
import os
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

from c3n_ros.rig.soak_faults import ENDS_PROCESS, HARMLESS, KINDS, clock_offsets, corrupted, deliveries, faults
from c3n_ros.rig.soak_node import run
from c3n_ros.rig.soak_report import MACHINE, Interval, Journal, Published, clean_seconds, judge

HOUR_NS = 3_600_000_000_000


def test_a_short_soak_has_no_failure(tmp_path):
    kinds = ("drop_sound", "doubled", "sigkill")
    with mock.patch.dict(os.environ):  # which it changes, to be alone
        report = run(tmp_path, 28.0, seed=3, kinds=kinds)
    assert report["failures"] == []
    assert report["clean seconds"] > 3
    assert report["published"] + report["counted as dropped"] == report["clean seconds"]
    assert report["start of a process s"]["count"] == 1 + report["faults"].get("sigkill", 0)
    assert report == json.loads((tmp_path / "report.json").read_text())
    happened = [json.loads(line)["kind"] for line in (tmp_path / "faults.jsonl").read_text().splitlines()]
    assert set(happened) - {MACHINE} and set(happened) <= {*kinds, MACHINE}
    assert "listening with model demo" in (tmp_path / "node.log").read_text()


def journal(seconds=40, missing=(), **changes):
    """All of 40 s published in one life, with a fault that loses something from 10 to 12 s and one that does not at 20 s."""
    windows = [
        Published(second, second + 1.2, 1.0, 0, 1, image_ns=round((second + 1.02) * 1e9))  # after the second's end
        for second in range(seconds)
        if second not in missing
    ]
    made = Journal(
        intervals=[Interval("drop_sound", 10.0, 12.0), Interval("doubled", 20.0, 22.0)],
        windows=windows,
        masks=[window.image_ns for window in windows],
        listening=[(0.0, 40.0)],
        resources=[[(500.0, 20, 15)] * 200],
    )
    return replace(made, **changes)


def test_clean_seconds_keep_away_from_faults_that_lose_something():
    assert clean_seconds(journal()) == [*range(2, 8), *range(14, 38)]
    assert judge(journal())["failures"] == []


@pytest.mark.parametrize("second", [5, 21])
def test_a_clean_second_that_is_missing_fails_it(second):
    (failure,) = judge(journal(missing=[second]))["failures"]
    assert f"second {second} " in failure and "neither" in failure
    assert judge(journal(missing=[9, 10, 11]))["failures"] == [], "not clean"


def test_a_second_that_was_counted_as_dropped_does_not_fail_it():
    made = journal(missing=[5, 6])
    windows = [replace(window, dropped=2 if window.second > 6 else 0) for window in made.windows]
    report = judge(replace(made, windows=windows))
    assert report["failures"] == [] and report["counted as dropped"] == 2
    windows = [replace(window, dropped=1 if window.second > 6 else 0) for window in made.windows]
    assert len(judge(replace(made, windows=windows))["failures"]) == 1


def test_each_thing_that_can_fail_fails():
    made = journal()
    twice = [*made.windows, replace(made.windows[-1], second=5)]
    assert "second 5 was published 2 times" in judge(replace(made, windows=twice))["failures"]
    partly = [replace(window, heard=0.8 if window.second == 5 else 1.0) for window in made.windows]
    assert "part of its sound" in judge(replace(made, windows=partly))["failures"][0]
    assert judge(replace(made, masks=made.masks[6:]))["failures"][0] == "second 2 has an objects message, but no mask"
    assert judge(replace(made, masks=[*made.masks, made.masks[5]]))["failures"] == ["second 5 has 2 masks"]
    late = journal(missing=[*range(12, 16)])
    assert "not recovered 2.0 s after drop_sound at 10 s" in judge(late)["failures"]
    assert judge(journal())["recovery s"] == {"drop_sound": {"count": 1, "median": 0.0, "max": 0.0}}
    for column, name in enumerate(("memory MiB", "descriptors", "threads")):
        samples = np.tile([500.0, 20, 15], (200, 1))
        samples[:, column] += np.linspace(0, 100, 200)
        assert judge(replace(made, resources=[samples.tolist()]))["failures"][0].startswith(f"{name} grew by")
    assert judge(replace(made, failures=["the node ended"]))["failures"] == ["the node ended"]


def test_every_kind_comes_once_a_round_by_the_seed():
    drawn = [fault for fault, _ in zip(faults(5), range(2 * len(KINDS)))]
    for part in (drawn[: len(KINDS)], drawn[len(KINDS) :]):
        assert sorted(fault.kind for fault in part) == sorted(KINDS)
    assert [fault for fault, _ in zip(faults(5), range(9))] == drawn[:9]
    assert [fault.kind for fault in drawn] != [fault.kind for fault, _ in zip(faults(6), range(99))][: len(drawn)]
    assert not set(HARMLESS) & set(ENDS_PROCESS)
    with pytest.raises(ValueError, match="got flood"):
        next(faults(0, ["flood"]))


def test_stamps_never_come_twice():
    offsets = [offset for offset, _ in zip(clock_offsets(1, 7), range(300))]
    assert offsets[0] == 7 and len(set(offsets)) == 300
    assert all((offset - 7) % (12 * HOUR_NS) == 0 for offset in offsets)
    steps = np.sign(np.diff(offsets))
    assert {-1, 1} == set(steps.tolist())


def test_what_faults_do_to_messages():
    random, message = np.random.default_rng(0), bytes(range(200))

    def sent(kind, is_sound=True):
        return deliveries(kind, message, is_sound=is_sound, random=random)

    assert sent(None) == sent("drop_images") == sent("clock") == [(0.0, message)]
    assert sent("drop_sound") == sent("drop_images", is_sound=False) == []
    assert sent("doubled") == [(0.0, message)] * 2
    assert sent("delayed") == [(0.3, message)]
    assert 300 < sum(len(sent("drop_some")) for _ in range(1000)) < 700
    delays = [sent("late")[0][0] for _ in range(100)]
    assert min(delays) >= 0.8 and max(delays) <= 1.5
    assert 200 < sum(sent("corrupted") != [(0.0, message)] for _ in range(1000)) < 450
    assert all(len(corrupted(message, random)) <= 200 for _ in range(50))
