"""Sources of clips and pretrained encoders: AVSBench and public weights, or the synthetic world and its classifiers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from c3n_model.config import digest, to_mapping
from c3n_model.data.avsbench import find_release, release_of
from c3n_model.experiments.paper.recipes import Experiment, Recipe
from c3n_model.labels.similarity_table import LabelTable
from c3n_model.labels.source_table import SOURCES
from c3n_model.model import Model
from c3n_model.network.consensus import label_similarity
from c3n_model.progress import Progress, silent
from c3n_model.synthetic import world
from c3n_model.synthetic.classifiers import read_classifier
from c3n_model.synthetic.pretrain import DEMO_NOTE
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.start import from_public
from c3n_model.training.visual_head import VisualHead
from c3n_model.weights import manifest
from c3n_model.weights.checkpoint import build_network
from c3n_model.weights.pretrained import needed_files, weights_at_hand

SCENE_SEED = 0
SYNTHETIC_CAVEAT = (
    "**Synthetic data.** Our values are measured on synthetic scenes, with small encoders trained from scratch; the paper's "
    "are measured on AVSBench, with encoders pretrained on ImageNet and AudioSet. They are shown only for their order and "
    "**are not comparable with ours**."
)
OWN_CAVEAT = (
    "**Other data.** Our values are measured on the clips, and with the encoders and the schedule that were given; the paper's are "
    "measured on AVSBench with its own. They are shown only for their order and **are not comparable with ours**."
)


class Source(Protocol):
    """A source of data: `root` contains clips in AVSBench's layout; `caveat` as of `table.Table`."""

    root: Path
    caveat: str

    def untrained(self, experiment: Experiment, progress: Progress) -> Model:
        """Build the initial model of `experiment`."""

    def identity(self, experiment: Experiment) -> dict:
        """Describe the clips and pretrained encoders of `experiment` uniquely, in JSON-serialisable values."""

    def describe(self, experiments: Iterable[Experiment]) -> dict:
        """Describe the data of finished experiments, for a report."""


@dataclass(frozen=True)
class PublicSource:
    """AVSBench in `root`, encoders with public weights, classes from the label table `labels`, or `source_table.SOURCES`.

    `visual_head` is a file of c3n train-visual-head, whose classes replace ImageNet's."""

    root: Path
    labels: str
    visual_head: Path | None = None
    caveat: str = ""

    def untrained(self, experiment: Experiment, progress: Progress) -> Model:
        return from_public(experiment.name, experiment.model, self.labels, experiment.seed, self.visual_head)

    def identity(self, experiment: Experiment) -> dict:
        _, table = release_of(self.root, experiment.setting)
        names = _files_of(experiment)
        sizes = {path.name: path.stat().st_size for path in map(manifest.find, names)}
        return {"clips": manifest.checksum_of(table), "weights": sizes, **self._classes()}

    def describe(self, experiments: Iterable[Experiment]) -> dict:
        return {"data": str(self.root), **self._classes()}

    def _classes(self) -> dict:
        labels = SOURCES if self.labels == SOURCES else LabelTable.load(Path(self.labels)).provenance
        head = {} if self.visual_head is None else {"visual_head": manifest.checksum_of(self.visual_head)}
        return {"labels": labels, **head}

    def check(self, experiments: Iterable[Experiment]) -> None:
        """Check that all files of the experiments are available.

        Raises:
            FileNotFoundError: missing clips, weights, label table or visual head, in one line with the remedies.
            ValueError: an unreadable label table or visual head.
        """
        for setting in {experiment.setting for experiment in experiments}:
            release_of(self.root, setting)
        names = dict.fromkeys(name for experiment in experiments for name in _files_of(experiment))
        missing = [manifest.entry(name) for name in names if manifest.locate(manifest.entry(name)) is None]
        if missing:
            raise FileNotFoundError(_remedy(missing))
        self._classes()
        if self.visual_head is not None:
            VisualHead.load(self.visual_head)


@dataclass(frozen=True)
class SyntheticSource:
    """Scenes and classifiers of the synthetic world, created in `folder` when first needed."""

    folder: Path
    recipe: Recipe
    caveat: str = SYNTHETIC_CAVEAT

    @property
    def root(self) -> Path:
        return self.folder / f"scenes_{digest(self._scenes())}"

    def make_scenes(self, settings: Iterable[str], progress: Progress) -> None:
        """Create the scenes of `settings` if they do not exist yet."""
        for setting in settings:
            if not find_release(self.root, setting):  # its csv is written last, so an incomplete set is not found
                synthesize(self.root, setting, self.recipe.scenes, SCENE_SEED, progress)

    def untrained(self, experiment: Experiment, progress: Progress) -> Model:
        """Build the initial model; each encoder is pretrained once and cached."""
        torch.manual_seed(experiment.seed)
        similarity = label_similarity(*(torch.from_numpy(table) for table in world.label_embeddings()))
        network = build_network(experiment.model, similarity)
        abouts = {}
        for part in ("visual", "audio"):
            abouts[part], tensors = self._classifier(part, experiment, progress)
            getattr(network, f"{part}_encoder").load_state_dict(tensors)
        card = {"note": DEMO_NOTE, "classifiers": abouts}
        return Model(experiment.name, network, experiment.model, world.AUDIO_LABELS, world.VISUAL_LABELS, card)

    def identity(self, experiment: Experiment) -> dict:
        return {"scenes": self._scenes(), "pretrain": to_mapping(self.recipe.pretrain)}

    def describe(self, experiments: Iterable[Experiment]) -> dict:
        encoders = {
            (part, getattr(experiment.model, part)): experiment
            for experiment in experiments
            for part in ("visual", "audio")
        }
        accuracies = {
            name: round(self._classifier(part, experiment, silent)[0]["accuracy"], 3)
            for (part, name), experiment in encoders.items()
        }
        pretrain = to_mapping(self.recipe.pretrain)
        return {"data": "synthetic", **self._scenes(), "pretrain": pretrain, "classifier_accuracy": accuracies}

    def _classifier(self, part: str, experiment: Experiment, progress: Progress) -> tuple[dict, dict[str, Tensor]]:
        return read_classifier(part, experiment.model, self.recipe.pretrain, self.folder, progress)

    def _scenes(self) -> dict:
        return {"scenes": dict(self.recipe.scenes), "scene_seed": SCENE_SEED}


def _files_of(experiment: Experiment) -> list[str]:
    return [*needed_files(weights_at_hand(experiment.model.visual), experiment.model.audio), "audioset_classes"]


def _remedy(missing: list[manifest.PretrainedFile]) -> str:
    """Say in one line how to get the missing files."""
    direct = [file.name for file in missing if file.urls and file.checksum]
    remedies = [f"`c3n weights get {' '.join(direct)}`"] if direct else []
    for file in missing:
        if not file.urls:
            remedies.append(f"{file.name} has no public address ({file.note or file.source})")
        elif not file.checksum:
            remedies.append(f"`c3n weights get {file.name} --sha256 CHECKSUM`")
    return f"{len(missing)} pretrained files are not on this machine: {'; '.join(remedies)}"
