"""A session gives what the whole clip gives, second by second; and forgets what it must."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from tiny import make_tiny_model

from c3n_model.preprocess import frames_to_tensor
from c3n_model.streaming.objects import find_objects
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Window

SECOND_NS = 1_000_000_000
CLOSE = 1e-4  # of probabilities; the history changes them by more than ten times that


@pytest.fixture
def windows():
    random = np.random.default_rng(0)
    return [
        Window(
            start_ns=k * SECOND_NS,
            frame=Frame(random.integers(0, 256, (48, 80, 3), dtype=np.uint8), k * SECOND_NS + 937_500_000, "camera"),
            snippet=random.uniform(-0.5, 0.5, 32000).astype(np.float32),
        )
        for k in range(8)
    ]


@pytest.fixture
def remembering_model():
    """A model whose masks depend on the earlier seconds; those of one with small random weights hardly do."""
    model = make_tiny_model(gate="standard")
    with torch.no_grad():
        for name, parameter in model.network.named_parameters():
            if "fusion" in name:
                parameter *= 15
    return model


def forward_last(model, windows) -> np.ndarray:
    """Mask probabilities of the last window, from one forward pass over the clip: float32 (S, S)."""
    frames = frames_to_tensor(np.stack([window.frame.rgb for window in windows]), model.config.image_size)
    snippets = torch.from_numpy(np.stack([window.snippet for window in windows]))
    with torch.no_grad():
        return model.network(frames[None], snippets[None])[0, -1].sigmoid().numpy()


def step_probability(session: Session, window: Window) -> np.ndarray:
    """Step, and give the probabilities before they are resized to the picture."""
    session.step(window)
    return session.newest.logits[0].sigmoid().numpy()


def test_session_equals_forward_of_the_last_five_seconds(remembering_model, windows):
    session = Session(remembering_model, "cpu")
    for count, window in enumerate(windows, start=1):
        seen = step_probability(session, window)
        expected = forward_last(remembering_model, windows[max(0, count - 5) : count])
        assert np.abs(seen - expected).max() < CLOSE
        if count > 1:
            alone = forward_last(remembering_model, [window])
            assert np.abs(expected - alone).max() > 1e-3, "otherwise this test shows nothing"


def test_history_is_by_stamp_not_by_count(remembering_model, windows):
    session = Session(remembering_model, "cpu")
    for window in (windows[0], windows[1], windows[6]):  # four seconds are missing
        seen = step_probability(session, window)
    assert np.abs(seen - forward_last(remembering_model, [windows[6]])).max() < CLOSE


def test_windows_that_overlap_look_back_in_whole_seconds(remembering_model, windows):
    """Hop of half a second: the even windows and the odd ones are two clips."""
    often = [replace(window, start_ns=number * SECOND_NS // 2) for number, window in enumerate(windows)]
    session = Session(remembering_model, "cpu", history=3)
    seen = [step_probability(session, window) for window in often]
    assert np.abs(seen[7] - forward_last(remembering_model, often[3::2])).max() < CLOSE
    assert np.abs(seen[6] - forward_last(remembering_model, often[2:7:2])).max() < CLOSE


def test_history_may_be_shorter_than_the_models(remembering_model, windows):
    session = Session(remembering_model, "cpu", history=2)
    for window in windows:
        seen = step_probability(session, window)
    assert np.abs(seen - forward_last(remembering_model, windows[-2:])).max() < CLOSE


def test_a_looping_bag_gives_the_same_masks_again(tiny_model, windows):
    session = Session(tiny_model, "cpu", threshold=0.3, presence_threshold=0.0)
    first, second = ([session.step(window).confidence for window in windows] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_result_belongs_to_the_frame(tiny_model, windows):
    result = Session(tiny_model, "cpu").step(windows[2])
    assert (result.stamp_ns, result.frame_id) == (windows[2].frame.stamp_ns, "camera")
    assert result.mask.shape == result.confidence.shape == (48, 80)
    assert result.label.visual in tiny_model.visual_labels


def test_the_newest_encoding_is_that_of_the_last_window(tiny_model, windows):
    session = Session(tiny_model, "cpu")
    with pytest.raises(RuntimeError, match="call step first"):
        _ = session.newest
    for window in windows[:2]:
        session.step(window)
    with torch.no_grad():
        encoding = tiny_model.network.encode(*session.inputs(windows[1]))
    assert torch.equal(session.newest.audio_logits, encoding.audio_logits)
    assert torch.equal(session.newest.visual_logits, encoding.visual_logits)


def test_confidence_is_the_probability_at_the_size_of_the_picture(remembering_model, windows):
    """255 is certain, and where the mask is the confidence is above the threshold."""
    session = Session(remembering_model, "cpu", threshold=0.3, presence_threshold=0.0)
    for window in windows:
        result = session.step(window)
        probability = cv2.resize(session.newest.logits[0].sigmoid().numpy(), (80, 48))
        np.testing.assert_allclose(result.confidence, 255 * probability, atol=0.51)
        np.testing.assert_array_equal(result.mask, probability > 0.3)
    assert result.confidence.max() > 100


def test_silence_gives_no_mask(tiny_model, windows):
    silent = Window(0, windows[0].frame, np.zeros(32000, np.float32))
    result = Session(tiny_model, "cpu", threshold=1e-6, presence_threshold=0.0).step(silent)
    assert not result.presence.audible
    assert result.presence.loudness_dbfs == pytest.approx(-120)
    assert not result.mask.any()
    assert not result.confidence.any()
    assert result.objects == ()


def test_what_is_not_in_view_gives_no_mask(tiny_model, windows):
    session = Session(tiny_model, "cpu", threshold=1e-6, presence_threshold=0.0)
    seen = session.step(windows[0])
    assert seen.presence.visible and seen.mask.any()
    session.visibility_threshold = seen.label.visual_score + 0.01
    session.reset()
    unseen = session.step(windows[0])
    assert unseen.presence.audible and not unseen.presence.visible
    assert not unseen.mask.any() and unseen.objects == () and unseen.label == seen.label


def test_objects_by_hand():
    mask = np.zeros((80, 50), bool)
    mask[10:20, 5:10] = True
    mask[0, 0] = True  # a speck
    mask[30:32, 30:50] = True
    probability = np.where(mask, 0.75, 0.0)
    larger, smaller = find_objects(mask, probability)
    assert (larger.box, larger.area, larger.centroid, larger.score) == ((5, 10, 5, 10), 50, (7.0, 14.5), 0.75)
    assert smaller.box == (30, 30, 20, 2)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="threshold must lie within"):
        Session(make_tiny_model(), "cpu", threshold=1.5)
    with pytest.raises(ValueError, match="history must be at least 1 s, got 0"):
        Session(make_tiny_model(), "cpu", history=0)
    with pytest.raises(ValueError, match="use auto, cpu, cuda or cuda:N"):
        Session(make_tiny_model(), "tpu9")


def test_a_model_that_does_not_fit_is_refused_and_left_whole(monkeypatch, windows):
    model, moved = make_tiny_model(), []

    def full(device):
        moved.append(device)
        if len(moved) == 1:
            raise RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB")
        return model.network

    monkeypatch.setattr(model.network, "to", full)
    with pytest.raises(ValueError, match=r"does not fit on cpu \(CUDA out of memory.\); use another device"):
        Session(model, "cpu")
    assert moved == [torch.device("cpu"), "cpu"], "the half that was moved comes back"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_closing_gives_the_gpu_back(windows):
    before = torch.cuda.memory_allocated()
    session = Session(make_tiny_model(), "cuda")
    session.step(windows[0])
    assert session.device_memory_bytes > before
    session.close()
    assert torch.cuda.memory_allocated() == before
    assert {value.device.type for value in session.network.state_dict().values()} == {"cpu"}
