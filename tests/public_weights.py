"""Toy files under the names of public weights, and a label table of their classes: what trainings from public weights read."""

from pathlib import Path

import timm
import torch

from c3n_model.labels.names import imagenet_names
from c3n_model.labels.similarity_table import LabelTable, matrix_sha256
from c3n_model.network.audio.efficientat import EfficientAT

SOUNDS = [f"sound {index}" for index in range(527)]


def write_public_weights(folder: Path) -> None:
    """Random MobileNetV2 and mn04, and AudioSet's classes with the names `SOUNDS`."""
    torch.save(EfficientAT().state_dict(), folder / "mn04_as_mAP_432.pt")
    torch.save(timm.create_model("mobilenetv2_100").state_dict(), folder / "mobilenetv2_100_ra-b33bc2c4.pth")
    rows = "".join(f"{index},/m/{index},{name}\n" for index, name in enumerate(SOUNDS))
    (folder / "class_labels_indices.csv").write_text(f"index,mid,display_name\n{rows}")


def save_label_table(path: Path, audio: list[str] = SOUNDS, visual: list[str] | None = None) -> dict:
    """A label table with made-up similarities, by default of the public weights' classes; returns its provenance."""
    visual = imagenet_names() if visual is None else visual
    similarity = torch.rand(len(audio), len(visual), generator=torch.Generator().manual_seed(0))
    provenance = {"vectors": "made up", "matrix_sha256": matrix_sha256(similarity)}
    LabelTable(similarity, tuple(audio), tuple(visual), provenance).save(path)
    return provenance
