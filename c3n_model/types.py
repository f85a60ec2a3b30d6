"""The data types of inputs and results, as frozen dataclasses with NumPy arrays.

Terms: *frame* one image, *snippet* the second of sound that belongs to a frame, *window* a frame and its snippet, cut from a
stream, *clip* T frames and T snippets from disk, *mask* the pixels of what sounds.

Every stamp is an integer of nanoseconds (a ROS header stamp, or time since the start of a file). Pixel coordinates
have their origin at the top left corner, x to the right and y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Protocol, TypeVar

import numpy as np

NANOSECONDS_PER_SECOND = 1_000_000_000
# Time of a frame within its second, as in AVSBench.
FRAME_OFFSET_NS = NANOSECONDS_PER_SECOND * 15 // 16


class Stamped(Protocol):
    """Anything with a stamp in nanoseconds, by which windows are cut: a `Frame`, or an image that is not decoded yet."""

    @property
    def stamp_ns(self) -> int: ...


StampedT = TypeVar("StampedT", bound=Stamped)
OtherT = TypeVar("OtherT", bound=Stamped)


@dataclass(frozen=True)
class Frame:
    """One camera image: `rgb` uint8 (H, W, 3) in RGB order; `frame_id` names the camera's optical frame (REP-103)."""

    rgb: np.ndarray
    stamp_ns: int
    frame_id: str = ""


@dataclass(frozen=True)
class AudioChunk:
    """A piece of sound: `samples` float32 (n, channels) in [-1, 1]; `stamp_ns` belongs to the **first** sample. `microphones`
    float32 (n, m) are the channels of a microphone array apart, None without one."""

    samples: np.ndarray
    sample_rate: int
    stamp_ns: int
    microphones: np.ndarray | None = None

    @property
    def end_ns(self) -> int:
        """The time of the sample after the last one."""
        return self.stamp_ns + len(self.samples) * NANOSECONDS_PER_SECOND // self.sample_rate


@dataclass(frozen=True)
class Window(Generic[StampedT]):
    """One second of a stream: a frame and the snippet that belongs to it.

    The type of `frame` is that of the stream: a session needs a `Window[Frame]`, a live node cuts windows of serialized images.
    `snippet` float32 (sample_rate,), mono, in [-1, 1], at the model's rate; `heard` is the fraction of the second for which
    sound arrived (the rest of `snippet` is zero); the second is [`start_ns`, `start_ns` + 1 s). `microphones` float32 (rate, m) is
    the sound of a microphone array in the same second, at its own rate; None without one.
    """

    start_ns: int
    frame: StampedT
    snippet: np.ndarray
    heard: float = 1.0
    microphones: np.ndarray | None = None

    def with_frame(self, frame: OtherT) -> Window[OtherT]:
        """Return the same second with another frame, such as the decoded image."""
        return Window(self.start_ns, frame, self.snippet, self.heard, self.microphones)


@dataclass(frozen=True)
class Clip:
    """T seconds from disk.

    `frames` uint8 (T, H, W, 3); `snippets` float32 (T, sample_rate); `masks` bool (T, H, W), meaningful only where
    `has_mask` bool (T,) is true (S4 trains on the first frame only). `category` is the S4 folder name or "".
    """

    name: str
    frames: np.ndarray
    snippets: np.ndarray
    masks: np.ndarray
    has_mask: np.ndarray
    category: str = ""


@dataclass(frozen=True)
class UnifiedLabel:
    """The unified-modal label of C3IM (Eqs. 6 and 7): the audio and the visual class that agree best.

    `audio_score` and `visual_score` are the softmax confidences (Eqs. 1 and 2) of the pair, `similarity` the cosine of
    their label embeddings (Eq. 5) and `consensus` the re-weighted value of the pair (Eq. 6).
    """

    audio: str
    visual: str
    audio_score: float
    visual_score: float
    similarity: float
    consensus: float


REASONS = ("sounding", "silent", "unsure", "not in view", "filtered")


@dataclass(frozen=True)
class Presence:
    """Whether something is audible and visible. `score` in [0, 1] is the presence that is compared with the threshold,
    `loudness_dbfs` the snippet's RMS level, `visible` whether the source may be in view, `filtered` whether its class is left
    out by a class filter."""

    SILENCE_DBFS: ClassVar[float] = -60.0  # maximum level of a silent second

    audible: bool
    score: float
    loudness_dbfs: float
    visible: bool = True
    filtered: bool = False

    @property
    def present(self) -> bool:
        """Whether something sounds, may be in view and passes the class filter; otherwise the mask of a session is empty."""
        return self.audible and self.visible and not self.filtered

    @property
    def reason(self) -> str:
        """One of REASONS: "sounding", or why the mask is empty: "silent" (too quiet), "unsure" (loud enough, but no sound of an
        object is recognised with enough confidence), "not in view", "filtered" (the class filter leaves it out)."""
        if self.present:
            return "sounding"
        if not self.loudness_dbfs > self.SILENCE_DBFS:
            return "silent"
        if not self.audible:
            return "unsure"
        return "filtered" if self.visible else "not in view"


