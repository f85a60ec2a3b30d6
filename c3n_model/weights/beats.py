"""Conversion of public fine-tuned BEATs checkpoints (`BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt1.pt` and `cpt2`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from c3n_model.network.audio.beats import (
    BUCKETS,
    CHANNELS,
    HEADS,
    HIDDEN_CHANNELS,
    MAX_DISTANCE,
    PATCH,
    PATCH_CHANNELS,
    POSITION_GROUPS,
    POSITION_KERNEL,
)

# Required values in a checkpoint's `cfg`. For missing keys Microsoft's defaults apply, which differ from ours in these:
_ARCHITECTURE_NOT_BY_DEFAULT = {
    "input_patch_size": PATCH,
    "deep_norm": True,
    "relative_position_embedding": True,
    "max_distance": MAX_DISTANCE,
    "gru_rel_pos": True,
    "finetuned_model": True,
}
_ARCHITECTURE = {
    "embed_dim": PATCH_CHANNELS,
    "conv_bias": False,
    "encoder_layers": 12,
    "encoder_embed_dim": CHANNELS,
    "encoder_ffn_embed_dim": HIDDEN_CHANNELS,
    "encoder_attention_heads": HEADS,
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "conv_pos": POSITION_KERNEL,
    "conv_pos_groups": POSITION_GROUPS,
    "num_buckets": BUCKETS,
}
# Tensors that are converted, with their number of dimensions.
_PREDICTOR = {"predictor.weight": 2, "predictor.bias": 1}
_POSITION_KERNEL = {
    f"encoder.pos_conv.0.{name}": dimensions for name, dimensions in (("weight_g", 3), ("weight_v", 3), ("bias", 1))
}
_POSITION_TABLE = "self_attn.relative_attention_bias.weight"


def from_public(checkpoint: Mapping, mids: Sequence[str]) -> dict[str, Tensor]:
    """Convert a public fine-tuned checkpoint (keys `cfg`, `model`, `label_dict`) to a state dict of `BEATs`.

    `mids` are AudioSet's class ids ("/m/09x0r") in the order of its csv. The rows of the predictor are reordered to it; the
    checkpoint uses another order. The weight norm of the position kernel and the copies of the shared position table are
    folded into plain weights.

    Raises ValueError if a key or tensor is missing, or if the architecture or the classes differ.
    """
    missing = [key for key in ("cfg", "model", "label_dict") if key not in checkpoint]
    if missing:
        raise ValueError(
            f"expected a public fine-tuned BEATs checkpoint with cfg, model and label_dict; it lacks {', '.join(missing)}"
        )
    _check_architecture(checkpoint["cfg"])
    rows = rows_of(mids, checkpoint["label_dict"])
    state = dict(checkpoint["model"])
    _check_tensors(state, len(rows))
    for name in _PREDICTOR:
        state[name] = state[name][rows]
    direction, length = (state.pop(f"encoder.pos_conv.0.weight_{part}") for part in "vg")
    state["encoder.pos_conv.weight"] = direction * (length / direction.norm(dim=(0, 1), keepdim=True))
    state["encoder.pos_conv.bias"] = state.pop("encoder.pos_conv.0.bias")
    tables = [state.pop(name) for name in sorted(state) if name.endswith(_POSITION_TABLE)]
    if not all(torch.equal(table, tables[0]) for table in tables):
        raise ValueError("the relative_attention_bias tables of the layers differ; expected one shared table")
    state["encoder.relative_positions.weight"] = tables[0]
    return state


def _check_tensors(state: Mapping[str, Tensor], classes: int) -> None:
    """Raise ValueError if a tensor to be converted is missing."""
    expected = _PREDICTOR | _POSITION_KERNEL
    missing = [name for name in expected if getattr(state.get(name), "ndim", None) != expected[name]]
    if not any(name.endswith(_POSITION_TABLE) for name in state):
        missing.append(f"encoder.layers.0.{_POSITION_TABLE}")
    if missing:
        raise ValueError(f"the checkpoint is truncated or of another BEATs model: it lacks {', '.join(missing)}")
    got = [len(state[name]) for name in _PREDICTOR]
    if got != [classes, classes]:
        raise ValueError(
            f"the checkpoint's predictor has {got[0]} weights and {got[1]} biases, expected {classes} classes"
        )


def _check_architecture(cfg: Mapping) -> None:
    expected = {**_ARCHITECTURE, **_ARCHITECTURE_NOT_BY_DEFAULT}
    got = {name: cfg.get(name, _ARCHITECTURE.get(name, "missing")) for name in expected}
    wrong = [name for name in expected if got[name] != expected[name]]
    if wrong:
        differences = ", ".join(f"{name} is {got[name]}, expected {expected[name]}" for name in wrong)
        raise ValueError(
            f"the checkpoint's cfg is of another BEATs model: {differences}; "
            "use BEATs_iter3_plus_AS2M_finetuned_on_AS2M, cpt1 or cpt2"
        )


def rows_of(mids: Sequence[str], label_dict: Mapping[int, str]) -> list[int]:
    """Return the checkpoint's class index of each of `mids`. Raises ValueError if the classes differ."""
    row_of = {mid: int(row) for row, mid in label_dict.items()}
    unknown, missing = [mid for mid in mids if mid not in row_of], sorted(row_of.keys() - set(mids))
    if unknown or missing or len(mids) != len(label_dict) or len(row_of) != len(label_dict):
        raise ValueError(
            f"the checkpoint's {len(label_dict)} classes differ from the {len(mids)} of the class list: missing in the checkpoint "
            f"{', '.join(unknown[:3]) or 'none'}, missing in the list {', '.join(missing[:3]) or 'none'}, "
            "duplicates are not allowed; pass the mids of AudioSet's class_labels_indices.csv"
        )
    return [row_of[mid] for mid in mids]
