"""One tagger, or two whose logits are averaged: which classes, at which sample rate, from which files."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from public_weights import SOUNDS, save_label_table, write_public_weights
from torch import nn
from yamnet_file import constants, write_yamnet

from c3n_model.config import ZeroShotConfig
from c3n_model.labels.names import audioset_names
from c3n_model.labels.sound_sources import noun_of, sound_sources
from c3n_model.network.audio.yamnet import NUM_CLASSES
from c3n_model.weights import manifest
from c3n_model.zero_shot.background import Background, load_background
from c3n_model.zero_shot.build import load_zero_shot
from c3n_model.zero_shot.needed_files import needed_files
from c3n_model.zero_shot.prior import second_logits
from c3n_model.zero_shot.taggers import AveragedTaggers, load_taggers, second_tagger_of

HIGH, LOW = 32_000, 16_000


class Sine(nn.Module):
    """A tagger whose logits are the mean powers of its waveform, once for each class, times 1, 2, 3 ..."""

    embedding_channels = 1

    def __init__(self, sample_rate: int, num_classes: int):
        super().__init__()
        self.sample_rate, self.num_classes = sample_rate, num_classes

    def forward(self, waveform):
        power = waveform.square().mean(dim=1, keepdim=True)
        return power, power * torch.arange(1.0, self.num_classes + 1)


def tone(hertz: float, seconds: int = 2) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hertz * torch.arange(seconds * HIGH) / HIGH)[None]


def both(places=(2, 0), first_rate: int = HIGH, second_rate: int = LOW) -> AveragedTaggers:
    return AveragedTaggers(Sine(first_rate, 3), Sine(second_rate, len(places)), torch.tensor(places))


def test_logits_are_averaged_where_both_know_the_class():
    """A tone of power 1/2 has 0.5, 1, 1.5 by the first; by the second 0.5 for class 2 and 1 for class 0; none for class 1."""
    embedding, logits = both()(tone(1000))
    assert logits[0].tolist() == pytest.approx([0.75, 1.0, 1.0], abs=0.01)
    assert embedding.item() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(("hertz", "power"), [(100, 0.5), (5000, 0.5), (7000, 0.5), (9000, 0.0), (15000, 0.0)])
def test_the_second_hears_its_own_band_without_aliases(hertz, power):
    lower = both().at_lower_rate(tone(hertz))
    assert lower.shape == (1, 2 * LOW)
    inside = lower[:, 200:-200]
    assert inside.square().mean().item() == pytest.approx(power, abs=0.005)


def test_equal_rates_need_no_resampling():
    waveform = tone(440)
    assert both(second_rate=HIGH).at_lower_rate(waveform) is waveform


def test_a_rate_that_is_no_multiple_is_refused():
    with pytest.raises(ValueError, match="16000 Hz beside one at 24000 Hz"):
        both(first_rate=24_000)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Random public weights, without YAMNet."""
    weights = tmp_path / "weights"
    weights.mkdir()
    write_public_weights(weights)
    monkeypatch.setenv("C3N_WEIGHTS", str(weights))
    monkeypatch.setattr(manifest, "cache_folder", lambda: tmp_path / "cache")
    return weights


def put_yamnet(folder, labels):
    write_yamnet(folder / "yamnet.tflite", constants(np.random.default_rng(0)), labels)


@pytest.fixture
def of_any_size(monkeypatch):
    """Files of another size than the public one's are taken."""
    entry = manifest.entry
    monkeypatch.setattr(manifest, "entry", lambda name: entry(name).__class__(**{**vars(entry(name)), "bytes": None}))


def test_the_second_tagger_is_taken_where_it_is(folder, of_any_size):
    assert [second_tagger_of(choice) for choice in ("auto", "none", "yamnet")] == [None, None, "yamnet"]
    with pytest.raises(FileNotFoundError, match=r"yamnet\.tflite.*c3n weights get yamnet"):
        load_taggers("mn04", "yamnet", tuple(SOUNDS))
    put_yamnet(folder, SOUNDS[:NUM_CLASSES])
    assert second_tagger_of("auto") == "yamnet" and second_tagger_of("none") is None
    with pytest.raises(ValueError, match="second_audio is 'panns'; expected one of auto, yamnet, none"):
        second_tagger_of("panns")


