"""Write the sure seconds of recordings as a data set, and the verdicts as `c3n review` reads and changes them.

    OUT/Single-source or Multi-sources   clips in AVSBench's layout, by `dataset_writer`
    OUT/proposals/NAME/                  masks and labels of each recording, as of `c3n segment`, without a video
    OUT/reviews/NAME.json                the verdicts
    OUT/pseudo_labels.json               the settings; of each recording its clips, and its dropped seconds by reason

A recording that is in pseudo_labels.json is complete; an interrupted run continues with the next one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from c3n_model.complete_file import write_complete
from c3n_model.config import to_mapping
from c3n_model.data.raw_videos import SAMPLE_RATE
from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.review.dataset_writer import list_runs, plain, write_dataset
from c3n_model.review.pseudo_labels import KEPT, judge
from c3n_model.review.seconds import DROP, KEEP, Review, read_seconds
from c3n_model.sources import Source
from c3n_model.sources.results import ResultWriter
from c3n_model.streaming.segment import cut_windows, segment
from c3n_model.streaming.session import Session
from c3n_model.types import Presence

SUMMARY, PROPOSALS, REVIEWS = "pseudo_labels.json", "proposals", "reviews"
NO_CLIP = "kept, but not five in a row"


@dataclass(frozen=True)
class Proposed:
    """What became of a recording: its number of `seconds`, its clips with their splits, and the numbers of the seconds that are in
    no clip, by reason."""

    path: str
    seconds: int
    clips: tuple[tuple[str, str], ...]
    dropped: dict[str, list[int]]

    def __str__(self) -> str:
        reasons = ", ".join(f"{len(numbers)} {reason}" for reason, numbers in sorted(self.dropped.items()))
        splits = ", ".join(f"{count} {split}" for split, count in Counter(split for _, split in self.clips).items())
        return f"{self.seconds} seconds, {len(self.clips)} clips{f' ({splits})' * bool(splits)}{f'; dropped: {reasons}' * bool(reasons)}"


class Summary:
    """The file pseudo_labels.json of a data set.

    Raises ValueError for a folder with other files, or that was begun with other settings.
    """

    def __init__(self, out: Path, settings: Mapping[str, Any]):
        self._file, self._settings = out / SUMMARY, dict(settings)
        self.recordings: dict[str, Proposed] = {}
        if self._file.is_file():
            self._read()
        elif any(out.iterdir()):
            raise ValueError(f"{out} contains other files: choose another folder, or remove it")
        self._store()

    def name_of(self, source: Source, path: Path) -> str:
        """Return the name of a recording in the data set: its file's, with that of its folder if another one has it.

        Raises ValueError if another recording has that, too.
        """
        short = plain(source.name)
        for name in (short, plain(f"{path.resolve().parent.name}_{source.name}")):
            if name not in self.recordings or self.recordings[name].path == str(path.resolve()):
                return name
        raise ValueError(f"another recording is already called {name}: rename {path}")

    def is_complete(self, path: Path) -> bool:
        """Check whether a recording is in the data set."""
        return any(known.path == str(path.resolve()) for known in self.recordings.values())

    def add(self, name: str, proposed: Proposed) -> None:
        """Store what became of a recording."""
        self.recordings[name] = proposed
        self._store()

    def _store(self) -> None:
        recordings = {name: asdict(proposed) for name, proposed in self.recordings.items()}
        write_complete(self._file, json.dumps({"settings": self._settings, "recordings": recordings}, indent=1) + "\n")

    def _read(self) -> None:
        try:
            former = json.loads(self._file.read_text(encoding="utf-8"))
            settings, recordings = former["settings"], former["recordings"]
            for name, values in recordings.items():
                clips = tuple((clip, split) for clip, split in values["clips"])
                self.recordings[name] = Proposed(**{**values, "clips": clips})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{self._file} is damaged ({error!r}): choose another folder") from error
        changed = [key for key in self._settings if settings.get(key) != self._settings[key]]
        if changed:
            raise ValueError(
                f"{self._file.parent} was begun with another {changed[0]}: repeat that command, or choose another folder"
            )


def settings_of(model: Model, margin: float, setting: str) -> dict[str, Any]:
    """Return all that decides the clips of a recording, as JSON values."""
    about = {"model": model.name, "weights": model.fingerprint, "model's settings": to_mapping(model.config)}
    return json.loads(json.dumps({**about, "margin": margin, "setting": setting}))


def propose(
    session: Session, source: Source, path: Path, out: Path, name: str, least: float, progress: Progress, *,
    setting: str = "ms3", split: str = "auto",
) -> Proposed:  # fmt: skip
    """Segment a recording, judge its seconds, and write what is kept as clips.

    Args:
        least: confidence, see `pseudo_labels.least_confidence`; setting, split: see `write_dataset`.
    Raises:
        ValueError, OSError: the recording cannot be read.
    """
    session.reset()
    folder, presences = out / PROPOSALS / name, dict[int, Presence]()
    with ResultWriter(folder, path) as results:
        for segmentation in segment(progress(source, name), session):
            results.write(segmentation)
            presences[segmentation.window_start_ns] = segmentation.presence
    review = Review(read_seconds(cut_windows(source, SAMPLE_RATE), folder), out / REVIEWS / f"{name}.json")
    reasons = judge(review.seconds, presences, least, silence=setting == "ms3")
    review.decide([KEEP if reason == KEPT else DROP for reason in reasons])
    runs = list_runs(review, setting)
    clips = write_dataset(review, out, name, setting, split).clips if runs else ()
    in_clips = {number for run in runs for number in run}
    dropped = dict[str, list[int]]()
    for number, reason in enumerate(reasons):
        if number not in in_clips:
            dropped.setdefault(reason or NO_CLIP, []).append(number)
    return Proposed(str(path.resolve()), len(reasons), clips, dropped)
