"""Cross-modal cognitive consensus guided audio-visual segmentation (C3N), streaming and offline.

    from c3n_model import Session, load_model, open_source, segment

    session = Session(load_model("zero_shot"))
    for second in segment(open_source("clip.mp4"), session):
        print(second.label.audio, second.mask.mean())

The names are imported on first use (PEP 562), so that `import c3n_model` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c3n_model.loading import load_model
    from c3n_model.sources import open_source
    from c3n_model.streaming.segment import segment
    from c3n_model.streaming.session import Session

__all__ = ["Session", "load_model", "open_source", "segment"]

_HOMES = {
    "Session": "c3n_model.streaming.session",
    "load_model": "c3n_model.loading",
    "open_source": "c3n_model.sources",
    "segment": "c3n_model.streaming.segment",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
