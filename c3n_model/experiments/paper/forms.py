"""Forms of C3N on AVSBench: as in the authors' code, which produced the printed values, or as in the printed equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from c3n_model.weights.authors import AUTHORS, settings_of_audio, settings_of_visual

Settings = tuple[dict, dict]  # of ModelConfig and of TrainConfig

# Of their visual backbones.
STOCHASTIC_DEPTH = {"pvt_": 0.1, "swin_": 0.2}


@dataclass(frozen=True)
class Form:
    """`settings` maps a visual encoder, an audio encoder and "s4" or "ms3" to the settings that differ from the defaults."""

    settings: Callable[[str, str, str], Settings]
    note: str


def _authors(visual: str, audio: str, setting: str) -> Settings:
    model = {**AUTHORS, **settings_of_visual(visual), **settings_of_audio(audio, setting)}
    rate = next((rate for prefix, rate in STOCHASTIC_DEPTH.items() if visual.startswith(prefix)), 0.0)
    train: dict = {"dice": "authors", "stochastic_depth": rate}
    if setting == "s4":
        train["schedule"] = "authors"
    elif audio == "beats":
        train["bce_weight"] = 1.5
    return model, train


FORMS = {
    "authors": Form(
        _authors,
        "Form `authors`: all our rows, including the baselines, are trained as in the authors' code, which produced the printed "
        "values: the class weights of Eq. 9 scaled to unit length, and taken before a stage's last norm; norms after the "
        "non-local block; their decoder, Dice, and for S4 their decreasing learning rate; stochastic depth; Swin as for dense "
        "prediction; for C3IM the sigmoids of PANNs on S4, BEATs' own class order, and snippets of VGGish 0.96 s apart. "
        "`--form paper` uses the printed equations.",
    ),
    "paper": Form(
        lambda visual, audio, setting: ({}, {}),
        "Form `paper`: all our rows, including the baselines, are trained by the printed equations. The printed values were "
        "produced by the authors' code, which differs: with Eq. 9 as printed, the gate is nearly constant, and the label has "
        "little effect. `--form authors` trains as in their code.",
    ),
}
