"""The node's threads: as given, or as many as pay, in the thread that runs the network."""

import pytest
import torch
from robot import LeftHalfSounds, Robot, make_node, wait_until

from c3n_model.streaming import cpu_threads


class OnCpu(LeftHalfSounds):
    def __init__(self):
        super().__init__()
        self.device, self.threads = "cpu", []

    def step(self, window):
        self.threads.append(torch.get_num_threads())
        return super().step(window)


@pytest.mark.parametrize("given, used", [(3, 3), (0, 1)])  # its step takes no time, whatever the threads
def test_the_network_has_the_threads(spin, monkeypatch, given, used):
    monkeypatch.setattr(cpu_threads, "AVAILABLE", 2)
    before = torch.get_num_threads()
    robot, session = Robot(), OnCpu()
    node = make_node(session, threads=given)
    in_warm_up = len(session.threads)
    spin(node, robot)
    robot.wait_for_node()
    robot.play(2)
    assert wait_until(lambda: robot.masks)
    torch.set_num_threads(before)
    assert set(session.threads[in_warm_up:]) == {used}
    assert in_warm_up == (1 if given else 1 + 2 * cpu_threads.ROUNDS)
