"""The model that the parameters ask for, and its classes that are shown."""

from __future__ import annotations

from collections.abc import Callable

from c3n_model.loading import fetch_weights, load_model
from c3n_model.model import Model
from c3n_model.progress import told
from c3n_model.streaming.class_filter import known_classes
from c3n_ros.segmentation.segmentation_parameters import SegmentationParameters


def load_chosen(settings: SegmentationParameters, say: Callable[[str], None]) -> Model:
    """Return the model, after fetching what it lacks where `auto_download` is set; `say` is told of that.

    Raises what `fetch_weights` and `load_model` raise.
    """
    if settings.auto_download:
        fetch_weights(settings.model, say, told(say))
    return load_model(settings.model)


def shown_classes(settings: SegmentationParameters, model: Model | None) -> tuple[str, ...]:
    """The classes to show as the model spells them, empty for all; empty before there is a model.

    Raises ValueError, with the nearest names, for one that the model does not know.
    """
    if model is None:
        return ()
    return known_classes(settings.chosen_classes, (*model.audio_labels, *model.visual_labels))
