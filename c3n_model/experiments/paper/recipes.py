"""Training recipes for the tables: encoders, network and schedule, as in the paper for AVSBench, small for synthetic data, or
one's own.

`Recipe.experiment` converts a row of a table to an `Experiment`, which describes one training completely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from c3n_model.config import Config, ModelConfig, PretrainConfig, TrainConfig
from c3n_model.experiments.paper.baselines import TPAVI
from c3n_model.experiments.paper.forms import FORMS

# The paper's names of the encoders -> ours.
PAPER_ENCODERS = {
    "PVTv2": "pvt_v2_b5",
    "Swin": "swin_base_patch4_window7_224",
    "VGGish": "vggish",
    "PANNs": "panns_cnn14_16k",
    "BEATs": "beats",
}
MAIN_PAIR = "PVTv2+PANNs"  # used in Tables V to VII, and in TPAVI-Re's best row

# The rows of Table II as settings of the network.
ABLATION = {
    "none": {"consensus": "none", "audio_features": False},
    "CC-V": {"consensus": "visual", "audio_features": False},
    "CC": {"consensus": "audio_visual", "audio_features": False},
    "AF": {"consensus": "none", "audio_features": True},
    "AF+CC": {"consensus": "audio_visual", "audio_features": True},
}


@dataclass(frozen=True)
class Experiment:
    """One training; everything that determines it except the data and the pretrained encoders."""

    setting: str
    model: ModelConfig
    train: TrainConfig

    @property
    def seed(self) -> int:
        return self.train.seed

    @property
    def name(self) -> str:
        """A name for people and files, which is not unique."""
        model = self.model
        parts = [self.setting, model.visual, model.audio, _variant(model)]
        if model.consensus == "audio_visual":
            parts.append(f"alpha{model.alpha:g}_beta{model.beta:g}")
        return "_".join([*parts, f"seed{self.seed}"])


@dataclass(frozen=True)
class Recipe:
    """Settings for all trainings on one kind of data.

    `pairs` maps the available encoder pairs of the paper to ours. `seeds` is the number of trainings per row, by table
    number. `form` names one of `forms.FORMS`, which changes the settings, or none. `scenes` and `pretrain` apply only to the
    synthetic world.
    """

    model: ModelConfig
    train: Mapping[str, TrainConfig]
    pairs: Mapping[str, tuple[str, str]]
    ablation_pairs: tuple[str, ...]
    exponents_pair: str
    form: str = ""
    seeds: Mapping[str, int] = field(default_factory=dict)
    scenes: Mapping[str, int] = field(default_factory=dict)
    pretrain: PretrainConfig = PretrainConfig()

    def experiment(self, pair: str, changes: Mapping, setting: str, seed: int) -> Experiment:
        """Build the experiment of `pair` with `changes` to its settings, trained for `setting`.

        Without fusions, fusion_norm is set to False, so that equal networks have equal configs.
        """
        visual, audio = self.pairs[pair]
        of_model, of_train = FORMS[self.form].settings(visual, audio, setting) if self.form else ({}, {})
        model = replace(self.model, **{"visual": visual, "audio": audio, **of_model, **changes})
        model = model if model.audio_features else replace(model, fusion_norm=False)
        return Experiment(setting, model, replace(self.train[setting], **{"seed": seed, **of_train}))

    @classmethod
    def of(cls, config: Config) -> Recipe:
        """The network, encoders and schedule of a file for c3n train, in the place of the paper's main pair."""
        return cls(
            model=config.model,
            train=dict.fromkeys(("s4", "ms3"), config.train),
            pairs={MAIN_PAIR: (config.model.visual, config.model.audio)},
            ablation_pairs=(MAIN_PAIR,),
            exponents_pair=MAIN_PAIR,
        )

    @property
    def notes(self) -> list[str]:
        """What to say about the form below every table."""
        return [FORMS[self.form].note] if self.form else []

    def stands_in(self, pair: str) -> bool:
        """Check whether our encoders for `pair` differ from the paper's."""
        return self.pairs[pair] != _own(pair)


def _variant(model: ModelConfig) -> str:
    if model.pyramid == TPAVI["pyramid"]:
        return "tpavi"
    return next(
        name for name, changes in ABLATION.items() if all(getattr(model, key) == changes[key] for key in changes)
    )


def _own(pair: str) -> tuple[str, str]:
    visual, audio = pair.split("+")
    return PAPER_ENCODERS[visual], PAPER_ENCODERS[audio]


_PAIRS = ("Swin+VGGish", "Swin+PANNs", "Swin+BEATs", "PVTv2+VGGish", "PVTv2+PANNs", "PVTv2+BEATs")

# Section IV-A of the paper, as in config/avsbench_s4.yaml and config/avsbench_ms3.yaml; `form` is added by the request.
AVSBENCH = Recipe(
    model=ModelConfig(),
    train={"s4": TrainConfig(), "ms3": TrainConfig(epochs=60, batch_size=4)},
    pairs={pair: _own(pair) for pair in _PAIRS},
    ablation_pairs=("Swin+VGGish", "Swin+PANNs", "PVTv2+VGGish", "PVTv2+PANNs"),
    exponents_pair="Swin+PANNs",
)


def _synthetic_pairs(pvt: str, swin: str, panns: str, vggish: str) -> dict[str, tuple[str, str]]:
    return {
        "Swin+VGGish": (swin, vggish),
        "Swin+PANNs": (swin, panns),
        "PVTv2+VGGish": (pvt, vggish),
        "PVTv2+PANNs": (pvt, panns),
    }


_FROZEN = {"freeze_backbone": True, "cache_features": True, "color_jitter": False, "flip": False, "schedule": "cosine"}

SYNTHETIC = {
    # The audio classifier is stopped early, so that it is uncertain like real ones; a perfect classifier would leave nothing
    # for the consensus to improve. Half the gate strength keeps objects that a wrong label would suppress. For measurements
    # see docs/results/README.md.
    "full": Recipe(
        model=ModelConfig(
            image_size=96, channels=16, alpha=0.25, beta=0.1, gate="standard", gate_strength=0.5, fusion_norm=True
        ),
        train={
            setting: TrainConfig(epochs=6, batch_size=4, learning_rate=1e-3, precision="bfloat16", **_FROZEN)
            for setting in ("s4", "ms3")
        },
        pairs=_synthetic_pairs(pvt="regnetx_002", swin="test_resnet", panns="mn04", vggish="panns_mobilenet_v1"),
        ablation_pairs=(MAIN_PAIR,),
        exponents_pair=MAIN_PAIR,
        seeds=dict.fromkeys(("II", "V", "VI", "VII"), 5),
        scenes={"train": 600, "val": 40, "test": 300},
        pretrain=PretrainConfig(visual_steps=4000, visual_precision="bfloat16", audio_steps=30),
    ),
    # Takes seconds: shows that every command works; the numbers are meaningless.
    "small": Recipe(
        model=ModelConfig(image_size=32, channels=4, alpha=0.25, beta=0.1, gate="standard"),
        train={
            setting: TrainConfig(epochs=1, batch_size=2, learning_rate=1e-3, **_FROZEN) for setting in ("s4", "ms3")
        },
        pairs=_synthetic_pairs(pvt="test_resnet", swin="test_efficientnet", panns="mn04", vggish="panns_mobilenet_v1"),
        ablation_pairs=(MAIN_PAIR,),
        exponents_pair=MAIN_PAIR,
        scenes={"train": 2, "val": 1, "test": 2},
        pretrain=PretrainConfig(visual_steps=2, audio_steps=2, batch_size=4),
    ),
}
