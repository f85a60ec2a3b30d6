"""A tiny folder for `c3n zero-shot-bench`, and tiny networks with random weights for it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import soundfile
import torch
from torch import Tensor, nn

from c3n_model.config import ZeroShotConfig
from c3n_model.model import Model
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.sources.media import arrival_ns
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.types import AudioChunk, Frame
from c3n_model.zero_shot.vocabulary import noun_vocabulary
from c3n_model.zero_shot.zero_shot import ZeroShot

RATE = 8000
SECOND = 1_000_000_000
SOUNDS = ("Speech", "Sneeze", "Dog", "Bark", "Chicken, rooster", "Siren", "Engine", "Animal")


class Ear(nn.Module):
    """A logit for each of SOUNDS: the level in as many bands of the spectrum."""

    sample_rate = RATE

    def forward(self, snippets: Tensor) -> tuple[None, Tensor]:
        spectrum = torch.fft.rfft(snippets[:, :RATE]).abs()[:, : 500 * len(SOUNDS)]
        return None, spectrum.unflatten(1, (len(SOUNDS), -1)).mean(dim=2).log1p()


class LeftHalf:
    """A segmenter that finds a person in the left half of every picture."""

    labels = ("background", "person")

    def __call__(self, frames: Tensor) -> Tensor:
        masks = torch.zeros(len(frames), 2, 8, 8, device=frames.device)
        masks[:, 1, :, :4] = 1
        return masks


def tiny_model(segmenter=None, network_prior=None, **settings) -> Model:
    torch.manual_seed(0)
    config = ZeroShotConfig(segmenter="none", image_size=32, **settings)
    vocabulary = noun_vocabulary(SOUNDS, segmenter.labels if segmenter else None)
    network = ZeroShot(
        visual_encoder=VisualEncoder("test_resnet", 1000),
        audio_encoder=Ear(),
        vocabulary=vocabulary,
        segmenter=segmenter,
        refinement=config.refinement,
        prior=network_prior,
    ).eval()
    return Model("tiny", network, config, SOUNDS, vocabulary.labels, card={"note": "Tiny."})


def tone(hertz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write_picture(folder: Path, name: str, category: int, size: tuple[int, int] = (40, 60)) -> None:
    """A picture and the polygon of its left half, of a COCO id."""
    rng = np.random.default_rng(category)
    for part in ("images", "instance_polygons"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"images/{name}"), rng.integers(0, 255, (*size, 3), np.uint8))
    (folder / f"instance_polygons/{Path(name).stem}.txt").write_text(f"{category} 0 0 0.5 0 0.5 1 0 1\n")


def write_sound(path: Path, hertz: float = 440, seconds: float = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(hertz, seconds), RATE)


def write_video(path: Path, seconds: int = 2, loudness: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Frame(np.full((48, 64, 3), min(10 * k, 255), np.uint8), k * SECOND // 10) for k in range(10 * seconds)]
    sound, step = loudness * tone(440, seconds, 16000)[:, None], 800
    chunks = [AudioChunk(sound[at : at + step], 16000, at * SECOND // 16000) for at in range(0, len(sound), step)]
    with VideoWriter(path) as writer:
        for item in sorted(frames + chunks, key=arrival_ns):
            writer.write(item)


def write_cutout(folder: Path, name: str, colour: tuple[int, int, int] = (200, 40, 40), hertz: float = 440) -> None:
    """A disc of one colour on a transparent square, and its sound."""
    folder.mkdir(parents=True, exist_ok=True)
    bgra = np.zeros((40, 40, 4), np.uint8)
    cv2.circle(bgra, (20, 20), 15, (*colour[::-1], 255), cv2.FILLED)
    cv2.imwrite(str(folder / f"{name}.png"), bgra)
    write_sound(folder / f"{name}.wav", hertz)


def write_data(folder: Path) -> Path:
    """All that the bench reads, in the reported half: two pictures (a person, a dog) and an empty one, a sound of each, one
    that nothing makes and one of nothing known, two cut-outs, a pair, an AVSBench clip, a clip with its truth, a silent one.
    """
    write_picture(folder / "coco", "a.png", 1)
    write_picture(folder / "coco", "b.jpeg", 18)
    write_picture(folder / "coco", "c.png", 15)
    (folder / "coco/instance_polygons/c.txt").write_text("")
    write_sound(folder / "esc10/sneezing/4.wav", 440)
    write_sound(folder / "esc10/dog/5.wav", 900)
    write_sound(folder / "esc10/rain/5.wav", 2900)
    write_sound(folder / "esc10/zither of glass/4.wav", 900)
    write_cutout(folder / "cutouts", "goat")
    write_cutout(folder / "cutouts", "cow", (20, 200, 20), 700)
    write_sound(folder / "pairs/dog_audio.wav", 700, seconds=0.5)
    write_sound(folder / "pairs/lonely_audio.wav")
    cv2.imwrite(str(folder / "pairs/dog_image.jpg"), np.full((30, 30, 3), 90, np.uint8))
    write_video(folder / "avsbench_clips/yard.mp4")
    (folder / "avsbench_clips/avsbench_metadata.csv").write_text("vid,a_obj\n_yard_0,dog\n_yard_1,dog_man\n")
    write_video(folder / "clips/street.mp4", seconds=3)
    seconds = [
        {"second": 0, "sounding": ["person"], "polygons": [[0, 0, 0.5, 0, 0.5, 1, 0, 1]]},
        {"second": 2, "sounding": ["car"], "polygons": []},
    ]
    (folder / "clips/truth.json").write_text(json.dumps({"street.mp4": seconds}))
    write_video(folder / "silent/q.mp4", loudness=0)
    return folder
