"""The step against its alternatives: they compute the same, ratios are those of rounds, and reports hold all of it."""

import json

import numpy as np
import pytest
import torch
from bright_model import make_bright_model
from printed_lines import printed
from tiny import make_model_that_listens_back, make_tiny_model

from c3n_model.cli import main
from c3n_model.experiments.cost import benchmark_step as module
from c3n_model.experiments.cost import machine
from c3n_model.experiments.cost.benchmark import Spread, Timing
from c3n_model.experiments.cost.benchmark_step import Part, StepBenchmark, benchmark_step
from c3n_model.experiments.cost.naive_form import run_naive_clip
from c3n_model.experiments.cost.step_report import plot_ratios, step_mapping, step_tables
from c3n_model.progress import silent

CPU = torch.device("cpu")
RESULT = StepBenchmark(
    cpu_seconds={"step": np.array([1.0, 2.0, 4.0]), "naive": np.array([7.0, 16.0, 28.0])},
    wall_seconds={"step": np.array([0.5, 0.5, 0.5]), "naive": np.array([2.0, 2.0, 2.0])},
    peak_bytes={"step": 1_000_000, "naive": 9_000_000},
    parts={"decoder": Part(Timing("decoder", np.array([0.5, 0.5])), macs=20_000_000_000)},
    peaks={"matrix product, float32": 42.0},
)


@pytest.mark.parametrize("settings", [{}, {"consensus": "none"}, {"audio_features": False}, {"decoder": "authors"}])
def test_the_naive_form_computes_the_same_and_leaves_no_gradient(settings):
    network = make_model_that_listens_back(**settings).network
    frames, snippets = torch.rand(3, 3, 64, 64), 0.1 * torch.randn(3, 32000)
    with torch.no_grad():
        expected = network(frames[None], snippets[None])[0]
    torch.testing.assert_close(run_naive_clip(network, frames, snippets), expected, rtol=1e-4, atol=1e-5)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_everything_is_timed_once_a_round_and_another_begins(monkeypatch):
    order = []
    runs = {name: (lambda name=name: order.append(name)) for name in ("step", "clip", "naive")}
    found = module._time_rounds(runs, 3, CPU, silent, "", lambda: float(len(order)))
    assert order == ["step", "clip", "naive", "clip", "naive", "step", "naive", "step", "clip"]
    assert {name: values.tolist() for name, values in found.items()} == {name: [1.0] * 3 for name in runs}


def test_ratios_by_hand():
    assert RESULT.ratios() == {"naive": Spread(7, 7, 7.5)}
    assert RESULT.ratios(wall=True) == {"naive": Spread(4, 4, 4)}


def test_reports_by_hand(tmp_path):
    mapping = json.loads(json.dumps(step_mapping(RESULT)))
    assert mapping["ratios"] == {"naive": {"median": 7, "low": 7, "high": 7.5}}
    assert mapping["parts"]["decoder"]["gmac_a_second"] == 40
    assert mapping["peak_memory_mb"] == {"step": 1, "naive": 9}
    text = step_tables(RESULT, "title")
    assert (
        "| naive | 16000.0 [11500.0, 22000.0] | 7.00 [7.00, 7.50] | 2000.0 [2000.0, 2000.0] | 4.00 [4.00, 4.00] | 9 |"
        in text
    )
    assert "| decoder | 500.00 [500.00, 500.00] | 20.00 | 40.0 |" in text
    plot_ratios(RESULT, tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").read_bytes().startswith(b"\x89PNG")


def test_memory_is_what_a_run_adds_at_its_peak():
    assert 150e6 < machine.measure_peak(lambda: np.ones(20_000_000).sum(), CPU) < 250e6
    assert machine.measure_peak(lambda: None, CPU) < 20e6
    small = [torch.empty(20_000) for _ in range(1000)]  # stay with the allocator when they are freed
    del small
    assert machine.measure_peak(lambda: [torch.zeros(20_000) for _ in range(1000)], CPU) > 60e6


def test_the_command(tmp_path, monkeypatch, capsys):
    """A round of a small model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "CAMERA", (48, 64))
    monkeypatch.setattr(machine, "PEAK_GEMM", 16)
    monkeypatch.setattr(machine, "PEAK_CHANNELS", 4)
    monkeypatch.setattr(module, "benchmark_step", lambda *given, **more: benchmark_step(*given[:2], 1, silent, **more))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/nano.yaml").write_text("model: {visual: test_resnet, channels: 8, image_size: 64, history: 2}")
    main(printed("c3n benchmark step"))
    said = capsys.readouterr().out
    assert (tmp_path / "step.md").read_text() == said
    assert (tmp_path / "step.png").stat().st_size > 0
    found = json.loads((tmp_path / "step.json").read_text())
    assert {"naive", "tpavi", "clip", "backbone"} <= set(found["ratios"])
    assert all(0 < spread["low"] <= spread["median"] <= spread["high"] for spread in found["ratios"].values())
    assert sum(part["gmac"] > 0 for part in found["parts"].values()) >= 6
    assert found["ratios"]["backbone"]["median"] < 1


def test_other_networks_and_no_rounds_are_refused():
    with pytest.raises(ValueError, match="bright is a BrightNetwork; expected a C3N"):
        benchmark_step(make_bright_model(), CPU, 1, silent, tpavi={})
    with pytest.raises(ValueError, match="rounds is 0.*1"):
        benchmark_step(make_tiny_model(), CPU, 0, silent, tpavi={})
