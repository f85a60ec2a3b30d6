"""Timing in pairs with a fake clock; both alternatives give the same result; the loader's rate computed by hand."""

import numpy as np
import pytest
import torch
from tiny import make_tiny_model
from torch import nn

from c3n_model.config import ModelConfig, TrainConfig
from c3n_model.experiments.cost import benchmark, benchmark_loader
from c3n_model.experiments.cost.benchmark import WARM_UPS, Comparison, Spread, Timing, benchmark_network, time_pairs
from c3n_model.model import Model
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_maps(monkeypatch):
    """Make the fusion small: at 56 x 56 the matrix of the naive fusion takes a gigabyte."""
    monkeypatch.setattr(benchmark, "FUSION_SIZE", 6)


class Clock:
    """A clock that advances only when something runs."""

    def __init__(self):
        self.now, self.runs = 0.0, []

    def __call__(self):
        return self.now

    def run(self, name, seconds):
        def run():
            self.runs.append(name)
            self.now += seconds[self.runs.count(name) - 1] if isinstance(seconds, list) else seconds

        return run


def test_pairs_are_timed_in_turn_and_beginners_alternate():
    clock = Clock()
    slow = [100.0] * WARM_UPS + [8.0, 6.0, 9.0]
    found = time_pairs(
        ("work", ("slow", clock.run("a", slow)), ("fast", clock.run("b", 2.0))), 3, CPU, silent, clock=clock
    )
    assert clock.runs == list("abbaabbaab")
    assert found.first.seconds.tolist() == [8, 6, 9]  # warm-ups are not counted
    assert found.second.seconds.tolist() == [2, 2, 2]
    assert found.ratios.tolist() == [4, 3, 4.5]
    assert (found.name, found.first.name, found.second.name) == ("work", "slow", "fast")


def test_the_ratio_is_that_of_pairs():
    """A machine that becomes ten times slower halfway does not change the ratios."""
    found = Comparison("", Timing("", np.array([3.0, 3.0, 30.0, 30.0])), Timing("", np.array([1.0, 1.0, 10.0, 10.0])))
    assert Spread.of(found.ratios) == Spread(3, 3, 3)


def test_spread_by_hand():
    assert Spread.of(np.array([5.0, 1.0, 2.0, 4.0, 3.0])) == Spread(median=3, low=2, high=4)


def test_both_ways_of_a_live_second_give_the_same_mask():
    model = make_tiny_model(history=3)
    _, (name, again), (_, step) = benchmark.live_second(model, CPU)
    with torch.no_grad():
        assert again().logits.shape == (1, 64, 64)
        assert torch.allclose(again().logits, step().logits, atol=1e-5)
    assert name == "encode all 3 frames"


def test_both_fusions_give_the_same_features():
    _, (_, naive), (_, factorised) = benchmark.fusion(make_tiny_model().network, CPU)
    with torch.no_grad():
        assert torch.allclose(naive()[0], factorised(), atol=1e-5)


def test_ccam_and_its_absence_have_the_same_weights():
    model = make_tiny_model(gate="standard")
    _, (_, guided), (_, plain) = benchmark.attention(model, CPU)
    model.network.consensus_mode = "none"
    with torch.no_grad():
        assert torch.equal(guided(), plain())
        model.network.consensus_mode = "audio_visual"
        assert not torch.allclose(guided(), plain(), atol=1e-6)


def test_only_existing_parts_are_timed():
    found = benchmark_network(make_tiny_model(), CPU, 2, silent)
    names = ["one second live", "non-local fusion at 6 x 6, T = 5", "forward of a clip of 5 frames"]
    assert [comparison.name for comparison in found] == names
    assert all(len(comparison.ratios) == 2 and (comparison.ratios > 0).all() for comparison in found)
    bare = benchmark_network(make_tiny_model(consensus="none", audio_features=False), CPU, 1, silent)
    assert [comparison.name for comparison in bare] == names[:1]


def test_other_networks_and_no_pairs_are_refused():
    other = Model("other", nn.Linear(1, 1), ModelConfig(), (), ())
    with pytest.raises(ValueError, match="model other is a Linear;.*C3N"):
        benchmark_network(other, CPU, 2, silent)
    with pytest.raises(ValueError, match="pairs is 0.*1"):
        benchmark_network(make_tiny_model(), CPU, 0, silent)


def test_the_loaders_rate_by_hand():
    """The clips take a tenth of a second each, loaded in this process."""
    clock = Clock()
    load = clock.run("clip", 0.1)

    class Clips(list):
        def __getitem__(self, index):
            load()
            return torch.zeros(1)

    train = TrainConfig(batch_size=3)
    rate = benchmark_loader._loading_rate(Clips([0] * 7), train, 0, seed=0, pin_memory=False, clock=clock)
    assert rate == pytest.approx(10)
    assert len(clock.runs) > benchmark_loader.BATCHES_PER_WORKER * 3  # some come before the clock is read


def test_loader_and_step(tmp_path):
    synthesize(tmp_path, "s4", {"train": 2}, seed=0, progress=silent)
    synthesize(tmp_path, "ms3", {"train": 1}, seed=0, progress=silent)
    model = ModelConfig(visual="test_resnet", channels=8, image_size=64)
    found = benchmark_loader.benchmark_loader(tmp_path, model, TrainConfig(batch_size=2), CPU, 2, silent)
    assert (found.clips, found.batch_size) == (3, 2)
    parts = {timing.name: timing.seconds for timing in found.parts}
    assert list(parts) == ["png to pixels", "pixels to tensors", "wav to samples", "clip", "front end"]
    assert all(len(seconds) == 2 and (seconds > 0).all() for seconds in parts.values())
    assert np.median(parts["clip"]) > np.median(parts["wav to samples"])
    assert {0, 1} <= set(found.loading)
    assert all((rates > 0).all() for rates in found.loading.values())
    assert found.step_rate == pytest.approx(2 / np.median(found.step.seconds))


def test_the_step_is_an_update_of_the_training():
    wanted = torch.tensor([[True, False, False, False, True], [False, True, False, False, False]])
    batch = [torch.rand(2, 5, 3, 64, 64), torch.rand(2, 5, 32000), torch.ones(2, 5, 64, 64), wanted]
    losses = []
    for accumulate in (1, 2):
        network = make_tiny_model().network
        before = network.decoder.classify.bias.item()
        train = TrainConfig(batch_size=2, accumulate=accumulate, learning_rate=1e-2)
        step = benchmark_loader._step(network, train, batch, CPU)
        losses.append((step(), step()))
        assert network.decoder.classify.bias.item() > before  # towards the mask
    assert losses[0][0] > losses[0][1]
    assert losses[1][0] == pytest.approx(losses[0][0], rel=1e-3)  # of the whole batch, in however many parts


def test_no_round_is_refused(tmp_path):
    with pytest.raises(ValueError, match="rounds is 0.*1"):
        benchmark_loader.benchmark_loader(tmp_path, ModelConfig(), TrainConfig(), CPU, 0, silent)
