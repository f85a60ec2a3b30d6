"""The tasks of the benchmark: rows with their scenes, and streams."""

from __future__ import annotations

from dataclasses import dataclass

from c3n_model.experiments.zero_shot import alterations, cutouts
from c3n_model.experiments.zero_shot.clips import RecordedSecond
from c3n_model.experiments.zero_shot.data import BenchData
from c3n_model.experiments.zero_shot.scenes import (
    MOTOR,
    SMALL,
    Scene,
    absent,
    ambience,
    both_sound,
    matched,
    noise_alone,
    one_of_two,
    two_of_a_kind,
    with_motor,
)
from c3n_model.experiments.zero_shot.streams import Stream, lingering_streams, switching_streams
from c3n_model.types import Clip

MOTOR_SNRS_DB = (20, 0, -10)
TIMED_STREAMS = 3  # of 2 x streams.SECONDS seconds each


@dataclass(frozen=True)
class Row:
    """One row of the benchmark's table: `name` is its key in bench.json, `about` describes its scenes.

    `accustomed`: scored with a model that has learnt the motor's noise (`accustomed.accustom`).
    """

    name: str
    about: str
    scenes: list[Scene | RecordedSecond]
    accustomed: bool = False


@dataclass(frozen=True)
class RowClips:
    """The scenes of a row as `scoring.evaluate.Clips`, for a model with `sample_rate` and a `history` in seconds."""

    row: Row
    split: str
    sample_rate: int
    history: int

    @property
    def setting(self) -> str:
        """The row's name."""
        return self.row.name

    def __len__(self) -> int:
        return len(self.row.scenes)

    def __getitem__(self, index: int) -> Clip:
        return self.row.scenes[index].clip(self.sample_rate, self.history)


@dataclass(frozen=True)
class Tasks:
    """All tasks; `timed` are the streams for measuring the cost."""

    data: BenchData
    rows: list[Row]
    timed: list[Stream]
    lingering: list[Stream]
    switching: list[Stream]


def compose_tasks(data: BenchData, chosen: list[str] | None = None) -> Tasks:
    """Compose all rows and streams that the data allows, or only the `chosen` ones: row names, "lingering", "switching".

    Raises:
        ValueError: a chosen row that is unknown or has no scenes.
    """
    pictures, sounds = data.pictures, data.sounds
    prominent, pasted = matched(pictures, sounds), cutouts.pairs(data.cutouts, pictures)
    rows = _compose_rows(data, prominent, pasted)
    lingering = lingering_streams(prominent, pictures, sounds)
    switching = [*switching_streams(pictures, sounds), *cutouts.switching_streams(pasted)]
    known = [*(row.name for row in rows), "lingering", "switching"]
    chosen = known if chosen is None else chosen
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(f"row {unknown[0]!r} does not exist for this data; expected some of {', '.join(known)}")
    return Tasks(
        data=data,
        rows=[row for row in rows if row.name in chosen],
        timed=[*lingering, *switching][:TIMED_STREAMS],
        lingering=lingering if "lingering" in chosen else [],
        switching=switching if "switching" in chosen else [],
    )


def _compose_rows(data: BenchData, prominent: list[Scene], pasted: list[cutouts.Pasted]) -> list[Row]:
    """Compose all rows that have scenes."""
    pictures, sounds = data.pictures, data.sounds
    rows = [
        Row("matched", "the source is in view and covers at least 5 % of the image", prominent),
        Row("small", "the source is in view and covers 1 to 5 % of the image", matched(pictures, sounds, SMALL)),
        Row("absent", "the source is not in view", absent(pictures, sounds)),
        Row("ambience", "rain, sea, fire and similar sounds", ambience(pictures, sounds)),
        Row("noise", "digital silence, noise, room tone, a motor", noise_alone(pictures)),
        Row("silent_clips", "videos without sound", data.silent),
        *(
            Row(f"motor_{snr}_db", f"matched, motor at SNR {snr} dB", with_motor(prominent, snr))
            for snr in MOTOR_SNRS_DB
        ),
        *(
            Row(
                f"motor_learnt_{snr}_db",
                f"matched, motor at SNR {snr} dB, its noise learnt",
                with_motor(prominent, snr),
                True,
            )
            for snr in MOTOR_SNRS_DB
        ),
        Row("motor_learnt_alone", "a motor whose noise was learnt", noise_alone(pictures, (MOTOR,)), True),
        Row("two_of_a_kind", "several of one class in view, the largest sounds", two_of_a_kind(pictures, sounds)),
        Row("one_of_two", "two different objects in view, one sounds", one_of_two(pictures, sounds)),
        Row("both_sound", "two different objects in view, both sound", both_sound(pictures, sounds)),
        Row("quiet", "matched, the sound 30 dB quieter", alterations.quieter(prominent)),
        Row("dark", "matched, 15 % of the light", alterations.altered(prominent, alterations.darken)),
        Row("blur", "matched, out of focus", alterations.altered(prominent, alterations.blur)),
        Row("jpeg_10", "matched, JPEG quality 10", alterations.altered(prominent, alterations.compress)),
        Row("rotated", "matched, rotated by 90 degrees", alterations.rotated(prominent)),
        Row("cutout_alone", "a cut-out with its sound", cutouts.alone(data.cutouts, pictures)),
        Row("cutout_beside_people", "a cut-out next to people", cutouts.beside_people(data.cutouts, pictures)),
        Row("cutout_one_of_two", "two cut-outs, one sounds", cutouts.one_of_pair(pasted)),
        Row("cutout_both", "two cut-outs, both sound", cutouts.both_of_pair(pasted)),
        Row("clips", "seconds of clips with ground-truth masks", data.true_seconds),
    ]
    return [row for row in rows if row.scenes]
