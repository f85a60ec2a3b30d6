"""How many CPU threads one step is worth.

More threads shorten a large network's step, and hardly a small one's, but cost CPU all the same: threads that wait for each other
spin. On a robot whose cores are busy with other nodes this is what makes a step many times slower.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

LEAST_GAIN = 0.15  # of the time of a step, for which the number of threads is doubled
ROUNDS = 5
BUDGET_S = 2.0  # for the rounds together; the first is always whole

AVAILABLE = torch.get_num_threads()  # torch's own choice: the cores, or OMP_NUM_THREADS


def use_threads(count: int, step: Callable[[], object]) -> int:
    """Give torch `count` threads, or if 0 as many as `step` is worth; return their number.

    Threads that are started later have this number, too. Raises whatever `step` raises.
    """
    chosen = count or fewest_that_pay(time_steps(step, AVAILABLE))
    torch.set_num_threads(chosen)
    return chosen


def time_steps(step: Callable[[], object], most: int) -> dict[int, float]:
    """Return the shortest of up to `ROUNDS` steps in seconds for 1, 2, 4, ... and `most` threads.

    The numbers of threads take turns, so that what else happens on the machine meets all of them.
    """
    seconds = dict.fromkeys(sorted({*(2**power for power in range(most.bit_length())), most}), float("inf"))
    end_s = time.perf_counter() + BUDGET_S
    for _ in range(ROUNDS):
        for count in seconds:
            torch.set_num_threads(count)
            before_s = time.perf_counter()
            step()
            seconds[count] = min(seconds[count], time.perf_counter() - before_s)
        if time.perf_counter() > end_s:
            break
    return seconds


def fewest_that_pay(seconds: dict[int, float]) -> int:
    """Return the number of threads, of steps that took `seconds` by it: twice as many must shorten the step by `LEAST_GAIN`."""
    chosen = min(seconds)
    for count in sorted(seconds):
        if seconds[count] < (1 - LEAST_GAIN) * seconds[chosen]:
            chosen = count
    return chosen
