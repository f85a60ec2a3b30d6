"""Features that no training changes, computed once and kept on disk: with a frozen visual backbone all of C3N up to ASPP is
a constant of the clip (`C3N.perceive`), and most of the work of an epoch.

One safetensors file a clip, in a folder named by all that decides its contents.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import Dataset

from c3n_model.config import to_mapping
from c3n_model.data.avsbench import AVSBench
from c3n_model.model import Model
from c3n_model.network.c3n import Encoding
from c3n_model.network.consensus import Consensus
from c3n_model.progress import Progress
from c3n_model.training.clips import Key, masks_to_tensor, seed_clip
from c3n_model.training.distributed import ALONE, Group
from c3n_model.weights.tensors import save_tensors

# What C3N does after `perceive`; all other settings of a model are part of the folder's name.
_LATER_SETTINGS = (
    "channels",
    "history",
    "audio_features",
    "fusion_norm",
    "decoder",
    "pyramid",
    "presence_threshold",
    "visibility_threshold",
)


class CachedFeatures(Dataset):
    """Clips as features ({name: (T, ...)}, see `encoding_from`), masks bool (T, S, S) and has_mask (T,); flipped as
    `TrainingClips` flips them. `clips[epoch, index]`."""

    def __init__(self, folders: list[tuple[Path, int]], *, flip: bool, seed: int):
        """`folders`: each with the number of clips in it, in the order of the indices."""
        self.files = [folder / f"{number:06d}" for folder, count in folders for number in range(count)]
        self.flip, self.seed = flip, seed

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, key: Key) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        epoch, index = key
        with torch.random.fork_rng(devices=[]):
            turned = seed_clip(self.seed, epoch, index) and self.flip
        path = _path(self.files[index], turned)
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{path} cannot be read ({error}); remove its folder, it is made again") from error
        return tensors, tensors.pop("masks"), tensors.pop("has_mask")


def cache_features(
    model: Model, datasets: list[AVSBench], folder: Path, device: torch.device, progress: Progress,
    *, flip: bool, seed: int, group: Group = ALONE,
) -> CachedFeatures:  # fmt: skip
    """The features of all clips, below `folder`; what is there already is not computed again. Where `flip` is set, the
    features of the flipped frames are kept, too."""
    model.network.to(device).eval()
    folders = []
    for clips in datasets:
        own = folder / f"{clips.setting}_{clips.split}_{_digest(model, clips)}"
        own.mkdir(parents=True, exist_ok=True)
        mine = range(group.rank, len(clips), group.size)
        for index in progress(mine, f"features of {clips.setting} {clips.split}"):
            turns = [turned for turned in ((False, True) if flip else (False,)) if not _path(own / f"{index:06d}", turned).exists()]  # fmt: skip
            for turned, tensors in zip(turns, _perceive(model, clips, index, turns, device), strict=True):
                save_tensors(_path(own / f"{index:06d}", turned), tensors)
        folders.append((own, len(clips)))
    group.wait()
    return CachedFeatures(folders, flip=flip, seed=seed)


def encoding_from(features: dict[str, Tensor], size: tuple[int, int]) -> Encoding:
    """A batch of `CachedFeatures`, (B, T, ...) each, as what `C3N.perceive` gave for frames of `size`."""
    flat = {name: value.flatten(0, 1) for name, value in features.items()}
    return Encoding(
        visual=[flat[f"visual.{stage}"] for stage in range(sum(name.startswith("visual.") for name in flat))],
        audio=flat["audio"],
        audio_logits=flat["audio_logits"],
        visual_logits=flat["visual_logits"],
        consensus=Consensus(*(flat[f"consensus.{field.name}"] for field in fields(Consensus))),
        size=size,
    )


@torch.no_grad()
def _perceive(
    model: Model, clips: AVSBench, index: int, turns: list[bool], device: torch.device
) -> list[dict[str, Tensor]]:
    if not turns:
        return []
    clip = clips[index]
    frames, snippets = model.inputs(clip.frames, clip.snippets, device)
    masks = masks_to_tensor(clip.masks, model.config.image_size)
    found = []
    for turned in turns:
        perceived = model.network.perceive(frames.flip(-1) if turned else frames, snippets)
        tensors = {f"visual.{stage}": value for stage, value in enumerate(perceived.visual)}
        tensors |= {name: getattr(perceived, name) for name in ("audio", "audio_logits", "visual_logits")}
        tensors |= {f"consensus.{field.name}": getattr(perceived.consensus, field.name) for field in fields(Consensus)}
        tensors["masks"] = masks.flip(-1) if turned else masks
        tensors["has_mask"] = torch.from_numpy(clip.has_mask)
        found.append({name: value.cpu().contiguous().clone() for name, value in tensors.items()})
    return found


def _path(stem: Path, turned: bool) -> Path:
    return stem.with_name(f"{stem.name}{'_flipped' if turned else ''}.safetensors")


def _digest(model: Model, clips: AVSBench) -> str:
    """Changes with the encoders' weights, the settings that act before ASPP, and the clips' files."""
    digest = hashlib.sha256()
    for name, value in sorted(model.network.state_dict().items()):
        if name.startswith(("visual_encoder.", "audio_encoder.", "similarity")):
            digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    settings = {key: value for key, value in to_mapping(model.config).items() if key not in _LATER_SETTINGS}
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for paths in clips.clips:
        for path in paths.files():
            about = path.stat() if path.exists() else None
            digest.update(f"{path}{about and (about.st_size, about.st_mtime_ns)}".encode())
    return digest.hexdigest()[:16]
