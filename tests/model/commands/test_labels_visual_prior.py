"""`c3n labels visual-prior`: a table from pictures of one's own, and the model that uses it."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from printed_lines import printed
from public_weights import write_public_weights
from toy_weights import own_weights

import c3n_model.zero_shot
from c3n_model.cli import main
from c3n_model.config import ZeroShotConfig
from c3n_model.zero_shot.build import load_zero_shot
from c3n_model.zero_shot.visual_prior import read_visual_prior
from c3n_model.zero_shot.visual_prior_measurement import FEWEST_PICTURES
from c3n_model.zero_shot.vocabulary import CLASSIFIED_NOUNS

CONFIG = ZeroShotConfig(segmenter="none", detector="none")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Toy weights under public names, none of which a table is shipped for, and pictures in two folders."""
    own_weights(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    write_public_weights(tmp_path)
    prior = Path(c3n_model.zero_shot.__file__).with_name("prior_mn04.csv").read_text().splitlines()[3:]
    rows = [f"{index},/m/{index},{row.rpartition(',')[0].rpartition(',')[0]}" for index, row in enumerate(prior)]
    (tmp_path / "class_labels_indices.csv").write_text("\n".join(["index,mid,display_name", *rows]))
    noise = np.random.default_rng(0)
    (tmp_path / "pictures" / "more").mkdir(parents=True)
    for number in range(FEWEST_PICTURES):
        path = tmp_path / "pictures" / ("more" if number % 2 else ".") / f"{number}.png"
        assert cv2.imwrite(str(path), noise.integers(0, 255, (8, 8, 3), np.uint8))
    return tmp_path


def test_the_printed_command_makes_the_prior_of_these_weights(folder, capsys):
    model = load_zero_shot(CONFIG)
    assert model.network.visual_prior is None
    assert "no visual prior of mobilenetv2_100_ra-b33bc2c4.pth; c3n labels visual-prior" in model.card["note"]
    main(printed("c3n labels visual-prior pictures"))
    assert f"wrote mine.csv: {FEWEST_PICTURES} pictures, {len(CLASSIFIED_NOUNS)} nouns" in capsys.readouterr().out
    measured = read_visual_prior(folder / "mine.csv", CLASSIFIED_NOUNS)
    assert (measured.usual < 0).all() and (measured.usual.exp() > 1e-6).all()
    model = load_zero_shot(replace(CONFIG, visual_prior="mine.csv"))
    assert torch.equal(model.network.visual_prior.usual, measured.usual)
    assert "visual prior" not in model.card["note"]
    assert "visual prior" not in load_zero_shot(replace(CONFIG, visual_prior="none")).card["note"]


def test_a_folder_without_pictures_and_a_table_that_is_missing_are_refused(folder):
    with pytest.raises(SystemExit, match="nowhere"):
        main(["labels", "visual-prior", "nowhere", "-o", "mine.csv"])
    (folder / "empty").mkdir()
    with pytest.raises(SystemExit, match=f"0 pictures; expected at least {FEWEST_PICTURES}"):
        main(["labels", "visual-prior", "empty", "-o", "mine.csv"])
    with pytest.raises(FileNotFoundError, match=r"mine\.csv"):
        load_zero_shot(replace(CONFIG, visual_prior="mine.csv"))
