"""Whole pictures are read, cut ones refused wherever they are cut."""

import cv2
import numpy as np
import pytest

from c3n_model.sources.picture_files import is_whole, read_picture

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
CODECS = [".png", ".jpg", ".webp", ".bmp"]


def encoded(suffix, *options):
    return cv2.imencode(suffix, PIXELS, options)[1].tobytes()


@pytest.mark.parametrize("suffix", CODECS)
def test_rgb(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(encoded(suffix))
    rgb = read_picture(tmp_path / f"a{suffix}")
    assert rgb.shape == (40, 50, 3) and rgb.dtype == np.uint8
    if suffix in (".png", ".bmp"):
        assert np.array_equal(rgb, PIXELS[..., ::-1])


@pytest.mark.parametrize("data", [encoded(".png"), encoded(".jpg"), encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)])
def test_cut_anywhere(data):
    assert is_whole(data)
    assert is_whole(data + b"what a camera adds")
    assert not [length for length in range(8, len(data), 7) if is_whole(data[:length])]
    assert not is_whole(data[:-1])


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(tmp_path):
    picture, thumbnail = encoded(".jpg"), encoded(".jpg")
    segment = b"\xff\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    with_thumbnail = picture[:2] + segment + picture[2:]
    assert is_whole(with_thumbnail)
    assert not is_whole(with_thumbnail[:-10])
    assert not is_whole(with_thumbnail[: len(segment) + 10])
    (tmp_path / "a.jpg").write_bytes(with_thumbnail)
    assert read_picture(tmp_path / "a.jpg").shape == (40, 50, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (encoded(".jpg")[:-20], "it is cut"),
        (b"", "it is cut"),
        (b"text", "is it damaged"),
        (encoded(".png")[:16] + b"\x7f\xff\xff\xff" * 2 + encoded(".png")[24:], "is it damaged"),  # of 2^62 pixels
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, data, message):
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(ValueError, match=rf"a\.jpg cannot be read as a picture.*{message}"):
        read_picture(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="b.jpg cannot be read as a picture: No such file"):
        read_picture(tmp_path / "b.jpg")
