"""A tiny folder for `c3n zero-shot-bench`, and tiny networks with random weights for it."""

from __future__ import annotations

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


def tiny_model(segmenter=None, **settings) -> Model:
    torch.manual_seed(0)
    config = ZeroShotConfig(segmenter="none", image_size=32, **settings)
    vocabulary = noun_vocabulary(SOUNDS, segmenter.labels if segmenter else None)
    network = ZeroShot(
        visual_encoder=VisualEncoder("test_resnet", 1000),
        audio_encoder=Ear(),
        vocabulary=vocabulary,
        segmenter=segmenter,
        refinement=config.refinement,
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
    frames = [Frame(np.full((48, 64, 3), 10 * k, np.uint8), k * SECOND // 10) for k in range(10 * seconds)]
    sound, step = loudness * tone(440, seconds, 16000)[:, None], 800
    chunks = [AudioChunk(sound[at : at + step], 16000, at * SECOND // 16000) for at in range(0, len(sound), step)]
    with VideoWriter(path) as writer:
        for item in sorted(frames + chunks, key=arrival_ns):
            writer.write(item)


def write_data(folder: Path) -> Path:
    """Two pictures (a person, a dog), a sound of each and one of nothing known, a pair, a clip, a silent clip."""
    write_picture(folder / "coco", "a.png", 1)
    write_picture(folder / "coco", "b.jpeg", 18)
    write_sound(folder / "esc10/sneezing/1.wav", 440)
    write_sound(folder / "esc10/dog/1.wav", 900)
    write_sound(folder / "esc10/zither of glass/1.wav", 900)
    write_sound(folder / "pairs/dog_audio.wav", 700, seconds=0.5)
    write_sound(folder / "pairs/lonely_audio.wav")
    cv2.imwrite(str(folder / "pairs/dog_image.jpg"), np.full((30, 30, 3), 90, np.uint8))
    write_video(folder / "avsbench_clips/x_y.mp4")
    (folder / "avsbench_clips/avsbench_metadata.csv").write_text("vid,a_obj\n_x_y_0,dog\n_x_y_1,dog_man\n")
    write_video(folder / "silent/q.mp4", loudness=0)
    return folder
