"""An open-vocabulary eye by settings: built from YAML, and what cannot be."""

import sys

import pytest
import torch
from prompted import RIGHT, Prompted, TopHalves
from public_weights import write_public_weights
from toy_weights import own_weights

from c3n_model.config import ZeroShotConfig, from_mapping
from c3n_model.labels.sound_sources import sound_sources
from c3n_model.loading import load_model
from c3n_model.streaming.session import Session
from c3n_model.types import Frame, Window
from c3n_model.weights import manifest
from c3n_model.zero_shot import sources
from c3n_model.zero_shot.open_vocabulary import BEST_SOUNDS, OpenVocabularyEye
from c3n_model.zero_shot.sources import pretrained_eye

SOUNDS = sorted(sound_sources())
SOUNDS += [f"sound {number}" for number in range(527 - len(SOUNDS))]


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Random weights under the public names, and classes of which some have sources."""
    own_weights(tmp_path, monkeypatch)
    monkeypatch.setattr(manifest, "fault", lambda file, path: "")
    write_public_weights(tmp_path)
    rows = "".join(f'{number},/m/{number},"{name}"\n' for number, name in enumerate(SOUNDS))
    (tmp_path / "class_labels_indices.csv").write_text(f"index,mid,display_name\n{rows}")
    return tmp_path


def settings_file(folder, **settings):
    lines = [f"  {name}: {value}" for name, value in {"prior": "none", "segmenter": "none", **settings}.items()]
    (folder / "mine.yaml").write_text("\n".join(["zero_shot:", *lines]))
    return folder / "mine.yaml"


def step(model):
    generator = torch.Generator().manual_seed(0)
    picture = torch.randint(0, 255, (48, 64, 3), generator=generator, dtype=torch.uint8).numpy()
    sound = 0.1 * torch.randn(model.sample_rate, generator=generator).numpy()
    return Session(model, "cpu", presence_threshold=0.0, visibility_threshold=0.0).step(
        Window(0, Frame(picture, 0), sound)
    )


def test_a_file_of_settings_is_a_model_with_an_eye(weights, monkeypatch):
    detector = Prompted({noun: (RIGHT, 0.99) for nouns in sound_sources().values() for noun in nouns})
    asked = []
    monkeypatch.setattr(sources, "find_folder", lambda name: asked.append(name) or name)
    monkeypatch.setattr(sources, "open_prompted", lambda folder: detector)
    monkeypatch.setattr(sources, "open_outliner", lambda folder: TopHalves())
    path = settings_file(
        weights, open_vocabulary="owner/eye", open_vocabulary_masks="owner/masks", open_vocabulary_score=0.6,
        open_vocabulary_every=7, detector="none",
    )  # fmt: skip
    model = load_model(path)
    assert asked == ["owner/eye", "owner/masks"]
    eye = model.network.eye
    assert isinstance(eye, OpenVocabularyEye) and (eye.every, eye._own_score) == (7, 0.6)
    assert {"helicopter", "blender", "lawn mower"} <= set(model.visual_labels)
    assert model.network.similarity.shape == (527, len(model.visual_labels))
    assert "those of eye. Masks are approximate." in model.card["note"]
    found = step(model)
    assert len(detector.asked) == 1 and found.label.visual in detector.asked[0]
    assert found.mask.any() and not found.mask[:, :32].any()


def test_without_the_setting_there_is_no_eye(weights):
    model = load_model(settings_file(weights, detector="none"))
    assert model.network.eye is None and "helicopter" not in model.visual_labels


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"open_vocabulary_masks": "sam"}, "set open_vocabulary, too"),
        ({"open_vocabulary": "dino", "labels": "t.safetensors"}, 'set open_vocabulary: "", or labels: sources'),
    ],
)
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(ValueError, match=message):
        pretrained_eye(ZeroShotConfig(**settings), ("Bark",))


@pytest.mark.parametrize(
    "settings",
    [
        {"open_vocabulary_every": 0},
        {"open_vocabulary_score": 1.5},
        {"open_vocabulary": 1},
        {"open_vocabulary_every": 1.5},
    ],
)
def test_values_that_cannot_be(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        from_mapping(ZeroShotConfig, settings)


def test_a_missing_model_is_said_without_naming_other_files(weights):
    with pytest.raises(FileNotFoundError, match="'no/such/eye'; expected a folder") as refused:
        load_model(settings_file(weights, detector="none", open_vocabulary="no/such/eye"))
    assert "put 0 files" not in str(refused.value)


def test_the_missing_package_is_said(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"model_type": "owlv2"}')
    (tmp_path / "model.safetensors").touch()
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match="needs the package transformers.*open-vocabulary"):
        pretrained_eye(ZeroShotConfig(open_vocabulary=str(tmp_path)), ("Bark",))


@pytest.mark.parametrize("content", ["[]", "{", "{}"])
def test_a_config_that_states_no_kind_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ValueError, match="does not state a model_type"):
        pretrained_eye(ZeroShotConfig(open_vocabulary=str(tmp_path)), ("Bark",))


def test_the_longest_prompt_fits_into_the_text_of_grounding_dino():
    counts = sorted((sum(len(noun.split()) + 2 for noun in nouns) for nouns in sound_sources().values()), reverse=True)
    assert sum(counts[:BEST_SOUNDS]) + 2 < 256


def test_an_eye_of_transformers_from_a_file_of_settings(weights):
    pytest.importorskip("transformers", reason='transformers is not installed: pip install ".[open-vocabulary]"')
    from tiny_transformers import save_grounding_dino, save_sam2

    folders = save_grounding_dino(weights / "dino"), save_sam2(weights / "sam")
    path = settings_file(
        weights,
        open_vocabulary=folders[0],
        open_vocabulary_masks=folders[1],
        open_vocabulary_score=0.01,
        detector="none",
    )
    model = load_model(path)
    looked = []
    model.network.eye.detector.register_forward_hook(lambda module, args, found: looked.append((args[1], len(found))))
    found = step(model)
    assert found.mask.shape == (48, 64) and found.objects is not None
    ((nouns, count),) = looked
    assert nouns and count == 12 * len(nouns)
