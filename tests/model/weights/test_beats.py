"""Public BEATs checkpoints: names, folded weights, the order of the classes, and rejected files."""

import numpy as np
import pytest
import torch

from c3n_model.network.audio.beats import BEATs
from c3n_model.weights import beats
from c3n_model.weights.beats import from_public

MIDS = [f"/m/{index:03d}" for index in range(527)]


def public_checkpoint(layers: int = 12) -> dict:
    """Build a checkpoint with the names, shapes and cfg of the public ones, with `layers` layers, in csv order."""
    shapes = {
        "patch_embedding.weight": (512, 1, 16, 16),
        "post_extract_proj.weight": (768, 512),
        "post_extract_proj.bias": (768,),
        "encoder.pos_conv.0.weight_g": (1, 1, 128),
        "encoder.pos_conv.0.weight_v": (768, 48, 128),
        "encoder.pos_conv.0.bias": (768,),
        "predictor.weight": (527, 768),
        "predictor.bias": (527,),
    }
    norms = {"layer_norm": 512, "encoder.layer_norm": 768}
    for layer in (f"encoder.layers.{index}" for index in range(layers)):
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes[f"{layer}.self_attn.{projection}.weight"] = (768, 768)
            shapes[f"{layer}.self_attn.{projection}.bias"] = (768,)
        shapes |= {f"{layer}.self_attn.grep_linear.weight": (8, 64), f"{layer}.self_attn.grep_linear.bias": (8,)}
        shapes |= {f"{layer}.self_attn.grep_a": (1, 12, 1, 1)}
        shapes |= {f"{layer}.fc1.weight": (3072, 768), f"{layer}.fc1.bias": (3072,)}
        shapes |= {f"{layer}.fc2.weight": (768, 3072), f"{layer}.fc2.bias": (768,)}
        norms |= {f"{layer}.self_attn_layer_norm": 768, f"{layer}.final_layer_norm": 768}
    shapes |= {f"{name}.{part}": (width,) for name, width in norms.items() for part in ("weight", "bias")}
    model = {name: torch.zeros(1).expand(shape) for name, shape in shapes.items()}  # no memory
    table = torch.rand(320, 12)
    model |= {f"encoder.layers.{index}.self_attn.relative_attention_bias.weight": table for index in range(layers)}
    cfg = {
        "input_patch_size": 16, "embed_dim": 512, "conv_bias": False, "encoder_layers": 12, "encoder_embed_dim": 768,
        "encoder_ffn_embed_dim": 3072, "encoder_attention_heads": 12, "activation_fn": "gelu",
        "layer_wise_gradient_decay_ratio": 0.6, "layer_norm_first": False, "deep_norm": True, "dropout": 0.0,
        "attention_dropout": 0.0, "activation_dropout": 0.0, "encoder_layerdrop": 0.05, "dropout_input": 0.0,
        "conv_pos": 128, "conv_pos_groups": 16, "relative_position_embedding": True, "num_buckets": 320,
        "max_distance": 800, "gru_rel_pos": True, "finetuned_model": True, "predictor_dropout": 0.0,
        "predictor_class": 527,
    }  # fmt: skip
    return {"cfg": cfg, "model": model, "label_dict": dict(enumerate(MIDS))}


def test_public_checkpoint_loads_strictly():
    checkpoint = public_checkpoint()
    with torch.device("meta"):
        encoder = BEATs()
    encoder.load_state_dict(from_public(checkpoint, MIDS), assign=True)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 90_716_927


def test_weight_norm_is_folded():
    checkpoint = public_checkpoint(layers=1)
    original = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(768, 768, 128, groups=16), dim=2)
    parts = original.parametrizations.weight
    torch.nn.init.uniform_(parts.original0)
    checkpoint["model"]["encoder.pos_conv.0.weight_g"] = parts.original0.detach()
    checkpoint["model"]["encoder.pos_conv.0.weight_v"] = parts.original1.detach()
    torch.testing.assert_close(from_public(checkpoint, MIDS)["encoder.pos_conv.weight"], original.weight.detach())


