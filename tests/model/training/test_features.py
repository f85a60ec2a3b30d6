"""Cached features equal computed ones."""

import dataclasses

import pytest
import torch
from tiny import make_tiny_model

from c3n_model.config import TrainConfig
from c3n_model.data.avsbench import AVSBench
from c3n_model.progress import silent
from c3n_model.synthetic.synthesize import synthesize
from c3n_model.training.clips import TrainingClips, seed_clip
from c3n_model.training.features import cache_features, encoding_from
from c3n_model.training.loop import train

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    epochs=2, batch_size=2, learning_rate=1e-3, color_jitter=False, freeze_backbone=True, cache_features=True
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    synthesize(folder, "ms3", {"train": 3}, seed=0, progress=silent)
    return AVSBench(folder, "ms3", "train", 32000)


def keep(model, clips, folder, **more):
    return cache_features(model, [clips], folder, CPU, silent, **{"flip": True, "seed": 0, **more})


def test_training_on_them_gives_the_same_network(clips, tmp_path):
    networks = []
    for cached in (False, True):
        model = make_tiny_model()
        own = keep(model, clips, tmp_path) if cached else TrainingClips(clips, 64, CONFIG)
        train(
            model.network, own, CONFIG, CPU, validate=lambda: 0.0, keep=lambda history: None, progress=silent, workers=0
        )  # fmt: skip
        networks.append(model.network.state_dict())
    for name, value in networks[0].items():
        torch.testing.assert_close(networks[1][name], value, rtol=1e-3, atol=1e-5)


def encoded(model, clips, index, flipped=False):
    """What C3N.encode gives of a clip now."""
    clip = clips[index]
    frames, snippets = model.inputs(clip.frames, clip.snippets, CPU)
    with torch.no_grad():
        return model.network.encode(frames.flip(-1) if flipped else frames, snippets)


def assert_equal_to_encode(model, clips, kept):
    """Every bit of every clip in an epoch in which it is flipped, and in one in which it is not."""
    for index in range(len(clips)):
        for flipped in (False, True):
            epoch = next(e for e in range(1, 99) if flip_of(kept.seed, e, index) == flipped)
            features, masks, _ = kept[epoch, index]
            expected = encoded(model, clips, index, flipped)
            own = encoding_from({name: value[None] for name, value in features.items()}, tuple(masks.shape[1:]))
            for name in ("audio", "audio_logits", "visual_logits"):
                assert torch.equal(getattr(own, name), getattr(expected, name)), name
            assert all(map(torch.equal, own.visual, expected.visual))
            assert all(map(torch.equal, vars(own.consensus).values(), vars(expected.consensus).values()))


def flip_of(seed, epoch, index):
    with torch.random.fork_rng(devices=[]):
        return seed_clip(seed, epoch, index)


def test_existing_features_are_not_computed_again(clips, tmp_path, monkeypatch):
    model = make_tiny_model()
    keep(model, clips, tmp_path)
    refuse_backbone(model, monkeypatch)
    assert len(keep(model, clips, tmp_path)) == 3
    keep(model, clips, tmp_path, flip=False)


def refuse_backbone(model, monkeypatch):
    monkeypatch.setattr(model.network.visual_encoder, "observe", pytest.fail)
    monkeypatch.setattr(model.network.audio_encoder, "forward", pytest.fail)


SETTINGS = [
    {"consensus": "none"},
    {},
    {"consensus": "visual"},
    {"alpha": 0.5},
    {"alpha": 0.0, "beta": 1.0},
    {"gate": "unit"},
    {"gate": "standard", "gate_strength": 0.5},
    {"audio_features": False, "channels": 4},
]


def test_settings_share_what_encoders_give_and_all_equal_encode(clips, tmp_path):
    for setting in SETTINGS:
        model = make_tiny_model(**setting)
        assert_equal_to_encode(model, clips, keep(model, clips, tmp_path))
    (shared,) = tmp_path.iterdir()
    assert len(list(shared.glob("*.safetensors"))) == 2 * len(clips)
    assert (
        len([path for path in shared.iterdir() if path.is_dir()]) == 5
    )  # gates and what follows need none of their own


def test_the_backbone_runs_for_new_pairs_of_frame_and_class_only(clips, tmp_path, monkeypatch):
    keep(make_tiny_model(), clips, tmp_path)
    same = make_tiny_model(alpha=0.1 + 1e-9)  # another setting that infers the same classes
    refuse_backbone(same, monkeypatch)
    keep(same, clips, tmp_path)
    monkeypatch.undo()
    other = make_tiny_model(consensus="visual")
    counted, observe = [], other.network.visual_encoder.observe
    monkeypatch.setattr(
        other.network.visual_encoder,
        "observe",
        lambda frames, **more: counted.append(len(frames)) or observe(frames, **more),
    )
    kept, former = keep(other, clips, tmp_path), keep(same, clips, tmp_path)
    assert_equal_to_encode(make_tiny_model(consensus="visual"), clips, kept)
    changed = sum(
        int(
            (kept[epoch, index][0]["consensus.visual_class"] != former[epoch, index][0]["consensus.visual_class"]).sum()
        )
        for index in range(len(clips))
        for epoch in (next(e for e in range(1, 99) if flip_of(0, e, index) == flipped) for flipped in (False, True))
    )
    assert sum(counted) == changed > 0


def test_other_encoders_have_files_of_their_own(clips, tmp_path):
    keep(make_tiny_model(), clips, tmp_path)
    keep(make_tiny_model(image_size=32), clips, tmp_path)
    other = make_tiny_model()
    other.network.visual_encoder.set_normalisation(mean=(0.4,) * 3, std=(0.5,) * 3)
    keep(other, clips, tmp_path)
    with torch.no_grad():
        next(other.network.audio_encoder.parameters()).add_(1e-3)
    keep(other, clips, tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_broken_file_is_named(clips, tmp_path):
    kept = keep(make_tiny_model(), clips, tmp_path)
    for path in tmp_path.glob("*/000001*.safetensors"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="000001.*remove its folder"):
        kept[1, 1]


def test_only_constant_features_can_be_cached():
    for change in ({"color_jitter": True}, {"freeze_backbone": False}):
        with pytest.raises(ValueError, match="cache_features.*freeze_backbone: true.*color_jitter: false"):
            dataclasses.replace(CONFIG, **change)