def test_classes_are_matched_by_name(folder, of_any_size):
    """YAMNet's first class is AudioSet's last here."""
    put_yamnet(folder, [*reversed(SOUNDS[-NUM_CLASSES:])])
    taggers, files, _ = load_taggers("mn04", "yamnet", tuple(SOUNDS))
    assert [path.name for path in files] == ["mn04_as_mAP_432.pt", "yamnet.tflite"]
    waveform = 0.1 * torch.randn(1, HIGH, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = taggers.first(waveform)[1][0], taggers.second(taggers.at_lower_rate(waveform))[1][0]
        logits = taggers(waveform)[1][0]
    assert torch.equal(logits[:6], first[:6])  # which YAMNet does not know
    assert torch.allclose(logits[6:], (first[6:] + second.flip(0)) / 2)
    put_yamnet(folder, ["Unheard of", *SOUNDS[1:NUM_CLASSES]])
    with pytest.raises(ValueError, match=r"yamnet\.tflite has the class 'Unheard of'"):
        load_taggers("mn04", "yamnet", tuple(SOUNDS))


def test_a_background_of_other_taggers_is_refused(folder, of_any_size, tmp_path):
    """Its logits have other means: a robot that gets a second tagger has to learn its noise anew."""
    config = ZeroShotConfig(prior="none", segmenter="none", detector="none")
    alone = load_zero_shot(config)
    put_yamnet(folder, SOUNDS[:NUM_CLASSES])
    two = load_zero_shot(config)
    assert (alone.tagger, two.tagger) == ("mn04", "mn04+yamnet")
    assert "c3n weights get yamnet" in alone.card["note"] and "c3n weights get yamnet" not in two.card["note"]
    background = Background()
    background.learn(1.0)
    background.hear(torch.zeros(len(SOUNDS)), 1.0, published=False)
    for model, other in ((alone, two), (two, alone)):
        path = tmp_path / f"{model.tagger}.csv"
        background.save(path, model.audio_labels, model.tagger)
        assert load_background(path, model.audio_labels, model.tagger).statistics is not None
        with pytest.raises(
            ValueError, match=f"measured with {model.tagger.replace('+', '[+]')}, but.*{other.tagger[-6:]}"
        ):
            load_background(path, other.audio_labels, other.tagger)
    older = tmp_path / "older.csv"
    background.save(older, alone.audio_labels)
    assert load_background(older, alone.audio_labels, alone.tagger).statistics is not None
    with pytest.raises(ValueError, match="measured with one tagger"):
        load_background(older, two.audio_labels, two.tagger)


def test_plain_c3im_has_a_second_tagger_only_if_it_is_asked_for(folder, of_any_size, tmp_path):
    put_yamnet(folder, SOUNDS[:NUM_CLASSES])
    save_label_table(tmp_path / "labels.safetensors")
    config = ZeroShotConfig(labels=str(tmp_path / "labels.safetensors"), segmenter="none", detector="none")
    taggers = [load_zero_shot(replace(config, second_audio=choice)).tagger for choice in ("auto", "none", "yamnet")]
    assert taggers == ["mn04", "mn04", "mn04+yamnet"]
    assert "yamnet" in needed_files(replace(config, second_audio="yamnet")).required
    assert "yamnet" not in (*needed_files(config).required, *needed_files(config).optional)


@pytest.mark.realdata
def test_both_name_more_cut_outs_than_one(real_data):
    """The best sound with a source, on average over the seconds of a recording, is one that the thing makes: 9 and 12 of 23."""
    if manifest.locate(manifest.entry("yamnet")) is None:
        pytest.skip("needs yamnet.tflite: c3n weights get yamnet")
    sounds = tuple(audioset_names(manifest.find("audioset_classes")))
    things = dict(line.split(maxsplit=1) for line in (real_data / "cutouts/names.txt").read_text().splitlines() if line)
    sourceless = torch.tensor([name not in sound_sources() for name in sounds])

    def named(second: str) -> int:
        taggers, *_ = load_taggers("mn04", second, sounds)
        recordings = {name: second_logits(taggers, real_data / f"cutouts/{name}.ogg") for name in things}
        best = {
            name: sounds[int(torch.stack(logits).mean(dim=0).masked_fill(sourceless, -torch.inf).argmax())]
            for name, logits in recordings.items()
        }
        return sum(noun_of(noun) in sound_sources()[best[name]] for name, noun in things.items())

    assert (named("none"), named("yamnet")) == (9, 12)
