"""The profiles: their configs, and the table of what they cost."""

import json
from pathlib import Path

import pytest
import torch
from bright_model import make_bright_model
from printed_lines import printed

from c3n_model.cli import main
from c3n_model.config import ModelConfig, read_config
from c3n_model.experiments.cost import profiles
from c3n_model.experiments.cost.benchmark import Spread
from c3n_model.experiments.cost.profiles import ProfileCost, measure_profile, profile_table, random_model
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize

CONFIG = Path(__file__).resolve().parents[4] / "config"


def test_a_profile_fixes_the_width_besides_the_encoders():
    configs = {name: read_config(CONFIG / f"{name}.yaml").model for name in ("nano", "balanced", "paper")}
    assert {name: config.channels for name, config in configs.items()} == {"nano": 64, "balanced": 128, "paper": 256}
    assert configs["paper"] == ModelConfig(audio="vggish"), "the paper's, with its default encoder"


def test_the_table_by_hand():
    cost = ProfileCost("a", ModelConfig(), 1_500_000, 2_000_000_000, Spread(5, 4, 6), Spread(2, 1.5, 3), 7_000_000)
    row = profile_table([cost]).splitlines()[-1]
    assert row == "| a | pvt_v2_b5 + mn04, 256 | 1.5 M | 2.00 | 5 [4, 6] | 2.00 [1.50, 3.00] | 7 |"


def test_the_command(tmp_path, monkeypatch, capsys):
    """One pair of each, of small models: the first with the sizes that the others of this file have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(profiles, "measure_profile", lambda *given: measure_profile(*given[:2], 1, silent))
    (tmp_path / "config").mkdir()
    for name, size in (
        ("nano", "image_size: 64, history: 2"),
        ("balanced", "image_size: 32"),
        ("paper", "image_size: 32"),
    ):
        (tmp_path / f"config/{name}.yaml").write_text(f"model: {{visual: test_resnet, channels: 8, {size}}}")
    threads = torch.get_num_threads()
    main(printed("c3n benchmark profiles"))
    torch.set_num_threads(threads)
    rows = [line for line in capsys.readouterr().out.splitlines() if "test_resnet" in line]
    assert [row.split()[1] for row in rows] == ["nano", "balanced", "paper"]
    row = rows[0]
    *_, parameters, gmac, _, ratio, _, _ = row.split("|")
    assert float(parameters.split()[0]) > 1 and 0.02 < float(gmac) < 0.2
    assert float(ratio.split()[0]) > 1  # a step is more than its backbone


def test_trained_models_are_scored_as_evaluate_scores_them(tmp_path, capsys):
    (tmp_path / "small.yaml").write_text("model: {visual: test_resnet, channels: 8, image_size: 64, history: 2}")
    synthesize(tmp_path / "scenes", "ms3", {"test": 2}, seed=3, progress=silent)
    threads = torch.get_num_threads()
    command = ["benchmark", "profiles", "demo", str(tmp_path / "small.yaml"), "--data", str(tmp_path / "scenes")]
    main([*command, "--device", "cpu", "--pairs", "1"])
    torch.set_num_threads(threads)
    head, _, demo, small = capsys.readouterr().out.splitlines()[:4]
    main(["evaluate", "demo", str(tmp_path / "scenes"), "--gated", "--device", "cpu"])
    expected = json.loads(capsys.readouterr().out)["scores"]["ms3"]["batch_independent"]["miou"]
    assert head.split("|")[-2].strip() == "mIoU MS3"
    assert demo.split("|")[-2].strip() == f"{expected:.3f}" != "0.000"
    assert small.split("|")[-2].strip() == "", "random weights have no score"


def test_the_same_model_every_time_and_no_other_kind():
    config = ModelConfig(visual="test_resnet", channels=8, image_size=64)
    one, other = random_model("x", config), random_model("x", config)
    assert one.fingerprint == other.fingerprint
    with pytest.raises(ValueError, match="BrightNetwork"):
        measure_profile(make_bright_model(), torch.device("cpu"), 1, silent)