@dataclass(frozen=True)
class SoundingObject:
    """One sounding object: an instance of the named class, or a connected region of a mask without separate instances. `box`
    (x, y, width, height) and `centroid` (x, y) are those of its pixels, `area` is their number; `score` in [0, 1] is the
    detector's score of an instance, or the mean confidence within a region.

    A calibrated camera adds, in radians, `bearing` (0 ahead, positive to the left), `elevation` (positive up) and
    `half_width` (half of the range of bearings); depth adds `position` (x, y, z) in metres in the camera's optical frame
    (x right, y down, z forward) and its covariance, row by row, in square metres. Unknown values are None. A session tracks
    objects: `id` counts from 1 and stays the same while an object moves; 0: not tracked. `motion` in [-1, 1] is the correlation of
    its motion with the sound of the last seconds, where motion is compared (`c3n_model.motion`).

    `label` is the visual class of the object's own pair of classes, `audio_label` the audio class; the scores are those of
    `UnifiedLabel`. They differ between the objects of a window only where several sources are named at once. A recording made before
    objects had them has "" and None.
    """

    label: str
    score: float
    box: tuple[int, int, int, int]
    centroid: tuple[float, float]
    area: int
    bearing: float | None = None
    elevation: float | None = None
    half_width: float | None = None
    position: tuple[float, float, float] | None = None
    position_covariance: tuple[float, ...] | None = None
    id: int = 0
    audio_label: str = ""
    audio_score: float | None = None
    visual_score: float | None = None
    similarity: float | None = None
    consensus: float | None = None
    motion: float | None = None

    @property
    def pair(self) -> UnifiedLabel | None:
        """The object's own pair; None where it is not known."""
        scores = (self.audio_score, self.visual_score, self.similarity, self.consensus)
        if any(score is None for score in scores):
            return None
        return UnifiedLabel(self.audio_label, self.label, *scores)  # type: ignore[arg-type]


DECISIONS = ("", "unclear", "agrees", "chosen", "elsewhere", "not in view")


@dataclass(frozen=True)
class SoundBearing:
    """Where the loudest sound of a second comes from, by a microphone array, and what followed from it.

    `bearing` in radians relative to the camera's axis, 0 ahead, positive to the left, in (-pi, pi]; None: not measured. `mirrored`:
    the other bearing that microphones along a line cannot tell from it; None for other arrays. `confidence` in [0, 1]: 1 for a
    single sound without noise or echo, 0 for sound from everywhere. `spread`: standard deviation of the bearing, radians.
    `decision`, one of DECISIONS: "" no bearing was measured; "unclear" the bearing is too uncertain, or lies between two objects;
    "agrees" an object is there, the only one of its class in view; "chosen" one of several of a class is there, the others were removed;
    "elsewhere" none is there; "not in view" it is outside the picture.
    """

    bearing: float | None = None
    mirrored: float | None = None
    confidence: float = 0.0
    spread: float | None = None
    decision: str = ""


@dataclass(frozen=True)
class Segmentation:
    """The result for one window, at the size of the *input* image.

    `mask` bool (H, W); `confidence` uint8 (H, W), 255 = certain; `stamp_ns` and `frame_id` are those of the frame that
    was segmented; `heard` is copied from the window. `label` is the best pair; where several sources are named at once, the best one
    with a mask. `object_numbers` uint16 (H, W) holds for each pixel 1 + the index of its object, 0 for none; None if unknown (in a
    recording). `sound`: its direction, if a microphone array measured it.

    `motion_decision`: "" motion is not compared, or no two objects have a class in common; "unclear" none of
    them clearly moves in time with the sound; "chosen" one does, and the others of its class were removed.
    """

    window_start_ns: int
    stamp_ns: int
    frame_id: str
    mask: np.ndarray
    confidence: np.ndarray
    label: UnifiedLabel
    presence: Presence
    objects: tuple[SoundingObject, ...]
    heard: float = 1.0
    object_numbers: np.ndarray | None = None
    sound: SoundBearing = SoundBearing()
    motion_decision: str = ""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The different (audio class, visual class) of what sounds: that of `label`, then those of the objects."""
        named = [(found.audio_label or self.label.audio, found.label) for found in self.objects]
        return tuple(dict.fromkeys([(self.label.audio, self.label.visual), *named]))

    def with_objects(self, kept: Sequence[int]) -> Segmentation:
        """Return this with the objects of these indices alone; needs `object_numbers`."""
        assert self.object_numbers is not None
        renumbered = np.zeros(len(self.objects) + 1, np.uint16)
        renumbered[np.asarray(kept, int) + 1] = np.arange(1, len(kept) + 1)
        numbers = renumbered[self.object_numbers]
        confidence = np.where(numbers > 0, self.confidence, np.uint8(0))
        objects = tuple(self.objects[index] for index in kept)
        return replace(self, mask=numbers > 0, confidence=confidence, objects=objects, object_numbers=numbers)

    def emptied(self, presence: Presence) -> Segmentation:
        """Return this without any object, for the reason that `presence` gives."""
        numbers = None if self.object_numbers is None else np.zeros_like(self.object_numbers)
        mask, confidence = np.zeros_like(self.mask), np.zeros_like(self.confidence)
        return replace(self, mask=mask, confidence=confidence, presence=presence, objects=(), object_numbers=numbers)
