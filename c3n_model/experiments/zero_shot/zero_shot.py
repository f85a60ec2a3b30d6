"""`c3n zero-shot-bench`: how right are the masks and names of the zero-shot model, against answers that know less?

Constants were tuned on the pictures in `tuned_on.txt`; those count nowhere here, unless they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from c3n_model.config import ZeroShotConfig
from c3n_model.experiments.zero_shot.methods import Answer, consensus_answer, fixed_answers, one_sense_answers
from c3n_model.experiments.zero_shot.pictures import Picture
from c3n_model.experiments.zero_shot.scenes import Scene
from c3n_model.experiments.zero_shot.sounds import Sound
from c3n_model.labels.names import imagenet_names
from c3n_model.labels.sound_sources import imagenet_nouns, is_a
from c3n_model.model import Model
from c3n_model.progress import Progress
from c3n_model.scoring.bootstrap import mean_interval
from c3n_model.zero_shot.build import load_zero_shot

PLATEAU = 1e-3  # confidences that differ by less are equal


@dataclass(frozen=True)
class Score:
    """One method's answer to one scene. `pointed` whether the peak of the confidence lies in the mask; `named` whether the
    noun is right, None where the method names nothing."""

    iou: float
    pointed: bool
    named: bool | None
    published: bool
    milliseconds: float | None


def tuned_on() -> frozenset[str]:
    """Names of the pictures that constants were tuned on."""
    return frozenset((Path(__file__).parent / "tuned_on.txt").read_text(encoding="utf-8").split())


def load_models(plain_table: Path, device: torch.device) -> dict[str, Model]:
    """The networks that are compared, on `device`: plain C3IM with the label table in a file; `with_segmenter` only where
    there is a segmenter."""
    classifiers = ZeroShotConfig(segmenter="none")
    configs = {
        "classifiers": classifiers,
        "classifiers_one_second": replace(classifiers, history=1),
        "classifiers_no_refinement": replace(classifiers, refinement="none"),
        "classifiers_grabcut": replace(classifiers, refinement="grabcut"),
        "with_segmenter": ZeroShotConfig(),
        "plain_c3im": replace(classifiers, labels=str(plain_table), alpha=0.1, beta=0.1, history=1, refinement="none"),
    }
    models = {name: load_zero_shot(config) for name, config in configs.items()}
    if models["with_segmenter"].network.segmenter is None:
        del models["with_segmenter"]
    for model in models.values():
        model.network.to(device)
    return models


def score_scenes(
    models: dict[str, Model],
    scenes: list[Scene],
    device: torch.device,
    progress: Progress,
    keep: Callable[[Scene, dict[str, Answer]], None] = lambda scene, answers: None,
) -> dict[str, list[Score]]:
    """Every method on every scene, in their order; `keep` sees all answers."""
    scores: dict[str, list[Score]] = {}
    for scene in scenes[:1]:  # a network's first answer takes longer, and counts in no time
        for model in models.values():
            consensus_answer(model, scene.picture.rgb, scene.sound.seconds(model.sample_rate), device)
    for scene in progress(scenes, "scenes"):
        seconds = scene.sound.seconds(models["classifiers"].sample_rate)
        answers = fixed_answers(scene.mask.shape)
        answers |= one_sense_answers(models["classifiers"], scene.picture.rgb, seconds, scene.noun, device)
        for name, model in models.items():
            answers[name] = consensus_answer(model, scene.picture.rgb, seconds, device)
        for name, answer in answers.items():
            threshold = models[name].config.presence_threshold if name in models else 0.0
            scores.setdefault(name, []).append(score_answer(answer, scene, threshold))
        keep(scene, answers)
    return scores


def score_answer(answer: Answer, scene: Scene, presence_threshold: float) -> Score:
    """How right an answer is. Its mask counts also where it would not be published; an empty one has an IoU of 0."""
    height, width = scene.mask.shape
    confidence = cv2.resize(answer.confidence, (width, height), interpolation=cv2.INTER_LINEAR)
    mask = confidence > 0.5
    union = (mask | scene.mask).sum()
    return Score(
        iou=float((mask & scene.mask).sum() / union) if union else 1.0,
        pointed=_says_something(confidence) and bool(scene.mask[peak(confidence)]),
        named=same_thing(answer.noun, scene.noun) if answer.noun else None,
        published=bool(mask.any()) and (answer.presence is None or answer.presence >= presence_threshold),
        milliseconds=answer.milliseconds,
    )


def _says_something(confidence: np.ndarray) -> bool:
    """A map of nothing has no peak."""
    return bool(confidence.max() > 0.5 or np.ptp(confidence) > PLATEAU)


def peak(confidence: np.ndarray) -> tuple[int, int]:
    """Row and column of the highest confidence; of a plateau the place farthest from its edge, as a robot would aim."""
    plateau = (confidence >= confidence.max() - PLATEAU).astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(plateau, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return int(row), int(column)


def same_thing(answer: str, truth: str) -> bool:
    """A rooster is a right answer to a bird, and so is each of ImageNet's own names of birds."""
    if is_a(answer, truth):
        return True
    classes = [index for index, name in enumerate(imagenet_names()) if name == answer]
    return any(index in imagenet_nouns().get(truth, ()) for index in classes)


