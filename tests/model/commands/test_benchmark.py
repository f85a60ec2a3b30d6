"""`c3n benchmark`: tables and JSON of both kinds."""

import json

import numpy as np
import pytest
from printed_lines import printed
from stand_in_model import every_model_is
from tiny import make_tiny_model

from c3n_model.cli import main
from c3n_model.experiments.cost import benchmark
from c3n_model.experiments.cost.benchmark import Timing, benchmark_network
from c3n_model.experiments.cost.benchmark_loader import LoaderBenchmark
from c3n_model.experiments.cost.spread_report import loader_mapping
from c3n_model.experiments.cost.spread_report import verdict as verdict_of
from c3n_model.model import choose_device
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.weights.checkpoint import load_checkpoint, save_model


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "FUSION_SIZE", 6)
    save_model(tmp_path / "tiny.safetensors", make_tiny_model())
    return tmp_path / "tiny.safetensors"


def test_network(model, monkeypatch, capsys):
    """Two pairs of a tiny model."""
    every_model_is(monkeypatch, lambda: load_checkpoint(model))
    monkeypatch.setattr(benchmark, "benchmark_network", lambda *given: benchmark_network(*given[:2], 2, silent))
    main(printed("c3n benchmark network"))
    lines = capsys.readouterr().out.splitlines()
    assert f"demo on {choose_device('auto')} (" in lines[0] and "20 pairs" in lines[0]
    assert [line for line in lines if line and not line.startswith(" ")][1:] == [
        "one second live", "non-local fusion at 6 x 6, T = 5", "forward of a clip of 5 frames",
    ]  # fmt: skip
    assert sum(line.startswith("  ratio") for line in lines) == 3


def test_network_as_json(model, capsys):
    main(["benchmark", "network", str(model), "--device", "cpu", "--pairs", "3", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["pairs"], found["device"].split()[0]) == (3, "cpu")
    assert found["environment"]["packages"]["torch"]
    for comparison in found["comparisons"]:
        assert len(comparison["milliseconds"]) == 2
        assert comparison["ratio"]["low"] <= comparison["ratio"]["median"] <= comparison["ratio"]["high"]


def test_loader(tmp_path, capsys):
    synthesize(tmp_path, "s4", {"train": 2}, seed=0, progress=silent)
    config = tmp_path / "small.yaml"
    config.write_text("model: {visual: test_resnet, channels: 8, image_size: 64}\ntrain: {batch_size: 2}")
    main(["benchmark", "loader", str(tmp_path), "--config", str(config), "--device", "cpu", "--rounds", "1"])
    said = capsys.readouterr().out
    assert said.startswith("2 training clips in batches of 2, test_resnet + mn04 at 64 on cpu")
    for row in ("png to pixels", "front end", "loader, no worker", "loader, 1 worker ", "training step alone"):
        assert f"\n  {row}" in said


def test_loader_as_json():
    loading = {0: np.array([4.0, 6.0, 5.0]), 1: np.array([8.0, 8.0, 8.0])}
    found = LoaderBenchmark(
        9, 2, (Timing("clip", np.array([0.1, 0.3, 0.2])),), loading, Timing("step", np.full(3, 0.5))
    )
    mapping = json.loads(json.dumps(loader_mapping(found)))
    assert mapping["milliseconds_a_clip"] == {"clip": pytest.approx({"median": 200, "low": 150, "high": 250})}
    assert mapping["loader_clips_a_second"]["0"] == {"median": 5, "low": 4.5, "high": 5.5}
    assert mapping["step_clips_a_second"]["median"] == 4  # batches of 2 in half a second
    assert (mapping["clips"], mapping["batch_size"]) == (9, 2)


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        (
            {0: 90, 1: 6, 2: 12, 4: 20},
            "loader, 2 workers: 1.20 times the throughput of the training step; the loader keeps up.",
        ),
        (
            {0: 90, 1: 6, 2: 5},
            "loader, 1 worker: 0.60 times the throughput of the training step at best; the loader is the bottleneck.",
        ),
    ],
)
def test_the_verdict_names_the_fewest_sufficient_workers(rates, verdict):
    """The step takes 0.8 s for 8 clips. Without workers, loader and step alternate, so that row never suffices."""
    loading = {workers: np.array([rate, rate]) for workers, rate in rates.items()}
    assert verdict_of(LoaderBenchmark(100, 8, (), loading, Timing("step", np.array([0.8, 0.8])))) == verdict


def test_no_data_is_one_line(tmp_path):
    config = tmp_path / "small.yaml"
    config.write_text("model: {visual: test_resnet, channels: 8, image_size: 64}")
    with pytest.raises(SystemExit, match=r"c3n: .*s4_meta_data\.csv"):
        main(["benchmark", "loader", str(tmp_path), "--config", str(config), "--device", "cpu"])


def test_node_needs_a_built_workspace(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="benchmark node needs ROS 2 and the built workspace"):
        main(["benchmark", "node"])


@pytest.mark.parametrize("status", [0, 3])
def test_node_passes_its_options_on(monkeypatch, capsys, status):
    commands = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setattr("subprocess.call", lambda command: commands.append(command) or status)
    arguments = [
        "--model",
        "demo",
        "--sizes",
        "640x480",
        "1920x1080",
        "--parameters",
        "max_sources:=2",
        "compare_motion:=true",
    ]
    arguments += ["--json", "points.json"]
    if status:
        with pytest.raises(SystemExit):
            main(["benchmark", "node", *arguments])
        assert "benchmark node ended with 3" in capsys.readouterr().out
    else:
        main(["benchmark", "node", *arguments])
    assert commands[0][1:] == ["-m", "c3n_ros.rig.node_benchmark", *arguments]
    if not status:
        for line in (printed("c3n benchmark node --json"), printed("c3n benchmark node --parameters")):
            main(line)
            assert commands[-1][1:] == ["-m", "c3n_ros.rig.node_benchmark", *line[2:]]
