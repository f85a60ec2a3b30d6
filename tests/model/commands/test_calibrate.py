"""`c3n calibrate`: settings that load, from a folder that is read as the bench reads it."""

import numpy as np
import pytest
import yaml
from bench_folder import LeftHalf, tiny_model, write_data, write_video
from printed_lines import printed
from stand_in_model import every_model_is

from c3n_model.cli import main
from c3n_model.config import read_config
from c3n_model.sources.picture_files import read_picture
from c3n_model.zero_shot import masks
from c3n_model.zero_shot import zero_shot as network


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(masks, "LOCALISE_SIZE", 64)
    monkeypatch.setattr(network, "CLASSIFY_SIZE", 32)
    every_model_is(monkeypatch, lambda: tiny_model(LeftHalf()))
    monkeypatch.chdir(tmp_path)
    return write_data(tmp_path / "DATA")


def calibrate(data, *arguments):
    main(["calibrate", str(data), "-o", str(data / "new" / "fitted.yaml"), "--device", "cpu", *arguments])
    return read_config(data / "new" / "fitted.yaml").zero_shot


def test_fewer_false_masks_need_a_higher_threshold(data, capsys):
    main(printed("c3n calibrate DATA -o mine.yaml --false-masks-per-hour"))
    strict = read_config(data.parent / "mine.yaml").zero_shot
    none, lenient = (calibrate(data, "--false-masks-per-hour", rate) for rate in ("0", "3600"))
    assert 0 < lenient.presence_threshold < strict.presence_threshold <= none.presence_threshold <= 1
    assert "other half" in capsys.readouterr().out


def test_all_settings_and_the_plot_are_written_for_other_commands(data):
    main(printed("c3n calibrate DATA -o mine.yaml"))
    text = (data.parent / "mine.yaml").read_text()
    assert text.startswith("# made by c3n calibrate")
    assert yaml.safe_load(text)["zero_shot"]["segmenter"] == "none", "the other settings are those of the model"
    assert np.ptp(read_picture(data.parent / "mine.png")) > 0
    write_video(data.parent / "clip.mp4")
    main(printed("c3n segment clip.mp4 -o out --model mine.yaml"))
    assert len((data.parent / "out/labels.jsonl").read_text().splitlines()) == 2


def test_another_suffix_is_refused_before_anything_is_measured(data):
    with pytest.raises(SystemExit) as stop:
        main(["calibrate", str(data), "-o", "fitted.json"])
    assert "fitted.json" in str(stop.value.code) and ".yaml" in str(stop.value.code)
