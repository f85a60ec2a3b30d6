"""Masks in every storage format, and errors for bad files. Whatever prevents loading is an error in the doctor's report."""

import shutil

import cv2
import numpy as np
import pytest
import soundfile
from PIL import Image
from semantic_release import write_semantic_release

from c3n_model.data.avsbench import AVSBench
from c3n_model.data.clip_files import read_clip, read_mask, read_rows, read_snippets
from c3n_model.data.doctor import examine
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize

SOUNDING = np.array([[False, True], [True, False]])


def palette_mask(values, palette):
    image = Image.fromarray(np.array(values, np.uint8), "P")
    image.putpalette(palette)
    return image


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(SOUNDING),
        Image.fromarray(SOUNDING.astype(np.uint8) * 255),
        Image.fromarray(SOUNDING.astype(np.uint8)),
        Image.fromarray(SOUNDING.astype(np.uint16) * 256),
        Image.fromarray(SOUNDING[..., None] * np.array([0, 0, 1], np.uint8)),  # a blue that is black as a grey
        Image.fromarray(
            np.dstack([np.repeat(SOUNDING[..., None] * np.uint8(64), 3, -1), np.full((2, 2), 255, np.uint8)])
        ),
        palette_mask(SOUNDING, [0, 0, 0, 255, 255, 255]),
        palette_mask(SOUNDING, [0, 0, 0, 0, 0, 0]),  # index 1 is shown black
        palette_mask(SOUNDING * 255, list(range(256)) * 3),
    ],
    ids=["1", "L 255", "L 1", "I;16", "RGB", "RGBA", "P", "P black", "P 255"],
)
def test_nonzero_pixels_are_the_mask(tmp_path, image):
    image.save(tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png", (2, 2))
    assert mask.dtype == bool
    assert np.array_equal(mask, SOUNDING)


def test_a_mask_of_another_size(tmp_path):
    Image.fromarray(SOUNDING).save(tmp_path / "mask.png")
    with pytest.raises(ValueError, match=r"mask\.png.*2x2.*4x3"):
        read_mask(tmp_path / "mask.png", (3, 4))


def test_snippets_are_cut_at_whole_seconds_and_then_resampled(tmp_path):
    """Each second is resampled separately, so that nothing leaks into the next one."""
    sound = np.concatenate([np.full(22050, 0.5, np.float32), np.zeros(4 * 22050, np.float32)])
    soundfile.write(tmp_path / "a.wav", np.stack([sound, np.zeros_like(sound)], 1), 22050, subtype="FLOAT")
    snippets = read_snippets(tmp_path / "a.wav", 16000)
    assert snippets.shape == (5, 16000) and snippets.dtype == np.float32
    assert snippets[0, 1000:15000] == pytest.approx(0.25, abs=1e-3)  # the mean of the channels
    assert not snippets[1:].any()


def test_short_sound_is_padded_with_silence(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(24000, 0.5, np.float32), 16000)
    snippets = read_snippets(tmp_path / "a.wav", 32000)
    assert snippets[0, 4000:28000].mean() == pytest.approx(0.5, abs=0.01)
    assert snippets[1, 4000:12000].mean() == pytest.approx(0.5, abs=0.01)
    assert not snippets[1, 16100:].any() and not snippets[2:].any()


def write_float_wav(path, value):
    samples = np.zeros(80000, np.float32)
    samples[40000] = value
    soundfile.write(path, samples, 16000, subtype="FLOAT")


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_end(path):
    path.write_bytes(path.read_bytes()[:-40])


CHAOS = {
    "frame half": ("frames", half, "cannot be read"),
    "frame without end": ("frames", without_end, "cannot be read"),
    "frame empty": ("frames", lambda path: path.write_bytes(b""), "cannot be read"),
    "frame text": ("frames", lambda path: path.write_text("no picture"), "cannot be read"),
    "frame missing": ("frames", lambda path: path.unlink(), "No such file"),
    "mask half": ("masks", half, "cannot be read"),
    "mask without end": ("masks", without_end, "cannot be read"),
    "mask text": ("masks", lambda path: path.write_text("no picture"), "cannot be read"),
    "mask missing": ("masks", lambda path: path.unlink(), "No such file"),
    "mask size": (
        "masks",
        lambda path: cv2.imwrite(str(path), np.zeros((100, 200), np.uint8)),
        r"200x100.*(224x224|448x448)",
    ),
    "wav header": ("wav", lambda path: path.write_bytes(b"RIFF"), "not a readable wav"),
    "wav half": ("wav", half, "80022 bytes are missing"),
    "wav missing": ("wav", lambda path: path.unlink(), "missing or not a readable wav"),
    "wav short": ("wav", lambda p: soundfile.write(p, np.ones(15999), 16000), r"1\.00 s.*5 s.*c3n prepare"),
    "wav nan": ("wav", lambda path: write_float_wav(path, np.nan), "1 samples.*NaN.*c3n prepare"),
    "wav inf": ("wav", lambda path: write_float_wav(path, -np.inf), "1 samples.*infinite.*c3n prepare"),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Write one MS3 clip in the layout of each release."""
    folder = tmp_path_factory.mktemp("originals")
    synthesize(folder / "object", "ms3", {"test": 1}, seed=0, progress=silent)
    (folder / "semantic").mkdir()
    write_semantic_release(folder / "semantic", folder / "object", "ms3", splits=["test"])
    return folder


@pytest.fixture(params=["object", "semantic"])
def release(request, originals, tmp_path):
    """Copy the clip, for tests that damage it."""
    return shutil.copytree(originals / request.param, tmp_path / "release")


def test_the_clip_is_valid_before_it_is_damaged(release):
    (report,) = examine(release, silent)
    assert report.usable
    assert AVSBench(release, "ms3", "test", 32000)[0].has_mask.all()


@pytest.mark.parametrize("name", CHAOS)
def test_bad_files_are_named_and_the_doctor_finds_them(release, name):
    kind, spoil, message = CHAOS[name]
    dataset = AVSBench(release, "ms3", "test", 32000)
    paths = dataset.clips[0]
    victim = {"frames": paths.frames[2], "masks": paths.masks[2], "wav": paths.wav}[kind]
    spoil(victim)
    with pytest.raises(ValueError, match=message) as caught:
        dataset[0]
    assert str(victim) in str(caught.value) and "\n" not in str(caught.value)
    (report,) = examine(release, silent)
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert [finding.count for finding in errors] == [1]
    assert str(victim.relative_to(release)) in errors[0].examples[0]
    assert not report.usable


def test_rows_by_column(tmp_path):
    (tmp_path / "a.csv").write_text('name,split,note\n"a,b",train,\n')
    assert read_rows(tmp_path / "a.csv", ["split"]) == [{"name": "a,b", "split": "train", "note": ""}]


def test_a_clip_of_large_frames_is_squashed(originals, tmp_path):
    shutil.copytree(originals / "object", tmp_path, dirs_exist_ok=True)
    (paths,) = AVSBench(tmp_path, "ms3", "test", 16000).clips
    original = read_clip(paths, 16000)
    for path in (*paths.frames, *paths.masks):
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), pixels.repeat(2, axis=0).repeat(3, axis=1))
    clip = read_clip(paths, 16000)
    for frame, path in zip(clip.frames, paths.frames, strict=True):
        assert np.array_equal(frame, Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))
    assert np.array_equal(clip.masks, original.masks)
