"""Make one composed clip from its number alone: whoever makes it, and when, it is the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from c3n_model.compose.material import Material
from c3n_model.compose.scene_plan import ScenePlan, draw_scene
from c3n_model.compose.sound_track import make_track
from c3n_model.compose.stage import render
from c3n_model.data.avsbench import SETTINGS
from c3n_model.data.clip_files import CLIP_FRAMES, FRAME_SIZE, mask_count
from c3n_model.types import Clip

SPLITS = ("train", "val", "test")
SMALLEST_SOURCE = 0.01  # fraction of a frame that is visible of what sounds
TRIES = 25


def make_clip(
    material: Material, setting: str, split: str, index: int, seed: int
) -> tuple[Clip, np.ndarray, dict[str, Any]]:
    """Make clip `index` of a split: the clip without sound, its sound float32 (n,), and a record of what it is made of.

    A file that cannot be read is avoided, and named under `unreadable` in the record.

    Raises:
        ValueError: no scene in TRIES tries that can be read and whose sources are visible.
    """
    name = f"{setting}_{split}_{index:06d}"
    random = np.random.default_rng([seed, SETTINGS.index(setting), SPLITS.index(split), index])
    unreadable: list[str] = []
    for _ in range(TRIES):
        try:
            plan = draw_scene(material, setting, random)
            frames, visible = render(plan, random)
            masks = truth(plan, visible)
            track = make_track(plan, random) if masks is not None else None
        except ValueError as error:
            unreadable.append(str(error))
            continue
        if masks is not None and track is not None:
            has_mask = np.arange(CLIP_FRAMES) < mask_count(setting, split)
            category = plan.sources[0].noun.replace(" ", "_") if setting == "s4" else ""
            clip = Clip(name, frames, np.zeros((CLIP_FRAMES, 0), np.float32), masks, has_mask, category)
            return clip, track, _record(name, split, plan, unreadable)
    reason = unreadable[-1] if unreadable else "what sounds was never visible"
    raise ValueError(f"{name}: no scene was found in {TRIES} tries ({reason}); give more pictures and sounds")


def truth(plan: ScenePlan, visible: list[dict[str, np.ndarray]]) -> np.ndarray | None:
    """Return the masks of what sounds, bool (T, S, S), or None if a source is hidden or out of the view while it sounds."""
    masks = []
    for number, nouns in enumerate(visible):
        for index in plan.timeline[number].sources:
            if nouns[plan.sources[index].noun].mean() < SMALLEST_SOURCE:
                return None
        sounding = [nouns[noun] for noun in sorted(plan.sounding_nouns(number)) if noun in nouns]
        masks.append(np.logical_or.reduce(sounding) if sounding else np.zeros((FRAME_SIZE, FRAME_SIZE), bool))
    return np.stack(masks)


def _record(name: str, split: str, plan: ScenePlan, unreadable: list[str]) -> dict[str, Any]:
    states = {second.state for second in plan.timeline}
    others = {"out of view": plan.out_of_view, "ambience": plan.ambience}
    return {
        "name": name,
        "split": split,
        "background": plan.background.key,
        "sources": [
            {"noun": s.noun, "picture": s.thing.key if s.thing else plan.background.key, "sound": s.sound.key, "pasted": s.thing is not None}
            for s in plan.sources
        ],
        "silent": [{"noun": thing.noun, "picture": thing.key} for thing in plan.silent],
        "timeline": [[second.state, sorted(plan.sounding_nouns(k))] for k, second in enumerate(plan.timeline)],
        "other_sounds": {state: sound.key for state, sound in others.items() if sound is not None and state in states},
        **({"unreadable": unreadable} if unreadable else {}),
    }  # fmt: skip
