"""The seconds of a recording with their masks, as a person corrects them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from c3n_model.complete_file import write_complete
from c3n_model.pictures.overlay import Colour, draw_mask
from c3n_model.sources.picture_files import open_picture
from c3n_model.sources.results import LABELS
from c3n_model.types import Frame, Window

UNDECIDED, KEEP, DROP = "undecided", "keep", "drop"
DECISIONS = (UNDECIDED, KEEP, DROP)
ADD, REMOVE, ONLY = "add", "remove", "only"
_MODES = (ADD, REMOVE, ONLY)
_UNCHANGED: Colour = (255, 150, 0)
_CHANGED: Colour = (60, 190, 255)


@dataclass(frozen=True)
class Polygon:
    """A correction: `points` (x, y) as fractions of the picture, at least three; `mode` adds to the mask, removes from it, or
    replaces it. Raises ValueError for anything else."""

    points: tuple[tuple[float, float], ...]
    mode: str = ADD

    def __post_init__(self):
        if self.mode not in _MODES:
            raise ValueError(f"expected a mode of {', '.join(_MODES)}, got {self.mode!r}")
        if len(self.points) < 3 or not all(0 <= value <= 1 for point in self.points for value in point):
            raise ValueError(f"expected at least three points (x, y) in [0, 1], got {self.points}")

    def apply(self, mask: np.ndarray) -> np.ndarray:
        """Return the corrected mask bool (H, W)."""
        height, width = mask.shape
        corners = np.array([[round(x * (width - 1)), round(y * (height - 1))] for x, y in self.points], np.int32)
        drawn = cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1).astype(bool)
        return {ADD: mask | drawn, REMOVE: mask & ~drawn, ONLY: drawn}[self.mode]


@dataclass
class Verdict:
    """What a person said about a second."""

    decision: str = UNDECIDED
    label: str = ""
    polygons: list[Polygon] = field(default_factory=list)


@dataclass(frozen=True)
class ReviewSecond:
    """One second: `jpeg` of its frame, `snippet` float32 (16000,), `mask_png` of the proposed mask, `label` as proposed, "" without
    a mask. Pictures stay compressed, so that an hour fits into memory."""

    start_ns: int
    jpeg: bytes
    snippet: np.ndarray
    mask_png: bytes
    label: str

    @property
    def proposal(self) -> np.ndarray:
        """The proposed mask, bool (H, W)."""
        return cv2.imdecode(np.frombuffer(self.mask_png, np.uint8), cv2.IMREAD_GRAYSCALE) > 127

    @property
    def rgb(self) -> np.ndarray:
        """The frame, uint8 (H, W, 3)."""
        return cv2.cvtColor(cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


class Review:
    """The seconds of a recording and the verdicts on them, which are kept in a file.

    Raises ValueError for a file of another recording or that is damaged.
    """

    def __init__(self, seconds: list[ReviewSecond], verdicts_file: Path):
        self.seconds, self._file = seconds, verdicts_file
        self.verdicts = {second.start_ns: Verdict(label=second.label) for second in seconds}
        if verdicts_file.is_file():
            self._read()

    def change(self, number: int, values: dict) -> None:
        """Change `decision`, `label` or `polygons` (all of them) of a second, and store it. Raises ValueError, TypeError."""
        verdict = self.verdicts[self._second(number).start_ns]
        decision = values.get("decision", verdict.decision)
        if decision not in DECISIONS:
            raise ValueError(f"expected a decision of {', '.join(DECISIONS)}, got {decision!r}")
        polygons = verdict.polygons
        if "polygons" in values:
            polygons = [_polygon(entry) for entry in values["polygons"]]
        verdict.label = str(values.get("label", verdict.label)).strip()
        verdict.decision, verdict.polygons = decision, polygons
        self._store()

    def decide(self, decisions: Sequence[str]) -> None:
        """Give the seconds that are undecided these decisions, one for each second, and store them. Raises ValueError."""
        unknown = set(decisions) - set(DECISIONS)
        if unknown or len(decisions) != len(self.seconds):
            raise ValueError(f"expected {len(self.seconds)} decisions of {', '.join(DECISIONS)}, got {decisions}")
        for second, decision in zip(self.seconds, decisions, strict=True):
            verdict = self.verdicts[second.start_ns]
            if verdict.decision == UNDECIDED:
                verdict.decision = decision
        self._store()

    def mask(self, number: int) -> np.ndarray:
        """The mask bool (H, W) of a second with its corrections."""
        second = self._second(number)
        mask = second.proposal
        for polygon in self.verdicts[second.start_ns].polygons:
            mask = polygon.apply(mask)
        return mask

    def picture(self, number: int) -> np.ndarray:
        """The frame of a second with its mask, uint8 (H, W, 3): orange as proposed, blue where corrected."""
        second = self._second(number)
        colour = _CHANGED if self.verdicts[second.start_ns].polygons else _UNCHANGED
        return draw_mask(second.rgb, self.mask(number), colour)

    def describe(self) -> list[dict]:
        """The seconds with their verdicts, as JSON values."""
        return [
            {"number": number, "start_s": second.start_ns / 1e9, **asdict(self.verdicts[second.start_ns])}
            for number, second in enumerate(self.seconds)
        ]

    def _second(self, number: int) -> ReviewSecond:
        if not 0 <= number < len(self.seconds):
            raise ValueError(f"there is no second {number}; the recording has 0 to {len(self.seconds) - 1}")
        return self.seconds[number]

    def _store(self) -> None:
        content = {str(start_ns): asdict(verdict) for start_ns, verdict in self.verdicts.items()}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_complete(self._file, json.dumps(content, indent=1))

    def _read(self) -> None:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            read = {
                int(start): Verdict(entry["decision"], entry["label"], [_polygon(one) for one in entry["polygons"]])
                for start, entry in stored.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{self._file} is not a file of c3n review ({error!r}): remove it to begin again"
            ) from error
        if not set(read) <= set(self.verdicts):
            raise ValueError(f"{self._file} belongs to another recording: choose another --name or remove it")
        self.verdicts |= read


def read_seconds(windows: Iterable[Window[Frame]], segmented: Path | None) -> list[ReviewSecond]:
    """The seconds of windows at 16 kHz with the masks of a folder written by `c3n segment` (None: empty masks).

    Raises ValueError for a folder without them, or of another recording.
    """
    entries = _read_labels(segmented) if segmented is not None else {}
    seconds, missing = [], 0
    for window in windows:
        rgb = window.frame.rgb
        mask, label = np.zeros(rgb.shape[:2], bool), ""
        if segmented is not None and window.start_ns in entries:
            proposed, label = _read_proposal(segmented, entries[window.start_ns])
            mask, label = (proposed, label) if proposed.shape == mask.shape else (mask, "")
        missing += window.start_ns not in entries
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])
        seconds.append(ReviewSecond(window.start_ns, jpeg.tobytes(), window.snippet, to_png(mask), label))
    if segmented is not None and missing == len(seconds):
        raise ValueError(f"{segmented} has no mask of this recording: it belongs to another one")
    return seconds


def to_png(mask: np.ndarray) -> bytes:
    """Encode a mask bool (H, W)."""
    return cv2.imencode(".png", mask.astype(np.uint8) * 255)[1].tobytes()


def _read_labels(folder: Path) -> dict[int, dict]:
    """Start of a window -> its line in labels.jsonl."""
    labels = folder / LABELS
    if not labels.is_file():
        raise ValueError(f"{folder} has no {LABELS}: write it with c3n segment RECORDING -o {folder}")
    entries = (json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines())
    return {entry["window_start_ns"]: entry for entry in entries}


def _read_proposal(folder: Path, entry: dict) -> tuple[np.ndarray, str]:
    """The mask of a line in labels.jsonl and its visual label, "" where nothing sounds."""
    mask = np.array(open_picture(folder / "masks" / Path(entry["mask"]).name)) > 127
    return mask, entry["label"]["visual"] if mask.any() else ""


def _polygon(entry: dict) -> Polygon:
    return Polygon(tuple((float(x), float(y)) for x, y in entry["points"]), entry.get("mode", ADD))