def test_predictor_gets_the_order_of_the_class_list():
    checkpoint = public_checkpoint(layers=1)
    order = np.random.default_rng(0).permutation(527).tolist()  # row r of the checkpoint is class order[r]
    checkpoint["label_dict"] = {row: MIDS[index] for row, index in enumerate(order)}
    in_csv_order = torch.rand(527, 768), torch.rand(527)
    checkpoint["model"]["predictor.weight"], checkpoint["model"]["predictor.bias"] = (x[order] for x in in_csv_order)
    state = from_public(checkpoint, MIDS)
    assert torch.equal(state["predictor.weight"], in_csv_order[0])
    assert torch.equal(state["predictor.bias"], in_csv_order[1])
    assert torch.equal(checkpoint["model"]["predictor.bias"], in_csv_order[1][order]), "the input stays as it was"


@pytest.mark.parametrize(
    ("mids", "message"),
    [
        ([*MIDS[:-1], "/m/dog"], "checkpoint /m/dog, .*list /m/526"),
        (MIDS[:-1], "checkpoint none, .*list /m/526"),
        ([*MIDS, "/m/dog"], "checkpoint /m/dog, .*list none"),
        ([*MIDS, MIDS[0]], "527 .* 528 .*duplicates"),
    ],
)
def test_other_classes_are_refused(mids, message):
    with pytest.raises(ValueError, match=message):
        from_public(public_checkpoint(layers=1), mids)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("deep_norm", False, "deep_norm is False, expected True"),
        ("encoder_layers", 24, "encoder_layers is 24, expected 12"),
        ("finetuned_model", None, "finetuned_model is missing, expected True"),
    ],
)
def test_another_architecture_is_refused(setting, value, message):
    checkpoint = public_checkpoint(layers=1)
    checkpoint["cfg"] = {**checkpoint["cfg"], setting: value}
    if value is None:
        del checkpoint["cfg"][setting]
    with pytest.raises(ValueError, match=message):
        from_public(checkpoint, MIDS)


def test_keys_missing_in_cfg_have_their_default():
    checkpoint = public_checkpoint(layers=1)
    checkpoint["cfg"] = {name: checkpoint["cfg"][name] for name in beats._ARCHITECTURE_NOT_BY_DEFAULT}
    from_public(checkpoint, MIDS)


def test_incomplete_files_and_unshared_tables_are_refused():
    checkpoint = public_checkpoint(layers=2)
    with pytest.raises(ValueError, match="it lacks cfg, label_dict"):
        from_public({"model": checkpoint["model"]}, MIDS)
    checkpoint["model"]["encoder.layers.1.self_attn.relative_attention_bias.weight"] = torch.zeros(320, 12)
    with pytest.raises(ValueError, match="relative_attention_bias"):
        from_public(checkpoint, MIDS)


@pytest.mark.parametrize(
    "name",
    ["predictor.bias", "encoder.pos_conv.0.weight_g", "encoder.layers.0.self_attn.relative_attention_bias.weight"],
)
def test_missing_tensors_of_a_truncated_state_dict_are_named(name):
    checkpoint = public_checkpoint(layers=1)
    del checkpoint["model"][name]
    with pytest.raises(ValueError, match=f"it lacks {name}"):
        from_public(checkpoint, MIDS)
    with pytest.raises(ValueError, match="it lacks predictor.weight, predictor.bias, encoder.pos_conv"):
        from_public({**checkpoint, "model": {}}, MIDS)


def test_a_predictor_of_other_classes_is_refused():
    checkpoint = public_checkpoint(layers=1)
    checkpoint["model"]["predictor.weight"] = torch.zeros(10, 768)
    with pytest.raises(ValueError, match="predictor .* 10 .* 527 .*expected 527"):
        from_public(checkpoint, MIDS)
