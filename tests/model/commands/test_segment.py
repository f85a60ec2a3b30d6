"""`c3n segment` with the robot's own noise: learnt from one recording, used on another."""

import pytest
from bench_folder import SOUNDS, LeftHalf, tiny_model, write_video
from printed_lines import printed
from stand_in_model import every_model_is

from c3n_model.cli import main
from c3n_model.zero_shot import masks
from c3n_model.zero_shot import zero_shot as network
from c3n_model.zero_shot.background import load_background
from c3n_model.zero_shot.logit_statistics import read_statistics, write_statistics


@pytest.fixture
def video(tmp_path, monkeypatch):
    monkeypatch.setattr(masks, "LOCALISE_SIZE", 64)
    monkeypatch.setattr(network, "CLASSIFY_SIZE", 32)
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "motors.mp4", seconds=3)
    (tmp_path / "clip.mp4").symlink_to("motors.mp4")
    return "clip.mp4"


def use_model(monkeypatch, tmp_path, with_prior):
    (tmp_path / "prior.csv").write_text("label,mean,deviation\n" + "".join(f'"{name}",0,1\n' for name in SOUNDS))
    prior = read_statistics(tmp_path / "prior.csv", SOUNDS) if with_prior else None
    every_model_is(monkeypatch, lambda: tiny_model(LeftHalf(), network_prior=prior))


def test_a_learnt_background_is_used(video, tmp_path, monkeypatch):
    use_model(monkeypatch, tmp_path, with_prior=True)
    main(printed("c3n segment motors.mp4"))
    learnt = load_background(tmp_path / "robot.csv", SOUNDS).statistics
    assert learnt.weight == 1.0 and learnt.mean.abs().max() > 0
    main(printed("c3n segment clip.mp4 -o out --model zero_shot --background"))
    assert '"reason": "sounding"' not in (tmp_path / "out" / "labels.jsonl").read_text()


def test_files_and_models_that_cannot_be_are_refused(video, tmp_path, monkeypatch):
    use_model(monkeypatch, tmp_path, with_prior=True)
    with pytest.raises(SystemExit, match="no such file: nothing.csv"):
        main(["segment", video, "-o", "out", "--background", "nothing.csv"])
    write_statistics(tmp_path / "other.csv", read_statistics(tmp_path / "prior.csv", SOUNDS), SOUNDS[::-1], "")
    with pytest.raises(SystemExit, match="another model"):
        main(["segment", video, "-o", "out", "--background", "other.csv"])
    use_model(monkeypatch, tmp_path, with_prior=False)
    with pytest.raises(SystemExit, match="zero_shot with a prior"):
        main(["segment", video, "-o", "out", "--background", "prior.csv"])


@pytest.mark.parametrize(
    ("options", "remedy"), [(["--runtime", "onnxruntime"], "c3n export"), (["--precision", "bfloat16"], "use float32")]
)
def test_a_runtime_or_precision_that_the_model_does_not_have_is_refused(video, tmp_path, monkeypatch, options, remedy):
    use_model(monkeypatch, tmp_path, with_prior=True)
    with pytest.raises(SystemExit, match=remedy):
        main(["segment", video, "-o", "out", "--device", "cpu", *options])
