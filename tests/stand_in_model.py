"""A model in the place of every other, so that commands run as they are printed without what they would download."""

from collections.abc import Callable

from c3n_model import loading
from c3n_model.model import Model
from c3n_model.weights.checkpoint import load_checkpoint


def demo() -> Model:
    """The embedded model."""
    return load_checkpoint(loading.DEMO)


def every_model_is(monkeypatch, make: Callable[[], Model]) -> None:
    """Whatever its name, a model is what `make` returns, and nothing is fetched."""
    monkeypatch.setattr(loading, "load_model", lambda _: make())
    monkeypatch.setattr(loading, "fetch_weights", lambda *_: None)
