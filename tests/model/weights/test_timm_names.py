"""Conversion of PVTv2's and Swin's original names to timm's, against the official list and against generated names."""

import json

import pytest
import timm
import torch
from original_names import original_pvt_name, original_swin_name

from c3n_model.network.visual_encoder import VisualEncoder
from c3n_model.weights.timm_names import to_timm_names


def make_backbone(name: str, num_classes: int = 3, **arguments) -> torch.nn.Module:
    torch.manual_seed(0)
    return timm.create_model(name, num_classes=num_classes, **arguments)


def shapes(tensors) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.realdata
def test_official_pvt_v2_b2_maps_one_to_one(real_data):
    official = json.loads((real_data / "weights" / "pvt_v2_b2_keys.json").read_text())
    with torch.device("meta"):
        tensors = {name: torch.empty(shape) for name, shape in official.items()}
        backbone = timm.create_model("pvt_v2_b2")
    assert len(official) == 334
    assert shapes(to_timm_names(tensors, backbone)) == shapes(backbone.state_dict())


@pytest.mark.parametrize(
    ("name", "original"), [("pvt_v2_b0", original_pvt_name), ("swin_tiny_patch4_window7_224", original_swin_name)]
)
def test_original_names_are_converted(name, original):
    backbone = make_backbone(name)
    expected = backbone.state_dict()
    official = {original(name): tensor for name, tensor in expected.items()}
    assert official.keys() != expected.keys()
    if "swin" in name:  # what Microsoft's files hold besides
        official["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
        official["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(49, 49, dtype=torch.long)
    renamed = to_timm_names(official, backbone)
    assert renamed.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in renamed.items())


def test_position_biases_of_swin_follow_the_image_size():
    # 64 pixels: stages of 16, 8, 4 and 2 cells, so the windows of the last two shrink from 7 to 4 and 2.
    small = {"embed_dim": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)}
    name = "swin_tiny_patch4_window7_224"
    backbone = VisualEncoder(name, 3, image_size=64, create_arguments=small).backbone
    backbone.load_state_dict(to_timm_names(make_backbone(name, **small).state_dict(), backbone))
    tables = [stage.blocks[0].attn.relative_position_bias_table for stage in backbone.layers]
    assert [len(table) for table in tables] == [13 * 13, 13 * 13, 7 * 7, 3 * 3]
    assert backbone(torch.rand(1, 3, 64, 64)).shape == (1, 3)


@pytest.mark.parametrize("name", ["pvt_v2_b0", "swin_tiny_patch4_window7_224", "test_resnet"])
def test_names_of_timm_are_unchanged(name):
    backbone = make_backbone(name)
    assert shapes(to_timm_names(backbone.state_dict(), backbone)) == shapes(backbone.state_dict())


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("layers.9.blocks.0.attn.relative_position_bias_table", (169, 1)),  # there is no tenth stage
        ("layers.0.blocks.0.attn.relative_position_bias_table", (169,)),
        ("patch_embed.proj.weight", (12,)),
    ],
)
def test_names_unknown_to_timms_filters_are_refused(name, shape):
    small = {"embed_dim": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)}
    backbone = make_backbone("swin_tiny_patch4_window7_224", **small)
    with pytest.raises(ValueError, match="do not fit SwinTransformer as configured: "):
        to_timm_names({name: torch.zeros(shape)}, backbone)
