"""Trainings and scorings are cached; interrupted ones are resumed."""

import json

import pytest
import torch

from c3n_model.experiments.paper import runs as module
from c3n_model.experiments.paper.plans import Noise
from c3n_model.experiments.paper.recipes import ABLATION, SYNTHETIC
from c3n_model.experiments.paper.runs import Job, Runs
from c3n_model.experiments.paper.sources import SyntheticSource
from c3n_model.progress import silent

RECIPE = SYNTHETIC["small"]


@pytest.fixture
def runs(tmp_path):
    source = SyntheticSource(tmp_path, RECIPE)
    source.make_scenes(["s4"], silent)
    return Runs(tmp_path, source, torch.device("cpu"), workers=0)


def job(split: str = "test", noise: Noise | None = None, seed: int = 0) -> Job:
    return Job(RECIPE.experiment("PVTv2+PANNs", ABLATION["AF"], "s4", seed), split, noise)


def test_one_training_is_used_for_all_scorings(runs, monkeypatch):
    trained, titles = [], []
    fit_model = module.fit_model
    monkeypatch.setattr(module, "fit_model", lambda *args, **more: trained.append(args) or fit_model(*args, **more))

    def progress(items, title):
        titles.append(title)
        return items

    noisy = job(noise=Noise("audio", -10))
    runs.do([job(), noisy, job("val"), job()], progress)
    assert len(trained) == 1
    assert all(title.startswith("run 1 of 1: s4_test_resnet_mn04_AF_seed0: ") for title in titles)
    scores = runs.scores(job())
    assert scores["summary"]["clips"] == len(scores["clip_ious"]) == RECIPE.scenes["test"]
    assert runs.scores(job("val"))["summary"]["split"] == "val"
    names = sorted(path.name.split(".", 1)[1] for path in runs.folder.glob("*.json"))
    assert names == ["test.audio-10dB.json", "test.json", "val.json"]
    runs.do([job(), noisy, job("val")], silent)
    assert len(trained) == 1
    runs.do([job(seed=1)], silent)
    assert len(trained) == 2


def test_an_interrupted_set_of_runs_is_resumed(runs, monkeypatch):
    evaluate, calls = module.evaluate, []

    def interrupted(*args, **more):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(*args, **more)

    monkeypatch.setattr(module, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runs.do([job(), job("val")], silent)
    assert not list(runs.folder.glob("*.val.json"))
    first = (next(iter(runs.folder.glob("*.test.json")))).read_text()
    runs.do([job(), job("val")], silent)
    assert len(calls) == 3  # test, the interrupted val, val
    assert next(iter(runs.folder.glob("*.test.json"))).read_text() == first
    assert json.loads(next(iter(runs.folder.glob("*.val.json"))).read_text())["summary"]["split"] == "val"
