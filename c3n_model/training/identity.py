"""The settings that distinguish one training, or one cache of features, from another."""

from __future__ import annotations

from collections.abc import Mapping

# Settings that were added later are left out if they have these values, so that earlier trainings are still recognised.
_ADDED = {
    "audio_scores": "logits",
    "audio_order": "audioset",
    "snippet_spacing_s": 1.0,
    "dice": "paper",
    "bce_weight": 1.0,
    "stochastic_depth": 0.0,
    "fit_thresholds": False,
    "negatives": 0.0,
}


def identity(settings: Mapping) -> dict:
    """Return the settings of a config (`config.to_mapping`) that distinguish it from others."""
    return {name: value for name, value in settings.items() if name not in _ADDED or value != _ADDED[name]}
