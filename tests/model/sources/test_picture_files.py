"""Picture files are read upright, or refused with their path; what is whole is told in test_compressed.py."""

import numpy as np
import pytest
from PIL import Image

from c3n_model.sources.picture_files import open_picture, read_picture

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
def test_rgb(tmp_path, suffix):
    Image.fromarray(PIXELS).save(tmp_path / f"a{suffix}")
    rgb = read_picture(tmp_path / f"a{suffix}")
    assert rgb.shape == (40, 50, 3) and rgb.dtype == np.uint8
    if suffix in (".png", ".bmp"):
        np.testing.assert_array_equal(rgb, PIXELS)


def test_upright_and_as_stored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: a quarter turn
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), np.rot90(PIXELS, k=-1))
    assert open_picture(tmp_path / "a.png").size == (50, 40)


@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"text"])
def test_unreadable_files_are_named(tmp_path, spoil):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=r"a\.png"):
        read_picture(path)
    with pytest.raises(ValueError, match="b.jpg cannot be read as an image: No such file"):
        read_picture(tmp_path / "b.jpg")


@pytest.mark.realdata
def test_real_files(real_data):
    cases = real_data.parent / "cases"
    assert read_picture(cases / "junk_jpeg_header.jpg").shape == (768, 1024, 3)
    stored = np.asarray(open_picture(cases / "hopper_orientation_6.webp").convert("RGB"))
    np.testing.assert_array_equal(read_picture(cases / "hopper_orientation_6.webp"), np.rot90(stored, k=-1))
