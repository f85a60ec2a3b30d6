"""Masks from the consensus alone, without any training on audio-visual data: C3IM names the class, Grad-CAM places it.

Only pretrained classifiers are needed. The network has C3N's own seam (`encode`, `decode`), so sessions and nodes run it
unchanged. A first version: the class comes from one second of sound, and the map is as coarse as the deepest features.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from c3n_model.config import ModelConfig
from c3n_model.labels.embedding import WordVectors
from c3n_model.labels.names import AMBIENT_SOUNDS, GENERIC_SOUNDS, audioset_names, everyday_names, imagenet_names
from c3n_model.model import Model
from c3n_model.network.attention import class_activation_weights
from c3n_model.network.audio.efficientat import EfficientAT
from c3n_model.network.c3n import Encoding
from c3n_model.network.consensus import infer_consensus, label_similarity
from c3n_model.network.fusion import upsample
from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.tensors import fill, read_tensors

CLASSIFY_SIZE = 224  # classifiers are calibrated at the size they were trained on; activations are finer at twice it
LOCALISE_SIZE = 448
ACTIVATION_THRESHOLD = 0.4  # of the map's maximum
SHARPNESS = 10.0  # logits per unit of activation
PRESENCE_THRESHOLD = 0.1  # AudioSet taggers are shy within one second: median top confidence of a rooster .25

WEIGHT_FILES = {
    "visual": "mobilenetv2_100_tfsame.safetensors",
    "audio": "mn04_as_mAP_432.pt",
    "audio_names": "class_labels_indices.csv",
    "words": "googlenews300_subset.npz",
}


class ZeroShot(nn.Module):
    """encode / decode of `C3N`, with the class activation map of the consensus in the place of features."""

    def __init__(self, visual_encoder: VisualEncoder, audio_encoder: nn.Module, similarity: Tensor, audible: Tensor):
        """`similarity` (K_a, K_v); `audible` bool (K_a,): the classes whose sound lets a mask be published."""
        super().__init__()
        self.visual_encoder, self.audio_encoder = visual_encoder, audio_encoder
        self.register_buffer("similarity", similarity)
        self.register_buffer("audible_classes", audible)

    def encode(self, frames: Tensor, snippets: Tensor) -> Encoding:
        """frames (N, 3, 448, 448), snippets (N, samples) -> `Encoding` whose one map is the activation (N, 1, h, w)."""
        audio, audio_logits = self.audio_encoder(snippets)
        _, class_logits = self.visual_encoder(upsample(frames, (CLASSIFY_SIZE, CLASSIFY_SIZE)))
        consensus = infer_consensus(audio_logits, class_logits, self.similarity)
        with torch.enable_grad():
            maps, logits = self.visual_encoder(frames.detach().requires_grad_())
            deepest = maps[-1]
            (weights,) = class_activation_weights(logits, consensus.visual_class, [deepest], keep_graph=False)
        activation = torch.einsum("nchw,nc->nhw", deepest.detach(), weights).relu()
        activation = activation / activation.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
        return Encoding([activation[:, None]], audio, audio_logits, consensus, size=tuple(frames.shape[2:]))

    def decode(self, encoding: Encoding, wanted: Tensor) -> Tensor:
        """Mask logits (M, H, W) of the frames that `wanted` bool (B, T) names; frames do not look at each other."""
        activation = upsample(encoding.visual[0][wanted.flatten()], encoding.size)[:, 0]
        return SHARPNESS * (activation - ACTIVATION_THRESHOLD)


def load_zero_shot(weights: Path) -> Model:
    """MobileNetV2 (ImageNet) and EfficientAT mn04 (AudioSet) from a folder that holds WEIGHT_FILES, at any depth.

    Raises:
        FileNotFoundError: a file is missing. ValueError: a file is cut or of another kind.
    """
    files = {role: _find(weights, name) for role, name in WEIGHT_FILES.items()}
    visual = VisualEncoder("mobilenetv2_100", 1000, create_arguments={"pad_type": "same"})
    visual.set_normalisation(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    audio = EfficientAT()
    fill(visual.backbone, read_tensors(files["visual"]), files["visual"])
    fill(audio, read_tensors(files["audio"]), files["audio"])
    sounds, words = audioset_names(files["audio_names"]), WordVectors(files["words"])
    heard = np.stack([words.embed(name) * (name not in AMBIENT_SOUNDS | GENERIC_SOUNDS) for name in sounds])
    seen = np.stack([words.embed(name) for name in everyday_names()])
    similarity = label_similarity(torch.from_numpy(heard), torch.from_numpy(seen))
    audible = torch.tensor([name not in AMBIENT_SOUNDS for name in sounds])
    config = ModelConfig(
        visual="mobilenetv2_100",
        audio="mn04",
        image_size=LOCALISE_SIZE,
        history=1,
        presence_threshold=PRESENCE_THRESHOLD,
    )
    network = ZeroShot(visual, audio, similarity, audible).eval()
    return Model(
        "zero_shot", network, config, tuple(sounds), tuple(imagenet_names()), card={"note": __doc__.splitlines()[0]}
    )


def _find(weights: Path, name: str) -> Path:
    found = sorted(weights.rglob(name)) if weights.is_dir() else []
    if not found:
        raise FileNotFoundError(
            f"no {name} below {weights}; the zero-shot model needs {', '.join(WEIGHT_FILES.values())}: "
            "put them into one folder and name it in the environment variable C3N_WEIGHTS"
        )
    return found[0]
