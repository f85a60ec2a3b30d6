"""The picture of an explanation: its panels, its size, and the colour of the chosen label."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tiny import make_tiny_model

from c3n_model.pictures.explanation import draw_explanation
from c3n_model.pictures.overlay import MASK_COLOUR
from c3n_model.streaming.explain import explain
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Window

MATRICES = ["label similarity (M_sim, Eq. 5)", "consensus (M_cof, Eq. 6)"]
STAGES = [f"stage {stage}, {which} the label" for which in ("without", "with") for stage in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def explanation():
    """Return an explanation of noise, with labels that are difficult to lay out."""
    random = np.random.default_rng(0)
    window = Window(
        0, Frame(random.integers(0, 256, (48, 64, 3), np.uint8), 0), random.normal(0, 0.1, 32000).astype("f4")
    )
    found = explain(window, Session(make_tiny_model(), "cpu"))
    long = ("$\\alpha$ {x}, costs", "trailer truck with an uncommonly long name, lorry", *found.audio.labels[2:])
    return replace(found, audio=replace(found.audio, labels=long))


def draw(explanation, folder):
    titles = draw_explanation(explanation, folder / "second.png")
    return titles, cv2.cvtColor(cv2.imread(str(folder / "second.png")), cv2.COLOR_BGR2RGB)


def test_all_panels_of_a_c3n(explanation, tmp_path):
    titles, picture = draw(explanation, tmp_path)
    mask = f"mask: {100 * explanation.segmentation.mask.mean():.1f} % of the image"
    assert titles == ["frame", "heard: confidence^0.1", "seen: confidence^0.1", mask, *MATRICES, *STAGES]
    assert picture.shape == (900, 1600, 3)
    chosen = (picture == MASK_COLOUR).all(axis=2)
    for part in (chosen[:450, 400:800], chosen[:450, 800:1200], chosen[450:, :420], chosen[450:, 420:800]):
        assert part.sum() > 100  # both bars, both frames
    assert (picture[:, [0, -1]] == 255).all()  # nothing runs over the edge
    assert (picture[[0, -1]] == 255).all()


def test_panels_of_a_network_without_vision_or_attention(explanation, tmp_path):
    bare = replace(explanation, visual=None, similarity=None, consensus=None, pairs=(), attention=())
    titles, picture = draw(bare, tmp_path)
    assert [title.split(":")[0] for title in titles] == ["frame", "heard", "mask"]
    assert picture.shape == (480, 1600, 3)


def test_similarities_alone(explanation, tmp_path):
    titles, _ = draw(replace(explanation, consensus=None, pairs=(), attention=()), tmp_path)
    assert titles[4:] == MATRICES[:1]
