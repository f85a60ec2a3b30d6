"""Threads are taken where they pay, and one where they do not."""

import time

import pytest
import torch

from c3n_model.streaming import cpu_threads
from c3n_model.streaming.cpu_threads import fewest_that_pay, time_steps, use_threads


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "seconds, chosen",
    [
        ({1: 1.0, 2: 0.55, 4: 0.3}, 4),
        ({1: 1.0, 2: 0.55, 4: 0.5}, 2),
        ({1: 1.0, 2: 0.9, 4: 0.9}, 1),
        ({1: 1.0, 2: 0.9, 4: 0.5}, 4),  # slow at first, such as two threads on one core
        ({1: 1.0, 2: 3.0}, 1),
        ({1: 1.0}, 1),
    ],
)
def test_the_fewest_that_pay(seconds, chosen):
    assert fewest_that_pay(seconds) == chosen


def test_each_number_of_threads_is_timed_in_turn(monkeypatch):
    seen = []
    seconds = time_steps(lambda: seen.append(torch.get_num_threads()), 6)
    assert list(seconds) == [1, 2, 4, 6] and seen == [1, 2, 4, 6] * cpu_threads.ROUNDS
    monkeypatch.setattr(cpu_threads, "BUDGET_S", 0.0)
    seen.clear()
    time_steps(lambda: seen.append(torch.get_num_threads()), 3)
    assert seen == [1, 2, 3]


def test_the_chosen_number_is_set(monkeypatch):
    monkeypatch.setattr(cpu_threads, "AVAILABLE", 2)
    assert use_threads(0, lambda: time.sleep(0.002 / torch.get_num_threads())) == torch.get_num_threads() == 2
    assert use_threads(0, lambda: time.sleep(0.002)) == torch.get_num_threads() == 1
    assert use_threads(3, lambda: pytest.fail("a given number is not timed")) == torch.get_num_threads() == 3
