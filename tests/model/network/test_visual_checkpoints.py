"""Original names of PVTv2 and Swin to timm's: against the official list, and against names written by rule."""

import json

import pytest
import timm
import torch
from original_names import original_pvt_name, original_swin_name
from safetensors.torch import save_file

from c3n_model.network.visual_checkpoints import load_visual_weights, to_timm_names
from c3n_model.network.visual_encoder import VisualEncoder


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
def test_original_names_come_back(name, original, tmp_path):
    source, target = make_backbone(name), make_backbone(name).requires_grad_(False)
    for parameter in target.parameters():
        parameter.zero_()
    official = {original(name): tensor for name, tensor in source.state_dict().items()}
    assert official.keys() != source.state_dict().keys()
    if "swin" in name:  # what Microsoft's files hold besides
        official["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
        official["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(49, 49, dtype=torch.long)
    torch.save({"model": official}, tmp_path / "official.pth")
    load_visual_weights(target, tmp_path / "official.pth")
    for name, tensor in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], tensor), name


def test_position_biases_of_swin_follow_the_image_size(tmp_path):
    # 64 pixels: stages of 16, 8, 4 and 2 cells, so the windows of the last two shrink from 7 to 4 and 2.
    small = {"embed_dim": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)}
    name = "swin_tiny_patch4_window7_224"
    torch.save({"model": make_backbone(name, **small).state_dict()}, tmp_path / "swin_224.pth")
    backbone = VisualEncoder(name, 3, image_size=64, create_arguments=small).backbone
    load_visual_weights(backbone, tmp_path / "swin_224.pth")
    tables = [stage.blocks[0].attn.relative_position_bias_table for stage in backbone.layers]
    assert [len(table) for table in tables] == [13 * 13, 13 * 13, 7 * 7, 3 * 3]
    assert backbone(torch.rand(1, 3, 64, 64)).shape == (1, 3)


def test_names_of_timm_stay(tmp_path):
    for name in ("pvt_v2_b0", "test_resnet"):
        backbone = make_backbone(name)
        save_file(backbone.state_dict(), tmp_path / "timm.safetensors")
        assert to_timm_names(backbone.state_dict(), backbone).keys() == backbone.state_dict().keys()
        load_visual_weights(backbone, tmp_path / "timm.safetensors")


def test_what_does_not_fit_is_named(tmp_path):
    torch.save(make_backbone("pvt_v2_b0").state_dict(), tmp_path / "b0.pth")
    with pytest.raises(ValueError, match=r"b0.pth does not fit PyramidVisionTransformerV2.*patch_embed"):
        load_visual_weights(make_backbone("pvt_v2_b1"), tmp_path / "b0.pth")
    with pytest.raises(ValueError, match=r"does not fit .*head.weight"):
        load_visual_weights(make_backbone("pvt_v2_b0", 4), tmp_path / "b0.pth")
    with pytest.raises(FileNotFoundError, match="no such weights"):
        load_visual_weights(make_backbone("pvt_v2_b0"), tmp_path / "b9.pth")


class Surprise:
    """Something that only unpickling code could bring back."""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no complete weights file"),
        (b"words", "no state dict, or holds more than tensors"),
        ({"model": {}, "config": Surprise()}, "nothing else is unpickled"),
        ({"epoch": 3}, "holds no state dict"),
    ],
)
def test_other_files_are_refused(tmp_path, content, words):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=words):
        load_visual_weights(make_backbone("test_resnet"), path)


def test_cut_files(tmp_path):
    backbone = make_backbone("test_resnet")
    for name, write in (("cut.pth", torch.save), ("cut.safetensors", save_file)):
        write(backbone.state_dict(), tmp_path / name)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-5000])
        with pytest.raises(ValueError, match="no complete weights file"):
            load_visual_weights(backbone, tmp_path / name)


@pytest.mark.realdata
def test_the_real_cut_file(real_data):
    with pytest.raises(ValueError, match="no complete weights file"):
        load_visual_weights(make_backbone("test_resnet"), real_data / "weights" / "pvt_v2_b2.truncated.pth")