def compare(scores: dict[str, list[Score]], scenes: list[Scene]) -> dict[str, dict]:
    """`summarise` of every method that answered every scene, with its interval of difference to `classifiers`."""
    table = {}
    for name, rows in scores.items():
        if len(rows) == len(scenes):
            table[name] = summarise(rows, scenes)
            if name != "classifiers":
                table[name]["difference_to_classifiers_95"] = bootstrap(rows, scores["classifiers"], scenes)
    return table


def off_screen(
    model: Model, scenes: list[Scene], in_view: list[Score], device: torch.device, progress: Progress
) -> dict:
    """How often a mask is published though what sounds is not in the picture, beside how often where it is: `in_view`, the
    same model's scores there."""
    published, area = 0, []
    for scene in progress(scenes, "off screen"):
        answer = consensus_answer(model, scene.picture.rgb, scene.sound.seconds(model.sample_rate), device)
        score = score_answer(answer, scene, model.config.presence_threshold)
        published += score.published
        area.append(float((answer.confidence > 0.5).mean()) if score.published else 0.0)
    return {
        "scenes": len(scenes),
        "published": published,
        "mean_area": float(np.mean(area)) if area else None,
        "published_in_view": float(np.mean([score.published for score in in_view])) if in_view else None,
    }


def summarise(scores: list[Score], scenes: list[Scene]) -> dict:
    """Means over categories, each the mean over its scenes; so that people, who are in most pictures, do not decide."""
    named = all(score.named is not None for score in scores)
    by_noun = {
        noun: [s for s, scene in zip(scores, scenes, strict=True) if scene.noun == noun] for noun in _nouns(scenes)
    }
    times = [score.milliseconds for score in scores if score.milliseconds is not None]

    def mean(field: str) -> float:
        return float(np.mean([np.mean([getattr(s, field) for s in group]) for group in by_noun.values()]))

    return {
        "mask_iou": mean("iou"),
        "mask_iou_without_people": _mean_without_people(by_noun),
        "mask_iou_over_scenes": float(np.mean([score.iou for score in scores])),
        "pointing_game": mean("pointed"),
        "class_accuracy": mean("named") if named else None,
        "published": mean("published"),
        "median_ms_per_mask": float(np.median(times)) if times else None,
        "mask_iou_by_class": {noun: float(np.mean([s.iou for s in group])) for noun, group in by_noun.items()},
        "class_accuracy_by_class": {
            noun: float(np.mean([s.named for s in group])) if named else None for noun, group in by_noun.items()
        },
        "scenes_by_class": {noun: len(group) for noun, group in by_noun.items()},
    }


def _mean_without_people(by_noun: dict[str, list[Score]]) -> float | None:
    groups = [np.mean([score.iou for score in group]) for noun, group in by_noun.items() if noun != "person"]
    return float(np.mean(groups)) if groups else None


def bootstrap(
    scores: list[Score], reference: list[Score], scenes: list[Scene], samples: int = 2000
) -> list[float] | None:
    """95 % interval of the difference of mask IoU to `reference`: mean over pictures of the mean over each one's scenes,
    pictures drawn with replacement. None for a single picture, which says nothing of others."""
    names = sorted({scene.picture.name for scene in scenes})
    differences = {name: [] for name in names}
    for score, other, scene in zip(scores, reference, scenes, strict=True):
        differences[scene.picture.name].append(score.iou - other.iou)
    means = np.array([np.mean(differences[name]) for name in names])
    interval = mean_interval(means, samples)
    return list(interval) if interval else None


def tag(model: Model, sounds: list[Sound], device: torch.device, progress: Progress) -> dict:
    """Top-1 and top-5 of the audio encoder on whole sounds, where the right AudioSet classes are known."""
    hits: dict[str, list[tuple[bool, bool]]] = {}
    for sound in progress([sound for sound in sounds if sound.right], "sounds"):
        waveform = torch.from_numpy(sound.waveform(model.sample_rate)[None]).to(device)
        with torch.no_grad():
            best = model.network.audio_encoder(waveform)[1][0].topk(5).indices.tolist()
        right = [model.audio_labels[index] in sound.right for index in best]
        hits.setdefault(sound.name.split("/")[0], []).append((right[0], any(right)))
    by_folder = {
        name: {"sounds": len(rows), "top1": float(np.mean(rows, axis=0)[0]), "top5": float(np.mean(rows, axis=0)[1])}
        for name, rows in hits.items()
    }
    every = [row for rows in hits.values() for row in rows]
    top1, top5 = np.mean(every, axis=0).tolist() if every else (None, None)
    return {"sounds": len(every), "top1": top1, "top5": top5, "by_folder": by_folder}


def halves(pictures: list[Picture], tuning: bool) -> list[Picture]:
    """The pictures that constants were tuned on, or the others. Raises ValueError if there are none of them."""
    known = tuned_on()
    chosen = [picture for picture in pictures if (picture.name in known) == tuning]
    if not chosen and tuning:
        raise ValueError(
            f"none of the {len(pictures)} pictures is one that constants were tuned on; leave out --tuning"
        )
    if not chosen:
        raise ValueError(
            f"constants were tuned on all of the {len(pictures)} pictures, which would flatter; --tuning scores them all "
            "the same"
        )
    return chosen


def _nouns(scenes: list[Scene]) -> list[str]:
    return sorted({scene.noun for scene in scenes})
