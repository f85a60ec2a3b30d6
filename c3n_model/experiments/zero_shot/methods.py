"""Ways to answer "what sounds, and where?", each a function of a scene's frame and its seconds of sound."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from c3n_model.model import Model
from c3n_model.network.c3n import Decoding
from c3n_model.preprocess import frames_to_tensor
from c3n_model.zero_shot.masks import View
from c3n_model.zero_shot.zero_shot import ZeroShot


@dataclass(frozen=True)
class Answer:
    """`confidence` float32 (h, w) in [0, 1], the mask where above 0.5; `noun` what sounds, "" where the method names
    nothing; `presence` None where it always answers; `milliseconds` None where it cost what another did."""

    confidence: np.ndarray
    noun: str = ""
    presence: float | None = None
    milliseconds: float | None = None


def fixed_answers(size: tuple[int, int]) -> dict[str, Answer]:
    """Answers that look at nothing: everything, and the box of half the height and width in the centre."""
    height, width = size
    box = np.zeros(size, np.float32)
    box[height // 4 : height - height // 4, width // 4 : width - width // 4] = 1
    return {"all_foreground": Answer(np.ones(size, np.float32)), "centre_box": Answer(box)}


@torch.no_grad()
def consensus_answer(model: Model, rgb: np.ndarray, seconds: np.ndarray, device: torch.device) -> Answer:
    """What the model publishes for the newest of `seconds` (T, samples) with the picture."""
    history = model.config.history
    frames, snippets = _inputs(model, rgb, seconds[-history:], device)
    decoding, milliseconds = _decode(model.network, frames, snippets)
    label = model.visual_labels[int(decoding.consensus.visual_class[0])]
    return Answer(_confidence(decoding.logits), label, float(decoding.presence[0]), milliseconds)


@torch.no_grad()
def one_sense_answers(
    model: Model, rgb: np.ndarray, seconds: np.ndarray, truth: str, device: torch.device
) -> dict[str, Answer]:
    """The same maps for classes that one sense chose alone, and for the true one: the class most seen, the class most
    heard, and, as the ceiling of the maps, the `truth` where the vocabulary has it."""
    frames, snippets = _inputs(model, rgb, seconds, device)
    decoding, _ = _decode(model.network, frames, snippets)
    heard = decoding.audio_logits[0].masked_fill(~(model.network.similarity > 0).any(dim=1), -torch.inf)
    chosen = {
        "vision_only": int(decoding.visual_logits[0].argmax()),
        "audio_only": int(model.network.similarity[heard.argmax()].argmax()),
    }
    if truth in model.visual_labels:
        chosen["true_class"] = model.visual_labels.index(truth)
    answers = {}
    for name, index in chosen.items():
        logits, _ = model.network.mask_of([View(frames[-1], None, None)], torch.tensor([index]))
        answers[name] = Answer(_confidence(logits), model.visual_labels[index])
    return answers


def _inputs(model: Model, rgb: np.ndarray, seconds: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
    frame = frames_to_tensor(rgb[None], model.config.image_size).to(device)
    return frame.expand(len(seconds), -1, -1, -1), torch.from_numpy(seconds).to(device)


def _decode(network: ZeroShot, frames: Tensor, snippets: Tensor) -> tuple[Decoding, float]:
    """The newest second, and what it cost: a live session has heard the others before."""
    before = network.encode(frames[:-1], snippets[:-1]) if len(frames) > 1 else None
    wanted = (torch.arange(len(frames), device=frames.device) == len(frames) - 1)[None]
    synchronise: Callable[[], None] = torch.cuda.synchronize if frames.is_cuda else lambda: None
    synchronise()
    start = time.perf_counter()
    newest = network.encode(frames[-1:], snippets[-1:])
    decoding = network.decode(newest.join([before, newest]) if before is not None else newest, wanted)
    synchronise()
    return decoding, 1e3 * (time.perf_counter() - start)


def _confidence(logits: Tensor) -> np.ndarray:
    return logits[0].sigmoid().cpu().numpy()
