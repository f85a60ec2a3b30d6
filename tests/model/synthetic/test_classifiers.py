"""Classifiers of the synthetic world: batch norm statistics, accuracy, and caching."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import IterableDataset

from c3n_model.experiments.paper.recipes import SYNTHETIC
from c3n_model.progress import silent
from c3n_model.synthetic import classifiers
from c3n_model.synthetic.classifiers import accuracy, read_classifier, recompute_norms


class Numbers(IterableDataset):
    """Endless 0, 10, 0, 10, ... with a target."""

    def __init__(self, target):
        self.target = target

    def __iter__(self):
        while True:
            yield torch.tensor([0.0]), self.target
            yield torch.tensor([10.0]), self.target


def test_statistics_are_those_of_the_examples():
    """A running mean with momentum 0.01 would be at 0.9 after 20 batches; the variance is n / (n - 1) times 25."""
    network = nn.Sequential(nn.BatchNorm1d(1, momentum=0.01)).train()
    recompute_norms(network, Numbers(0))
    assert network[0].running_mean.item() == pytest.approx(5)
    assert network[0].running_var.item() == pytest.approx(25 * 48 / 47)
    assert network[0].momentum == 0.01
    assert not network.training


class Says(nn.Module):
    """Class 1 for 0, class 0 for 10."""

    def forward(self, batch):
        return batch, torch.cat([batch, 5 - batch], dim=1)


@pytest.mark.parametrize(
    ("target", "expected"),
    [(1, 0.5), (2, 0.0), (torch.tensor([1.0, 1.0]), 1.0), (torch.tensor([0.0, 1.0]), 0.5), (torch.zeros(2), 0.0)],
)
def test_accuracy_of_one_label_or_several(target, expected):
    assert accuracy(Says(), Numbers(target), batches=1) == expected


def test_each_classifier_is_pretrained_once(tmp_path, monkeypatch):
    recipe = SYNTHETIC["small"]
    about, tensors = read_classifier(
        "visual", recipe.experiment("PVTv2+PANNs", {}, "s4", 0).model, recipe.pretrain, tmp_path, silent
    )
    assert about["encoder"] == "test_resnet"
    assert 0 <= about["accuracy"] <= 1
    monkeypatch.setattr(classifiers, "pretrain_visual", lambda *_, **__: pytest.fail("pretrained again"))
    model = recipe.experiment("PVTv2+PANNs", {"consensus": "none"}, "ms3", 3).model
    again, same = read_classifier("visual", model, recipe.pretrain, tmp_path, silent)
    assert again == about
    assert all(torch.equal(same[name], tensor) for name, tensor in tensors.items())
    with pytest.raises(pytest.fail.Exception, match="pretrained again"):
        read_classifier("visual", replace(model, image_size=64), recipe.pretrain, tmp_path, silent)
