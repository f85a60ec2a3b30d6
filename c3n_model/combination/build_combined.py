"""The combined model of a config."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from c3n_model.combination.combined import Combined
from c3n_model.config import Config, ModelConfig
from c3n_model.model import Model
from c3n_model.weights.checkpoint import load_checkpoint
from c3n_model.zero_shot.build import load_zero_shot


def load_combined(config: Config) -> Model:
    """Build zero_shot by the section `zero_shot`, and beside it the checkpoint `combined.trained`, with the higher of
    its own presence threshold and `combined.presence_threshold`.

    Raises:
        FileNotFoundError, ValueError: as `load_checkpoint` and `load_zero_shot`; the two do not hear the same classes;
            a threshold outside [0, 1].
    """
    asked = config.combined.presence_threshold
    if not 0 <= asked <= 1:
        raise ValueError(f"combined.presence_threshold is {asked}; expected a number from 0 to 1")
    trained = load_checkpoint(Path(config.combined.trained))
    assert isinstance(trained.config, ModelConfig)
    threshold = max(trained.config.presence_threshold, asked)
    trained = replace(trained, config=replace(trained.config, presence_threshold=threshold))
    zero_shot = load_zero_shot(config.zero_shot)
    labels = (*zero_shot.visual_labels, *trained.visual_labels)
    note = f"{zero_shot.card.get('note', '')} Where it publishes nothing: {trained.name}. {trained.card.get('note', '')}".strip()
    card = {**zero_shot.card, "note": note, "trained": {"name": trained.name, "fingerprint": trained.fingerprint}}
    return Model(
        "combined", Combined(zero_shot, trained).eval(), zero_shot.config, zero_shot.audio_labels, labels, card
    )
