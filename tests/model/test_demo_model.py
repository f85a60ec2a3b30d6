"""The embedded model on scenes from a seed that its training never used."""

import pytest
import torch

from c3n_model.data.avsbench import AVSBench
from c3n_model.loading import DEMO, load_model
from c3n_model.progress import silent
from c3n_model.scoring.evaluate import evaluate
from c3n_model.synthetic.synthesize import synthesize

UNSEEN_SEED = 20_000


@pytest.fixture(scope="module")
def demo():
    return load_model("demo")


@pytest.mark.parametrize(("setting", "bar"), [("s4", 0.80), ("ms3", 0.65)])
def test_scores_on_unseen_scenes(tmp_path, demo, setting, bar):
    synthesize(tmp_path, setting, {"test": 30}, seed=UNSEEN_SEED, progress=silent)
    clips = AVSBench(tmp_path, setting, "test", demo.sample_rate)
    assert evaluate(demo, clips, torch.device("cpu"), silent).summary()["batch_independent"]["miou"] >= bar


def test_file_is_small_and_described(demo):
    assert DEMO.stat().st_size < 16e6
    assert "does not know any real object" in demo.card["note"]
    assert [command.split()[1] for command in demo.card["commands"]] == ["pretrain", "train"]
    assert demo.card["scores"].keys() == {"s4", "ms3"}
    assert not any(command.count("/tmp") or command.count("/home") for command in demo.card["commands"])
