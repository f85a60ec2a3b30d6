"""Pictures are decoded whole, to the pixels that OpenCV gives, or refused: whatever is missing of them."""

import io
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from c3n_model.messages.compressed import decode_picture, to_rgb
from c3n_model.messages.limits import MAX_IMAGE_PIXELS, LimitError

RANDOM = np.random.default_rng(0)
NOISE = RANDOM.integers(0, 256, (41, 50, 3), np.uint8)
ROWS, COLUMNS = np.mgrid[0:41, 0:50]
SMOOTH = np.stack([ROWS * 6, COLUMNS * 5, (ROWS + COLUMNS) * 2], axis=2).astype(np.uint8)
PICTURE = Image.fromarray(SMOOTH)
ORIENTATION, QUARTER_TURN = 0x0112, 6


def encoded(format_name, picture=PICTURE, **options):
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


def rgba():
    return Image.fromarray(np.dstack([NOISE, SMOOTH[..., 0]]))


def by_opencv(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)[..., ::-1]


PICTURES = {
    **{f"jpeg {name}": encoded("JPEG", Image.fromarray(p)) for name, p in {"noise": NOISE, "smooth": SMOOTH}.items()},
    **{f"jpeg subsampling {sampling}": encoded("JPEG", subsampling=sampling) for sampling in range(3)},
    "jpeg progressive": encoded("JPEG", progressive=True),
    "jpeg grey": encoded("JPEG", PICTURE.convert("L")),
    "png": encoded("PNG"),
    "png palette": encoded("PNG", PICTURE.quantize(64)),
    "png palette, one colour transparent": encoded("PNG", PICTURE.quantize(64), transparency=3),
    "png bits": encoded("PNG", PICTURE.convert("1")),
    "png grey and alpha": encoded("PNG", PICTURE.convert("LA")),
    "png alpha": encoded("PNG", rgba()),
    "png 16 bits grey": cv2.imencode(".png", SMOOTH[..., 0].astype(np.uint16) * 257)[1].tobytes(),
    "png 16 bits": cv2.imencode(".png", SMOOTH.astype(np.uint16) * 256 + NOISE)[1].tobytes(),
    "webp": encoded("WEBP"),
    "webp alpha": encoded("WEBP", rgba(), lossless=True, exact=True),
    "bmp": encoded("BMP"),
    "bmp palette": encoded("BMP", PICTURE.quantize(16)),
    "tiff": encoded("TIFF"),
}


@pytest.mark.parametrize("data", PICTURES.values(), ids=PICTURES)
def test_pixels_are_those_of_opencv(data):
    rgb = to_rgb(decode_picture(data), upright=True)
    assert rgb.dtype == np.uint8 and rgb.flags.c_contiguous and rgb.flags.writeable
    np.testing.assert_array_equal(rgb, by_opencv(data))


def test_cmyk_is_rounded_differently():
    data = encoded("JPEG", PICTURE.convert("CMYK"))
    assert np.abs(to_rgb(decode_picture(data), upright=True).astype(int) - by_opencv(data)).max() <= 1


@pytest.mark.parametrize("data", PICTURES.values(), ids=PICTURES)
def test_a_truncated_image_is_refused_unless_all_pixels_are_complete(data):
    whole = to_rgb(decode_picture(data), upright=True)
    for length in [*range(0, len(data), 1 + len(data) // 50), *range(max(len(data) - 12, 0), len(data))]:
        try:
            rgb = to_rgb(decode_picture(data[:length]), upright=True)
        except ValueError:
            continue
        np.testing.assert_array_equal(rgb, whole)
        assert length > len(data) // 2


@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_bytes_after_the_end_do_not_matter(format_name):
    data = encoded(format_name)
    np.testing.assert_array_equal(
        to_rgb(decode_picture(data + bytes(100)), upright=True), to_rgb(decode_picture(data), upright=True)
    )


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture():
    picture = encoded("JPEG")
    segment = b"\xff\xff\xe1" + (len(picture) + 2).to_bytes(2, "big") + picture
    with_thumbnail = picture[:2] + segment + picture[2:]
    assert decode_picture(with_thumbnail).size == PICTURE.size
    for length in (len(with_thumbnail) - 10, len(segment) + 10):
        with pytest.raises(ValueError):
            decode_picture(with_thumbnail[:length])


def test_a_jpeg_with_stray_bytes_between_segments_is_accepted():
    data = encoded("JPEG")
    tables = data.index(b"\xff\xdb")
    stray = data[:tables] + b"stray" + data[tables:]
    np.testing.assert_array_equal(
        to_rgb(decode_picture(stray), upright=True), to_rgb(decode_picture(data), upright=True)
    )


@pytest.mark.parametrize("format_name, options", [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True})])
def test_orientation(format_name, options):
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    data = encoded(format_name, exif=exif, **options)
    stored = to_rgb(decode_picture(data), upright=False)
    assert stored.shape == SMOOTH.shape
    np.testing.assert_array_equal(to_rgb(decode_picture(data), upright=True), np.rot90(stored, k=-1))


def test_damaged_exif_data_is_ignored():
    data = encoded("PNG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    np.testing.assert_array_equal(to_rgb(decode_picture(data), upright=True), SMOOTH)


@pytest.mark.parametrize("side", [2**13 + 1, 2**20])
def test_the_size_in_a_header_is_checked_before_decoding(side):
    assert side**2 > MAX_IMAGE_PIXELS
    data = encoded("PNG")
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + data[24:29]
    with pytest.raises(LimitError, match=str(MAX_IMAGE_PIXELS)):
        decode_picture(data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:])


@given(data=st.sampled_from(list(PICTURES.values())), places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255))))
def test_damage_is_a_picture_or_a_value_error(data, places):
    damaged = bytearray(data)
    for place, value in places:
        damaged[min(int(place * len(data)), len(data) - 1)] = value
    try:
        rgb = to_rgb(decode_picture(bytes(damaged)), upright=True)
    except ValueError:
        return
    assert rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] == 3
