"""Cache on disk what training does not change: with a frozen visual backbone, everything in C3N before ASPP (`C3N.encode`).

That is most of the work of an epoch. It is kept in two files per clip, so that trainings of different settings share the large one:

    FOLDER/ms3_train_<encoders>/000000.safetensors            V_i, F_a and both encoders' logits, before CCAM
    FOLDER/ms3_train_<encoders>/<consensus>/000000.safetensors  the consensus and omega (Eq. 8) of its class, a few kB

`<encoders>` is a digest of the weights, the settings and the files that decide what the encoders give, `<consensus>` of what decides the
class that C3IM infers. CCAM's omega is the gradient of that class's logit: it needs a backward pass through the backbone for each
frame and class, which is made once, whatever the settings that infer the class. Eqs. 9-12 are computed as a clip is loaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import Dataset

from c3n_model.config import to_mapping
from c3n_model.data.avsbench import AVSBench
from c3n_model.model import Model
from c3n_model.network.attention import attend, class_activation_weights
from c3n_model.network.consensus import Consensus
from c3n_model.network.encoding import Encoding
from c3n_model.network.visual_encoder import STAGES
from c3n_model.progress import Progress
from c3n_model.training.clips import Key, masks_to_tensor, seed_clip
from c3n_model.training.distributed import SINGLE_PROCESS, Group
from c3n_model.training.identity import identity
from c3n_model.weights.tensors import save_tensors

# What decides the encoders' results beside their weights and the clips, and omega of a given class.
_OF_ENCODERS = ("visual", "audio", "image_size", "snippet_spacing_s", "swin", "cam_point")
# What decides the class, beside the encoders' results.
_OF_CONSENSUS = ("alpha", "beta", "consensus", "audio_scores", "audio_order")
_NAMES = [field.name for field in fields(Consensus)]


@dataclass(frozen=True)
class FeatureFolder:
    """The features of one data set of `count` clips: its folder, and the folder of a setting in it."""

    encodings: Path
    labels: Path
    count: int

    def paths(self, number: int, flipped: bool) -> tuple[Path, Path]:
        """Return the two files of a clip."""
        name = f"{number:06d}{'_flipped' if flipped else ''}.safetensors"
        return self.encodings / name, self.labels / name


class CachedFeatures(Dataset):
    """Clips as features ({name: (T, ...)}, see `encoding_from`), masks bool (T, S, S) and has_mask bool (T,).

    Flipped in the same epochs as in `TrainingClips`. Indexed by `clips[epoch, index]`.
    """

    def __init__(self, folders: list[FeatureFolder], *, gate: dict[str, Any], flip: bool, seed: int):
        """`folders` in the order of the indices; gate: the arguments `gate` and `strength` of `attention.attend`."""
        self.clips = [(folder, number) for folder in folders for number in range(folder.count)]
        self.gate, self.flip, self.seed = gate, flip, seed

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, key: Key) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        epoch, index = key
        with torch.random.fork_rng(devices=[]):
            flipped = seed_clip(self.seed, epoch, index) and self.flip
        folder, number = self.clips[index]
        encoded, labelled = (_load(path) for path in folder.paths(number, flipped))
        masks, has_mask = encoded.pop("masks"), encoded.pop("has_mask")
        for stage in range(STAGES):
            if (omega := labelled.pop(f"omega.{stage}", None)) is not None:
                encoded[f"visual.{stage}"] = attend(encoded[f"visual.{stage}"], omega, **self.gate)
        return encoded | labelled, masks, has_mask


def cache_features(
    model: Model, datasets: list[AVSBench], folder: Path, device: torch.device, progress: Progress,
    *, flip: bool, seed: int, group: Group = SINGLE_PROCESS,
) -> CachedFeatures:  # fmt: skip
    """Compute the features of all clips that are not yet in `folder`; with `flip` also those of the flipped frames."""
    model.network.to(device).eval()
    folders = []
    for clips in datasets:
        encodings = folder / f"{clips.setting}_{clips.split}_{_digest_encoders(model, clips)}"
        own = FeatureFolder(encodings, encodings / _digest_consensus(model), len(clips))
        own.labels.mkdir(parents=True, exist_ok=True)
        mine = range(group.rank, len(clips), group.size)
        for index in progress(mine, f"features of {clips.setting} {clips.split}"):
            _complete(model, clips, index, own, (False, True) if flip else (False,), device)
        folders.append(own)
    group.wait()
    gate = {"gate": model.network.gate, "strength": model.network.gate_strength}
    return CachedFeatures(folders, gate=gate, flip=flip, seed=seed)


def encoding_from(features: dict[str, Tensor], size: tuple[int, int]) -> Encoding:
    """Convert a batch of `CachedFeatures`, (B, T, ...) each, to the output of `C3N.encode` for frames of `size`."""
    flat = {name: value.flatten(0, 1) for name, value in features.items()}
    return Encoding(
        visual=[flat[f"visual.{stage}"] for stage in range(STAGES)],
        audio=flat["audio"],
        audio_logits=flat["audio_logits"],
        visual_logits=flat["visual_logits"],
        consensus=Consensus(*(flat[f"consensus.{name}"] for name in _NAMES)),
        size=size,
    )


@torch.no_grad()
def _complete(
    model: Model, clips: AVSBench, index: int, folder: FeatureFolder, flips: tuple[bool, ...], device: torch.device
) -> None:
    """Write the files of a clip that are missing."""
    missing = [flipped for flipped in flips if not all(path.is_file() for path in folder.paths(index, flipped))]
    if not missing:
        return
    network, clip = model.network, clips[index]
    frames, snippets = model.inputs(clip.frames, clip.snippets, device)
    for flipped in missing:
        encoding, labels = folder.paths(index, flipped)
        seen = frames.flip(-1) if flipped else frames
        if encoding.is_file():
            save_tensors(labels, _label(network, seen, _load(encoding), _known_omegas(folder, labels.name)))
            continue
        audio, audio_logits = network.audio_encoder(snippets)
        maps, visual_logits, consensus, omegas = network.encode_visual(seen, audio_logits)
        masks = masks_to_tensor(clip.masks, model.config.image_size)
        tensors = {f"visual.{stage}": value for stage, value in enumerate(maps)}
        tensors |= {"audio": audio, "audio_logits": audio_logits, "visual_logits": visual_logits}
        tensors |= {
            "masks": masks.flip(-1) if flipped else masks,
            "has_mask": torch.from_numpy(clip.has_mask),
        }
        save_tensors(encoding, _on_cpu(tensors))
        save_tensors(labels, _labels(consensus, omegas))


def _label(
    network: Any, frames: Tensor, encoded: Mapping[str, Tensor], known: Mapping[tuple[int, int], list[Tensor]]
) -> dict[str, Tensor]:
    """Infer the consensus of encoded frames (T, 3, S, S); run the backbone for those whose class has no known omega."""
    consensus = network.infer(*(encoded[name].to(frames.device) for name in ("audio_logits", "visual_logits")))
    if network.consensus_mode == "none":
        return _labels(consensus, [])
    keys = list(enumerate(consensus.visual_class.tolist()))
    new = [frame for frame, visual_class in keys if (frame, visual_class) not in known]
    computed = dict(known)
    if new:
        with torch.enable_grad():
            _, logits, points = network.visual_encoder.observe(frames[new], for_gradient=True)
            omegas = class_activation_weights(logits, consensus.visual_class[new], points, keep_graph=False)
        computed |= {keys[frame]: [omega[row].cpu() for omega in omegas] for row, frame in enumerate(new)}
    return _labels(consensus, [torch.stack(rows) for rows in zip(*(computed[key] for key in keys), strict=True)])


def _known_omegas(folder: FeatureFolder, name: str) -> dict[tuple[int, int], list[Tensor]]:
    """Return (frame, class) -> [(C_vi,)] x 4 of a clip as far as other settings have it."""
    known = {}
    for path in folder.encodings.glob(f"*/{name}"):
        labels = _load(path)
        if "omega.0" in labels:
            for frame, visual_class in enumerate(labels["consensus.visual_class"].tolist()):
                known[frame, visual_class] = [labels[f"omega.{stage}"][frame] for stage in range(STAGES)]
    return known


def _labels(consensus: Consensus, omegas: list[Tensor]) -> dict[str, Tensor]:
    return _on_cpu(
        {f"consensus.{name}": getattr(consensus, name) for name in _NAMES}
        | {f"omega.{stage}": omega for stage, omega in enumerate(omegas)}
    )


def _on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.cpu().contiguous().clone() for name, value in tensors.items()}


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path} cannot be read ({error}); remove its folder to compute it again") from error


def _digest_encoders(model: Model, clips: AVSBench) -> str:
    """Hash the encoders' weights and settings, and the clips' paths, sizes and times."""
    settings = _chosen(model, _OF_ENCODERS) | {"input": model.network.visual_encoder.input_statistics}
    digest = _hashed(model, ("visual_encoder.", "audio_encoder."), settings)
    for paths in clips.clips:
        for path in paths.files():
            about = path.stat() if path.exists() else None
            digest.update(f"{path}{about and (about.st_size, about.st_mtime_ns)}".encode())
    return digest.hexdigest()[:16]


def _digest_consensus(model: Model) -> str:
    """Hash the label similarities and the settings of C3IM."""
    digest = _hashed(model, ("similarity", "place_in_checkpoint"), _chosen(model, _OF_CONSENSUS))
    return digest.hexdigest()[:16]


def _chosen(model: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in identity(to_mapping(model.config)).items() if name in names}


def _hashed(model: Model, parts: tuple[str, ...], settings: Mapping[str, Any]) -> Any:
    """Hash the tensors of the network whose names begin with one of `parts`, and settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, value in sorted(model.network.state_dict().items()):
        if name.startswith(parts):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().data)
    return digest
