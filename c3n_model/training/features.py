"""Cache the features that training does not change on disk.

With a frozen visual backbone, everything in C3N before ASPP (`C3N.encode`) is constant for a clip, and it is most of the
work of an epoch. Each clip has one safetensors file, in a folder named by a digest of everything it depends on.
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
from c3n_model.network.consensus import Consensus
from c3n_model.network.encoding import Encoding
from c3n_model.progress import Progress
from c3n_model.training.clips import Key, masks_to_tensor, seed_clip
from c3n_model.training.distributed import SINGLE_PROCESS, Group
from c3n_model.training.identity import identity
from c3n_model.weights.tensors import save_tensors

# Settings that only act after `encode`; all others are part of the digest in the folder's name.
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
    """Clips as features ({name: (T, ...)}, see `encoding_from`), masks bool (T, S, S) and has_mask bool (T,).

    Flipped in the same epochs as in `TrainingClips`. Indexed by `clips[epoch, index]`.
    """

    def __init__(self, folders: list[tuple[Path, int]], *, flip: bool, seed: int):
        """`folders` are (folder, number of clips in it), in the order of the indices."""
        self.files = [folder / f"{number:06d}" for folder, count in folders for number in range(count)]
        self.flip, self.seed = flip, seed

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, key: Key) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        epoch, index = key
        with torch.random.fork_rng(devices=[]):
            flipped = seed_clip(self.seed, epoch, index) and self.flip
        path = _path(self.files[index], flipped)
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{path} cannot be read ({error}); remove its folder to compute it again") from error
        return tensors, tensors.pop("masks"), tensors.pop("has_mask")


def cache_features(
    model: Model, datasets: list[AVSBench], folder: Path, device: torch.device, progress: Progress,
    *, flip: bool, seed: int, group: Group = SINGLE_PROCESS,
) -> CachedFeatures:  # fmt: skip
    """Compute the features of all clips that are not yet in `folder`; with `flip` also those of the flipped frames."""
    model.network.to(device).eval()
    folders = []
    for clips in datasets:
        own = folder / f"{clips.setting}_{clips.split}_{_digest(model, clips)}"
        own.mkdir(parents=True, exist_ok=True)
        mine = range(group.rank, len(clips), group.size)
        for index in progress(mine, f"features of {clips.setting} {clips.split}"):
            flips = [flipped for flipped in ((False, True) if flip else (False,)) if not _path(own / f"{index:06d}", flipped).exists()]  # fmt: skip
            for flipped, tensors in zip(flips, _encode(model, clips, index, flips, device), strict=True):
                save_tensors(_path(own / f"{index:06d}", flipped), tensors)
        folders.append((own, len(clips)))
    group.wait()
    return CachedFeatures(folders, flip=flip, seed=seed)


def encoding_from(features: dict[str, Tensor], size: tuple[int, int]) -> Encoding:
    """Convert a batch of `CachedFeatures`, (B, T, ...) each, to the output of `C3N.encode` for frames of `size`."""
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
def _encode(
    model: Model, clips: AVSBench, index: int, flips: list[bool], device: torch.device
) -> list[dict[str, Tensor]]:
    if not flips:
        return []
    clip = clips[index]
    frames, snippets = model.inputs(clip.frames, clip.snippets, device)
    masks = masks_to_tensor(clip.masks, model.config.image_size)
    features = []
    for flipped in flips:
        encoding = model.network.encode(frames.flip(-1) if flipped else frames, snippets)
        tensors = {f"visual.{stage}": value for stage, value in enumerate(encoding.visual)}
        tensors |= {name: getattr(encoding, name) for name in ("audio", "audio_logits", "visual_logits")}
        tensors |= {f"consensus.{field.name}": getattr(encoding.consensus, field.name) for field in fields(Consensus)}
        tensors["masks"] = masks.flip(-1) if flipped else masks
        tensors["has_mask"] = torch.from_numpy(clip.has_mask)
        features.append({name: value.cpu().contiguous().clone() for name, value in tensors.items()})
    return features


def _path(stem: Path, flipped: bool) -> Path:
    return stem.with_name(f"{stem.name}{'_flipped' if flipped else ''}.safetensors")


def _digest(model: Model, clips: AVSBench) -> str:
    """Hash the encoders' weights, the settings that act before ASPP, and the clips' paths, sizes and times."""
    digest = hashlib.sha256()
    for name, value in sorted(model.network.state_dict().items()):
        if name.startswith(("visual_encoder.", "audio_encoder.", "similarity", "place_in_checkpoint")):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().data)
    settings = {key: value for key, value in identity(to_mapping(model.config)).items() if key not in _LATER_SETTINGS}
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for paths in clips.clips:
        for path in paths.files():
            about = path.stat() if path.exists() else None
            digest.update(f"{path}{about and (about.st_size, about.st_mtime_ns)}".encode())
    return digest.hexdigest()[:16]
