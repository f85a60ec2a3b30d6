"""A session gives what the whole clip gives, second by second; and forgets what it must."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from bright_model import make_bright_model
from tiny import make_model_that_listens_back, make_tiny_model
from torch.utils._python_dispatch import TorchDispatchMode

from c3n_model.network.answer import read_answer
from c3n_model.network.c3n import C3N
from c3n_model.preprocess import frames_to_tensor
from c3n_model.streaming.objects import objects_of
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Window

SECOND_NS = 1_000_000_000


@pytest.fixture
def windows():
    random = np.random.default_rng(0)
    return [
        Window(
            start_ns=k * SECOND_NS,
            frame=Frame(
                random.integers(30 * (k % 4), 256 - 60 * (k % 3), (48, 80, 3), np.uint8),
                k * SECOND_NS + 937_500_000,
                "camera",
            ),
            snippet=(random.uniform(-0.5, 0.5, 32000) * 0.1 ** (k % 3)).astype(np.float32),
        )
        for k in range(8)
    ]


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


@pytest.fixture
def model():
    """A model in which dropping any second of the history shows: `test_every_second_of_the_history_matters`."""
    return make_model_that_listens_back()


def test_every_second_of_the_history_matters(model, windows):
    """Without this the tests below could not fail."""
    whole = forward_last(model, windows[:5])
    for dropped in range(4):
        rest = [window for second, window in enumerate(windows[:5]) if second != dropped]
        assert np.abs(whole - forward_last(model, rest)).max() > 1e-3


def test_session_equals_forward_of_the_last_five_seconds(model, windows):
    session = Session(model, "cpu")
    for count, window in enumerate(windows, start=1):
        seen = step_probability(session, window)
        expected = forward_last(model, windows[max(0, count - 5) : count])
        assert np.abs(seen - expected).max() < 1e-5


def test_history_is_by_stamp_not_by_count(model, windows):
    session = Session(model, "cpu")
    for window in (windows[0], windows[1], windows[6]):  # four seconds are missing
        seen = step_probability(session, window)
    assert np.abs(seen - forward_last(model, [windows[6]])).max() < 1e-5


def test_windows_that_overlap_look_back_in_whole_seconds(model, windows):
    """Hop of half a second: the even windows and the odd ones are two clips."""
    often = [replace(window, start_ns=number * SECOND_NS // 2) for number, window in enumerate(windows)]
    session = Session(model, "cpu", history=3)
    seen = [step_probability(session, window) for window in often]
    assert np.abs(seen[7] - forward_last(model, often[3::2])).max() < 1e-5
    assert np.abs(seen[6] - forward_last(model, often[2:7:2])).max() < 1e-5


def test_history_may_be_shorter_than_the_models(model, windows):
    session = Session(model, "cpu", history=2)
    for window in windows:
        seen = step_probability(session, window)
    assert np.abs(seen - forward_last(model, windows[-2:])).max() < 1e-5


def test_what_a_session_keeps_of_a_second_is_small(model, windows):
    """Ten windows a second and the longest history: of each window two vectors a stage, whatever the size of its picture."""
    session = Session(model, "cpu", history=60)
    for number in range(8):
        session.step(replace(windows[number], start_ns=number * SECOND_NS // 10))
    kept = [summary for _, summary in session._summaries]
    assert len(kept) == 8
    assert all(summary.shape == (1, 2, 4, 4) for summary in kept)
    assert all(summary.untyped_storage().nbytes() == 4 * 2 * 4 * 4 for summary in kept)


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
    torch.testing.assert_close(session.newest.audio_logits, encoding.audio_logits)
    torch.testing.assert_close(session.newest.visual_logits, encoding.visual_logits)


def test_confidence_is_the_probability_at_the_size_of_the_picture(model, windows):
    """255 is certain, and where the mask is the confidence is above the threshold."""
    torch.nn.init.constant_(model.network.decoder.classify.bias, 0.0)  # an untrained head begins at 0.1
    session = Session(model, "cpu", threshold=0.5, presence_threshold=0.0)
    for window in windows:
        result = session.step(window)
        probability = cv2.resize(session.newest.logits[0].sigmoid().numpy(), (80, 48))
        np.testing.assert_allclose(result.confidence, 255 * probability, atol=0.51)
        np.testing.assert_array_equal(result.mask, probability > 0.5)
    assert result.confidence.max() > 100


def test_silence_gives_no_mask(tiny_model, windows):
    silent = Window(0, windows[0].frame, np.zeros(32000, np.float32))
    result = Session(tiny_model, "cpu", threshold=1e-6, presence_threshold=0.0).step(silent)
    assert not result.presence.audible
    assert result.presence.loudness_dbfs == pytest.approx(-120)
    assert not result.mask.any()
    assert not result.confidence.any()
    assert result.objects == ()


def test_a_source_out_of_view_gives_no_mask(tiny_model, windows):
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
    (larger, smaller), _ = objects_of(mask, probability, "dog", None, None)
    assert (larger.box, larger.area, larger.centroid, larger.score) == ((5, 10, 5, 10), 50, (7.0, 14.5), 0.75)
    assert smaller.box == (30, 30, 20, 2)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="threshold must lie within"):
        Session(make_tiny_model(), "cpu", threshold=1.5)
    with pytest.raises(ValueError, match="history must be at least 1 s, got 0"):
        Session(make_tiny_model(), "cpu", history=0)
    with pytest.raises(ValueError, match="use auto, cpu, cuda or cuda:N"):
        Session(make_tiny_model(), "tpu9")


def test_a_model_too_large_for_the_device_is_refused_and_unchanged(monkeypatch, windows):
    model, moved = make_tiny_model(), []

    def full(network, device):
        moved.append(device)
        if len(moved) == 1:
            raise RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB")
        return network

    monkeypatch.setattr(C3N, "to", lambda network, device=None, **form: full(network, device) if device else network)
    with pytest.raises(ValueError, match=r"does not fit on cpu \(CUDA out of memory.\); use another device"):
        Session(model, "cpu")
    assert moved == [torch.device("cpu"), "cpu"], "the half that was moved comes back"


def test_bfloat16_is_for_devices_and_networks_that_have_it(monkeypatch, windows):
    model = make_tiny_model(channels=32)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    exact, rounded = (Session(model, "cpu", precision=precision) for precision in ("float32", "bfloat16"))
    difference = np.abs(step_probability(exact, windows[0]) - step_probability(rounded, windows[0])).max()
    assert 0 < difference < 0.02
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    with pytest.raises(ValueError, match="cpu does not compute in bfloat16; use precision float32"):
        Session(model, "cpu", precision="bfloat16")
    with pytest.raises(ValueError, match="BrightNetwork.*float32"):
        Session(make_bright_model(), "cpu", precision="bfloat16")


class CountCopies(TorchDispatchMode):
    """Counts what would make a GPU's host wait: copies to the CPU, scalars read, and shapes that depend on values."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        options = options or {}
        name, inputs = str(function), arguments
        moved = name.startswith("aten._to_copy") and options.get("device") not in (None, inputs[0].device)
        by_mask = name.startswith("aten.index") and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in arguments[1]
        )
        if by_mask or moved or name.startswith(("aten._local_scalar_dense", "aten.nonzero", "aten.masked_select")):
            self.found.append(name)
        return function(*arguments, **options)


@pytest.mark.parametrize("settings", [{}, {"consensus": "none", "fusion_norm": True, "decoder": "authors"}])
def test_a_step_waits_for_the_device_once(settings, windows, monkeypatch):
    """At the end, for mask and numbers together. On a CPU that is the one call of `read_answer`, which copies nothing there."""
    session = Session(make_tiny_model(**settings), "cpu")
    session.step(windows[0])
    reads = []
    monkeypatch.setattr(
        "c3n_model.streaming.session.read_answer", lambda decoding: reads.append(1) or read_answer(decoding)
    )
    with CountCopies() as counted:
        session.step(windows[1])
        session.step(windows[2])
    assert counted.found == []
    assert len(reads) == 2
    with CountCopies() as counted, torch.no_grad():  # of a clip it does not know in advance what is selected
        session.network.decode(session.network.encode(*session.inputs(windows[1])), torch.tensor([[True]]))
    assert counted.found


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
