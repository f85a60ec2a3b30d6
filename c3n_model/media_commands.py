"""The commands of `c3n` that take a recording: segment it, make a bag of it, make a video of it."""

from __future__ import annotations

from pathlib import Path

from c3n_model.loading import load_model
from c3n_model.progress import bar
from c3n_model.results import ResultWriter
from c3n_model.segment import describe_second, segment
from c3n_model.sources import open_source
from c3n_model.sources.bag import BagSource
from c3n_model.sources.convert import bag_from_media, media_from_bag
from c3n_model.streaming.session import Session


def segment_to_folder(
    recording: str, topics: tuple[str | None, str | None], out: Path, model: str, device: str, threshold: float
) -> str:
    """`c3n segment`: results in `out`; returns a line a second."""
    source = open_source(recording, *topics)
    session = Session(load_model(model), device, threshold=threshold)
    lines = []
    with ResultWriter(out) as results:
        for segmentation in segment(bar(source, source.name), session, show=results.show):
            results.write(segmentation)
            lines.append(describe_second(segmentation))
    note = session.model.card.get("note", "")
    return "\n".join([*lines, f"model {model}: {note}" if note else f"model {model}", f"wrote {out}"])


def make_bag(recording: str, out: Path | None, storage: str) -> str:
    """`c3n bag make`."""
    source = open_source(recording)
    target = out or Path(recording).with_suffix(".bag")
    bag_from_media(source, target, storage, progress=bar)
    return f"wrote {target}"


def extract_video(recording: str, out: Path | None) -> str:
    """`c3n bag extract`."""
    target = out or Path(recording).with_suffix(".mp4")
    media_from_bag(BagSource(recording), target, progress=bar)
    return f"wrote {target}"
