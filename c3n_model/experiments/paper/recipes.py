"""What is trained for the tables: encoders, network and schedule, for AVSBench as in the paper, for the synthetic world in small.

`Recipe.experiment` turns a row of a table into one training, `Experiment`, which holds all that decides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from c3n_model.config import ModelConfig, PretrainConfig, TrainConfig
from c3n_model.experiments.paper.baselines import TPAVI

# The paper's names of encoders, and ours.
PAPER_ENCODERS = {
    "PVTv2": "pvt_v2_b5",
    "Swin": "swin_base_patch4_window7_224",
    "VGGish": "vggish",
    "PANNs": "panns_cnn14_16k",
    "BEATs": "beats",
}
MAIN_PAIR = "PVTv2+PANNs"  # of Tables V to VII, and of TPAVI-Re's best row

# The rows of Table II, as settings of the network.
ABLATION = {
    "none": {"consensus": "none", "audio_features": False},
    "CC-V": {"consensus": "visual", "audio_features": False},
    "CC": {"consensus": "audio_visual", "audio_features": False},
    "AF": {"consensus": "none", "audio_features": True},
    "AF+CC": {"consensus": "audio_visual", "audio_features": True},
}


@dataclass(frozen=True)
class Experiment:
    """One training and all that decides it but the data and the pretrained encoders."""

    setting: str
    model: ModelConfig
    train: TrainConfig

    @property
    def seed(self) -> int:
        return self.train.seed

    @property
    def name(self) -> str:
        """For people and files; it does not tell all experiments apart."""
        model = self.model
        parts = [self.setting, model.visual, model.audio, _variant(model)]
        if model.consensus == "audio_visual":
            parts.append(f"alpha{model.alpha:g}_beta{model.beta:g}")
        return "_".join([*parts, f"seed{self.seed}"])


@dataclass(frozen=True)
class Recipe:
    """`pairs`: the paper's pairs of encoders that there are, and ours in their place. `seeds`: how many trainings a row of a
    table has, by the table's number. `scenes` and `pretrain` are of the synthetic world only."""

    model: ModelConfig
    train: Mapping[str, TrainConfig]
    pairs: Mapping[str, tuple[str, str]]
    ablation_pairs: tuple[str, ...]
    exponents_pair: str
    seeds: Mapping[str, int] = field(default_factory=dict)
    scenes: Mapping[str, int] = field(default_factory=dict)
    pretrain: PretrainConfig = PretrainConfig()

    def experiment(self, pair: str, changes: Mapping, setting: str, seed: int) -> Experiment:
        """The network of `pair` with `changes` of its settings, trained for `setting`. One without fusions has no norms of
        them either, so that equal networks have equal configs."""
        visual, audio = self.pairs[pair]
        model = replace(self.model, visual=visual, audio=audio, **changes)
        model = model if model.audio_features else replace(model, fusion_norm=False)
        return Experiment(setting, model, replace(self.train[setting], seed=seed))

    def stands_in(self, pair: str) -> bool:
        """Whether ours are other encoders than the paper's `pair`."""
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

# Section IV-A of the paper, as config/avsbench_s4.yaml and config/avsbench_ms3.yaml have it.
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
    # The sounds' classifier ends early and is unsure, as real ones are; were it always right, there would be nothing left for
    # a consensus to add. Half the gate leaves in view what a wrong label does not name. docs/results/README.md has the figures.
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
    # Seconds: it shows that every command works, and its numbers mean nothing.
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
