"""Rows and columns of images: positions, colours and text."""

import cv2
import numpy as np

from c3n_model.pictures.panels import Block, Row, draw_blocks, heat_picture, mask_picture, short, truth_picture

GREY = np.full((40, 60, 3), 100, np.uint8)


def block(title, colours, captions=()):
    """Return a row of images of uniform colour."""
    return Block(
        title, ["1 s", "2 s"], [Row("plain\nrow", [np.full_like(GREY, colour) for colour in colours], captions)]
    )


def shown(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def box(picture, colour):
    """Return the left, top, width and height of the pixels of one colour."""
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    return columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1


RED, GREEN, BLUE, PINK = (200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 0, 200)


def test_blocks_side_by_side(tmp_path):
    words = draw_blocks(
        tmp_path / "a.png", [block("first", [RED, GREEN]), block("second", [BLUE, PINK], ["up", ""])], stacked=False
    )
    assert words == ["first", "plain row", "second", "plain row: up | "]
    boxes = [box(shown(tmp_path / "a.png"), colour) for colour in (RED, GREEN, BLUE, PINK)]
    lefts, tops, widths, heights = zip(*boxes, strict=True)
    assert list(lefts) == sorted(lefts)
    assert np.ptp(tops) <= 1
    assert all(abs(width - 150) <= 2 and abs(height - 100) <= 2 for width, height in zip(widths, heights, strict=True))


def test_stacked_blocks(tmp_path):
    draw_blocks(tmp_path / "a.png", [block("first", [RED, GREEN]), block("second", [BLUE, PINK])], stacked=True)
    picture = shown(tmp_path / "a.png")
    red, green, blue = (box(picture, colour) for colour in (RED, GREEN, BLUE))
    assert abs(red[0] - blue[0]) <= 1 and abs(red[1] - green[1]) <= 1
    assert blue[1] > red[1] + red[3] + 20  # its title and the columns' names stand between
    assert (picture[:, [0, -1]] == 255).all() and (picture[[0, -1]] == 255).all()


def test_masks_and_truth_have_their_colours():
    mask = np.zeros((40, 60), bool)
    mask[10:30, 10:30] = True
    truth = np.roll(mask, 20, axis=1)
    colourful = GREY.copy()
    colourful[..., 0] = 200
    predicted = mask_picture(colourful, mask, truth).astype(int)
    assert predicted[20, 20, 0] > predicted[20, 20, 2] + 50  # orange
    assert predicted[10, 40, 2] > predicted[10, 40, 0] + 50  # the outline of the truth, blue
    assert np.ptp(predicted[20, 40]) == 0  # grey within it
    drawn = truth_picture(colourful, truth).astype(int)
    assert drawn[20, 40, 2] > drawn[20, 40, 0] + 30
    assert np.ptp(drawn[20, 15]) == 0
    assert np.ptp(mask_picture(colourful, mask)[20, 40]) == 0  # unknown truth, no outline


def test_heat_goes_from_dark_to_bright_over_its_own_range():
    picture = heat_picture(GREY, np.array([[-3e-4, -1e-4], [-3e-4, -2e-4]])).sum(axis=2)
    assert picture.shape == (40, 60)
    assert picture[0, 59] == picture.max() > picture[39, 59] > picture[39, 0] == picture.min()
    assert len(np.unique(heat_picture(GREY, np.ones((2, 2))))) < 4  # a flat map is drawn flat


def test_long_labels_are_shortened():
    assert short("violin, fiddle") == "violin"
    assert short("a trailer truck with an uncommonly long name, lorry") == "a trailer truck with a.."
