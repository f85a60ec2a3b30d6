import numpy as np
import pytest

from c3n_model.pictures.overlay import contact_sheet, draw_attention, draw_overlay, outline_truth
from c3n_model.types import Presence, Segmentation, SoundingObject, UnifiedLabel


def segmentation(height=240, width=320, audible=True, label="Clip-clop"):
    mask = np.zeros((height, width), bool)
    if audible:
        mask[height // 2 : height * 3 // 4, width // 4 : width // 2] = True
    box = (width // 4, height // 2, width // 4, height // 4)
    return Segmentation(
        window_start_ns=0,
        stamp_ns=0,
        frame_id="",
        mask=mask,
        confidence=mask.astype(np.uint8) * 255,
        label=UnifiedLabel(label, "sorrel", 0.9, 0.8, 0.5, 0.7),
        presence=Presence(audible, 0.9, -20.0),
        objects=(SoundingObject("sorrel", 0.9, box, (0.0, 0.0), int(mask.sum())),) if audible else (),
    )


def grey(height=240, width=320):
    return np.full((height, width, 3), 100, np.uint8)


@pytest.mark.parametrize("size", [(240, 320), (720, 1280), (1080, 1920)])
def test_the_mask_is_tinted_and_the_rest_below_the_banner_is_not(size):
    picture = draw_overlay(grey(*size), segmentation(*size))
    height, width = size
    assert picture.shape == (*size, 3) and picture.dtype == np.uint8
    inside = picture[height * 5 // 8, width * 7 // 16]
    assert inside[0] > 120 and inside[2] < 90
    assert np.all(picture[height * 9 // 10 :, width * 6 // 10 :] == 100)


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (8, 8)])
def test_tiny_pictures_are_drawn_too(size):
    assert draw_overlay(grey(*size), segmentation(*size)).shape == (*size, 3)


def test_the_picture_given_is_not_changed():
    rgb = grey()
    draw_overlay(rgb, segmentation())
    assert np.all(rgb == 100)


def test_a_long_label_fits_and_writes_to_the_end():
    picture = draw_overlay(
        grey(), segmentation(label="Vehicle horn, car horn, honking, and what else a street has " * 3)
    )
    assert np.all(picture[:30, -3:] < 100)  # darkened, no letters


def test_letters_missing_in_the_font_are_replaced():
    unknown, replaced = (draw_overlay(grey(), segmentation(label=label)) for label in ("Fußgänger 鳥", "Fu?g?nger ?"))
    assert np.array_equal(unknown, replaced)


def test_a_silent_window_differs_from_one_with_a_label():
    one, two = draw_overlay(grey(), segmentation(audible=False)), draw_overlay(grey(), segmentation())
    assert np.any(one[:35] != two[:35]) and np.all(one[60:] == 100)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(240, 320\), got \(100, 100\)"):
        draw_overlay(grey(100, 100), segmentation())


def test_contact_sheet_is_a_grid():
    images = [np.full((60, 80, 3), 50 * (k + 1), np.uint8) for k in range(3)] + [np.full((80, 40, 3), 200, np.uint8)]
    sheet = contact_sheet(images, ["a", "b", "c", "d"], columns=3, cell_width=40)
    assert sheet.shape == (2 * (80 + 24), 120, 3)
    assert [int(sheet[15, 20 + 40 * k, 0]) for k in range(3)] == [50, 100, 150] and sheet[104 + 40, 20, 0] == 200


@pytest.mark.parametrize("images, captions", [([], []), ([grey()], ["a", "b"])])
def test_contact_sheet_needs_a_caption_for_each(images, captions):
    with pytest.raises(ValueError, match=r"\d images and \d captions"):
        contact_sheet(images, captions)


def test_truth_is_outlined_and_nothing_else_is_touched():
    truth = np.zeros((240, 320), bool)
    truth[60:120, 80:160] = True
    picture = grey()
    drawn = outline_truth(picture, truth)
    assert (picture == 100).all()
    assert drawn[60, 100].tolist() == drawn[90, 159].tolist() == [40, 120, 255]
    assert (drawn[70:110, 90:150] == 100).all()
    assert (drawn[:55] == 100).all()


def test_attention_spans_its_own_range_over_the_grey_frame():
    drawn = draw_attention(grey(), np.array([[0.50, 0.51], [0.50, 0.505]], np.float32)).astype(int)
    dark, bright, middle = drawn[50, 50].sum(), drawn[50, 250].sum(), drawn[200, 250].sum()
    assert dark < middle < bright
    assert drawn.shape == (240, 320, 3)
    flat = draw_attention(grey(), np.full((2, 2), 0.5))
    assert (flat == flat[0, 0]).all()
