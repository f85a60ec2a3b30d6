"""AVSBench's layout, written by `c3n synthesize` and read back; and bad data, named."""

import numpy as np
import pytest
import soundfile

from c3n_model.data.avsbench import AVSBench
from c3n_model.data.synthesize import synthesize
from c3n_model.data.synthetic_scenes import make_scene
from c3n_model.progress import silent


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    for setting in ("s4", "ms3"):
        synthesize(folder, setting, {"train": 2, "test": 1}, seed=3, progress=silent)
    return folder


def test_layout_is_avsbenchs(root):
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    (category,) = {path.name for path in (root / "Single-source/s4_data/visual_frames/test").iterdir()}
    name = "s4_test_00000"
    assert f"Single-source/s4_data/visual_frames/test/{category}/{name}/{name}_5.png" in files
    assert f"Single-source/s4_data/gt_masks/test/{category}/{name}/{name}_5.png" in files
    assert f"Single-source/s4_data/audio_wav/test/{category}/{name}.wav" in files
    assert "Multi-sources/ms3_data/visual_frames/ms3_train_00001/ms3_train_00001.mp4_1.png" in files
    assert "Multi-sources/ms3_data/gt_masks/train/ms3_train_00001/ms3_train_00001_1.png" in files
    assert "Multi-sources/ms3_data/audio_wav/train/ms3_train_00001.wav" in files


def test_s4_trains_on_the_first_mask_only(root):
    assert AVSBench(root, "s4", "train", 32000)[0].has_mask.tolist() == [True, False, False, False, False]
    assert AVSBench(root, "s4", "test", 32000)[0].has_mask.all()
    assert AVSBench(root, "ms3", "train", 32000)[0].has_mask.all()


def test_clips_are_the_scenes(root):
    clip = AVSBench(root, "ms3", "train", 32000)[1]
    scene = make_scene("ms3", 3, "train", 1)
    for second in range(5):
        rgb, mask = scene.picture(second + 15 / 16)
        assert np.array_equal(clip.frames[second], rgb)
        assert np.array_equal(clip.masks[second], mask)
    assert clip.snippets.shape == (5, 32000)
    level = np.sqrt(np.mean(scene.sound() ** 2))
    assert np.sqrt(np.mean(clip.snippets**2)) == pytest.approx(level, rel=0.05)


def test_missing_dataset_says_what_was_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="c3n synthesize"):
        AVSBench(tmp_path, "s4", "train", 32000)


def test_missing_split_lists_those_there(root):
    with pytest.raises(ValueError, match=r"no clip of split 'val'; it has \['test', 'train'\]"):
        AVSBench(root, "s4", "val", 32000)


def test_csv_without_a_column(tmp_path):
    (tmp_path / "ms3_meta_data.csv").write_text("name,part\na,train\n")
    with pytest.raises(ValueError, match="has no column split"):
        AVSBench(tmp_path, "ms3", "train", 32000)


@pytest.mark.parametrize(
    ("pattern", "spoil", "message"),
    [
        ("visual_frames/**/*_3.png", lambda path: path.write_bytes(path.read_bytes()[:40]), "read as a picture"),
        ("visual_frames/**/*_3.png", lambda path: path.unlink(), "cannot be read as a picture; is it cut or missing"),
        ("gt_masks/**/*_3.png", lambda path: path.write_bytes(b""), "not a readable picture"),
        ("audio_wav/**/*.wav", lambda path: path.write_bytes(b"RIFF"), "not a readable wav"),
    ],
)
def test_bad_files_are_named(tmp_path, pattern, spoil, message):
    folder = synthesize(tmp_path, "ms3", {"test": 1}, seed=0, progress=silent)
    (victim,) = (folder / "ms3_data").glob(pattern)
    spoil(victim)
    with pytest.raises(ValueError, match=message) as caught:
        AVSBench(tmp_path, "ms3", "test", 32000)[0]
    assert victim.name in str(caught.value)


def test_short_sound_is_padded_with_silence(tmp_path):
    folder = synthesize(tmp_path, "ms3", {"test": 1}, seed=0, progress=silent)
    (wav,) = (folder / "ms3_data").glob("audio_wav/**/*.wav")
    soundfile.write(wav, np.full(8000, 0.5, np.float32), 16000)
    snippets = AVSBench(tmp_path, "ms3", "test", 32000)[0].snippets
    assert snippets.shape == (5, 32000)
    assert snippets[0, 4000:12000].mean() == pytest.approx(0.5, abs=0.01)
    assert not snippets[1:].any()
