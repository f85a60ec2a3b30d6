"""The prior's recipe: medians over kinds of sounds, and the table that is shipped."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import c3n_model.zero_shot
from c3n_model.labels.names import AUDIOSET_CLASSES
from c3n_model.labels.sound_sources import sound_sources
from c3n_model.progress import silent
from c3n_model.zero_shot.logit_statistics import SMALLEST_DEVIATION, read_statistics
from c3n_model.zero_shot.prior import FEWEST_KINDS, find_kinds, measure_prior, prior_of

RATE = 1000


class Level(nn.Module):
    """One logit: ten times the mean of the samples."""

    sample_rate = RATE

    def forward(self, snippets):
        return None, 10 * snippets.mean(dim=1, keepdim=True)


def write(path: Path, *levels: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.repeat(levels, RATE).astype(np.float32), RATE, subtype="FLOAT")


@given(st.floats(3, 12), st.integers(0, 9))
def test_the_kind_that_is_the_class_itself_does_not_move_the_prior(height, place):
    kinds = [torch.tensor([[-6.0], [-4.0]]) for _ in range(10)]
    before = prior_of(kinds)
    kinds[place] = torch.full((5, 1), height)
    after = prior_of(kinds)
    assert before.mean.item() == after.mean.item() == -5.0
    assert before.deviation.item() == pytest.approx(after.deviation.item()) == pytest.approx(1.0)


def test_a_tagger_with_wider_tails_gets_a_larger_scale():
    """100 kinds of one second: 48 of -1, 3 of 0, 42 of 1, 7 of 5, so the median is 0, the mean square without the ten largest 87 / 90,
    and one in twenty exceeds 5 / 0.983 = 5.086 deviations, 2.445 times the 2.08 of mn04."""
    kinds = [
        torch.tensor([[value]]) for value, count in ((-1.0, 48), (0.0, 3), (1.0, 42), (5.0, 7)) for _ in range(count)
    ]
    prior = prior_of(kinds)
    assert prior.mean.item() == 0 and prior.deviation.item() == pytest.approx(0.983, abs=1e-3)
    assert prior.scale == pytest.approx(5.086 / 2.08, rel=1e-3)
    assert prior_of([kind.clamp(max=2) for kind in kinds]).scale == pytest.approx(0.4 * prior.scale, rel=1e-3)


def test_folders_are_kinds_and_single_files_too(tmp_path):
    for number in range(FEWEST_KINDS - 1):
        write(tmp_path / f"{number}.wav", 0.1)
    with pytest.raises(ValueError, match=f"{FEWEST_KINDS - 1} kinds"):
        find_kinds(tmp_path)
    for number in range(5):
        write(tmp_path / "rain" / "heavy" / f"{number}.wav", 0.2)
    kinds = find_kinds(tmp_path)
    assert len(kinds) == FEWEST_KINDS and len(kinds["rain/"]) == 5
    with pytest.raises(FileNotFoundError, match="nothing"):
        find_kinds(tmp_path / "nothing")


def test_silent_seconds_are_left_out(tmp_path):
    for number in range(FEWEST_KINDS):
        write(tmp_path / f"{number}.wav", 0.5, 0.0)
    prior = measure_prior(Level(), find_kinds(tmp_path), silent)
    assert prior.mean.item() == pytest.approx(5.0)
    assert prior.deviation.item() == pytest.approx(SMALLEST_DEVIATION)


def test_a_file_that_is_not_sound_is_named(tmp_path):
    for number in range(FEWEST_KINDS):
        (tmp_path / f"{number}.wav").write_bytes(b"no sound")
    with pytest.raises(ValueError, match=r"0\.wav cannot be read as sound"):
        measure_prior(Level(), find_kinds(tmp_path), silent)


@pytest.mark.parametrize(("taggers", "highest"), [("mn04", {"Speech", "Music"}), ("mn04+yamnet", {"Speech", "Animal"})])
def test_the_shipped_table_has_every_audioset_class(taggers, highest):
    path = Path(c3n_model.zero_shot.__file__).with_name(f"prior_{taggers}.csv")
    rows = list(csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#")))
    labels = tuple(row["label"] for row in rows)
    assert len(labels) == AUDIOSET_CLASSES and sound_sources().keys() <= set(labels)
    prior = read_statistics(path, labels, taggers)
    assert {labels[index] for index in prior.mean.topk(2).indices} == highest
