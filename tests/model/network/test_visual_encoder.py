"""Visual encoders: pyramids of many architectures; the gradients of CCAM against independent hooks."""

import pytest
import torch

from c3n_model.network.attention import class_activation_weights
from c3n_model.network.visual_encoder import VisualEncoder

PVT = [32, 64, 160, 256], [64, 128, 320, 512]
CHANNELS = {
    "pvt_v2_b0": PVT[0],
    "pvt_v2_b1": PVT[1],
    "pvt_v2_b2": PVT[1],
    "pvt_v2_b3": PVT[1],
    "pvt_v2_b4": PVT[1],
    "pvt_v2_b5": PVT[1],
    "swin_tiny_patch4_window7_224": [96, 192, 384, 768],
    "swin_base_patch4_window7_224": [128, 256, 512, 1024],
    "swinv2_tiny_window8_256": [96, 192, 384, 768],
    "mobilenetv2_100": [24, 32, 96, 320],
    "mobilenetv3_small_050": [8, 16, 24, 288],
    "mobilenetv4_conv_small": [32, 64, 96, 960],
    "resnet18": [64, 128, 256, 512],
    "convnext_atto": [40, 80, 160, 320],
    "efficientnet_b0": [24, 40, 112, 320],
    "efficientvit_b0": [16, 32, 64, 128],
    "regnetx_002": [24, 56, 152, 368],
}
SMALL_SWIN = {"embed_dim": 12, "depths": (2, 2, 2, 2), "num_heads": (1, 1, 2, 2)}
# A CNN, a backbone whose stages end with a norm, one whose channels come last.
BACKBONES = {"test_resnet": {}, "pvt_v2_b0": {}, "swin_tiny_patch4_window7_224": SMALL_SWIN}


def make_encoder(name: str, **options) -> VisualEncoder:
    torch.manual_seed(0)
    encoder = VisualEncoder(name, 7, image_size=64, create_arguments=BACKBONES[name], **options).eval()
    for parameter in encoder.parameters():  # heads and norms as if trained: neither tiny nor all ones
        if parameter.ndim == 1 or parameter.shape[0] == 7:
            torch.nn.init.normal_(parameter, 1.0 if parameter.ndim == 1 else 0.0, 0.3)
    return encoder


def make_frames() -> torch.Tensor:
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def weights_of(encoder: VisualEncoder, frames: torch.Tensor, classes: torch.Tensor) -> list[torch.Tensor]:
    _, logits, points = encoder.observe(frames)
    return class_activation_weights(logits, classes, points)


def weights_by_hooks(modules, encoder: VisualEncoder, frames: torch.Tensor, classes: torch.Tensor):
    """Compute Grad-CAM by backward hooks: the gradient at each module, averaged over its positions."""
    caught, handles = [], []
    for module in modules:
        handles.append(module.register_full_backward_hook(lambda m, inputs, outputs: caught.insert(0, outputs[0])))
    logits = encoder.backbone((frames - encoder.mean) / encoder.std)
    sum(logits[row, label] for row, label in enumerate(classes)).backward()
    for handle in handles:
        handle.remove()
    return caught


@pytest.mark.parametrize("name", CHANNELS)
def test_four_maps_and_logits(name):
    with torch.device("meta"):  # shapes without arithmetic
        encoder = VisualEncoder(name, 1000, image_size=224)
        maps, logits, points = encoder.observe(torch.rand(2, 3, 224, 224))
    assert encoder.channels == CHANNELS[name]
    assert encoder.strides == [4, 8, 16, 32]
    assert [tuple(stage.shape) for stage in maps] == [
        (2, width, 224 // stride, 224 // stride)
        for width, stride in zip(encoder.channels, encoder.strides, strict=True)
    ]
    assert logits.shape == (2, 1000)
    assert all(point is stage for point, stage in zip(points, maps, strict=True))


@pytest.mark.parametrize(("name", "millions"), [("pvt_v2_b5", 82.0), ("swin_base_patch4_window7_224", 87.8)])
def test_parameters_of_the_papers_backbones(name, millions):
    with torch.device("meta"):
        encoder = VisualEncoder(name, 1000)
    assert sum(parameter.numel() for parameter in encoder.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", BACKBONES)
def test_maps_and_logits_are_timms(name):
    encoder, frames = make_encoder(name), make_frames()
    normalised = (frames - encoder.mean) / encoder.std
    with torch.no_grad():
        maps, logits = encoder(frames)
        _, expected = encoder.backbone.forward_intermediates(normalised)
        assert torch.equal(logits, encoder.backbone(normalised))
    for stage, timms in zip(maps, expected[-4:], strict=True):
        assert torch.equal(stage, timms)


@pytest.mark.parametrize("name", BACKBONES)
def test_after_norm_equals_hooks_on_the_stages(name):
    encoder, frames, classes = make_encoder(name), make_frames(), torch.tensor([0, 5, 2])
    stages = [encoder.backbone.get_submodule(stage["module"]) for stage in encoder.backbone.feature_info[-4:]]
    caught = weights_by_hooks(stages, encoder, frames, classes)
    positions = (1, 2) if "swin" in name else (2, 3)
    for ours, gradient in zip(weights_of(encoder, frames, classes), caught, strict=True):
        assert torch.allclose(ours, gradient.mean(positions), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["pvt_v2_b0", "swin_tiny_patch4_window7_224"])
def test_before_norm_equals_hooks_on_the_last_blocks(name):
    encoder, frames, classes = make_encoder(name, cam_point="before_norm"), make_frames(), torch.tensor([0, 5, 2])
    stages = encoder.backbone.layers if "swin" in name else encoder.backbone.stages
    caught = weights_by_hooks([stage.blocks[-1] for stage in stages], encoder, frames, classes)
    for ours, gradient in zip(weights_of(encoder, frames, classes), caught, strict=True):
        assert torch.allclose(ours, gradient.flatten(1, -2).mean(1), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", BACKBONES)
def test_cam_points_differ_only_where_a_stage_ends_with_a_norm(name):
    frames, classes = make_frames(), torch.tensor([0, 5, 2])
    after, before = (make_encoder(name, cam_point=point) for point in ("after_norm", "before_norm"))
    for one, other in zip(weights_of(after, frames, classes), weights_of(before, frames, classes), strict=True):
        similarity = torch.nn.functional.cosine_similarity(one, other)
        assert (similarity < 0.99).all() if name == "pvt_v2_b0" else torch.equal(one, other)


@pytest.mark.parametrize("cam_point", ["after_norm", "before_norm"])
@pytest.mark.parametrize("name", BACKBONES)
def test_frames_do_not_see_each_other(name, cam_point):
    encoder, frames, classes = make_encoder(name, cam_point=cam_point), make_frames(), torch.tensor([0, 5, 2])
    together = weights_of(encoder, frames, classes)
    alone = weights_of(encoder, frames[1:2], classes[1:2])
    for all_frames, one_frame in zip(together, alone, strict=True):
        assert torch.allclose(all_frames[1:2], one_frame, rtol=1e-3, atol=1e-6)


def test_dense_swin_norms_its_maps_beside_the_logits():
    name, frames = "swin_tiny_patch4_window7_224", make_frames()
    dense = make_encoder(name, swin="dense", cam_point="before_norm")
    with torch.no_grad():
        maps, logits, points = dense.observe(frames)
        for norm, stage, point in zip([*dense.norms, dense.backbone.norm], maps, points, strict=True):
            centred = point - point.mean(1, keepdim=True)
            unit = centred / (point.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
            expected = unit * norm.weight[:, None, None] + norm.bias[:, None, None]
            assert torch.allclose(stage, expected, atol=1e-4)
        for norm in dense.norms:
            norm.weight.zero_()
        assert torch.equal(dense(frames)[1], logits)
        pooled = maps[3].mean(dim=(2, 3))  # the last map is what the head sees
        assert torch.allclose(dense.head()(pooled), logits, atol=1e-5)
    assert dense.backbone.layers[3].blocks[1].shift_size == (3, 3)
    assert make_encoder(name).backbone.layers[3].blocks[1].shift_size == (0, 0)


def test_no_hook_outlives_a_pass():
    encoder = make_encoder("pvt_v2_b0", cam_point="before_norm")
    with torch.no_grad():
        encoder(make_frames())
    with pytest.raises(RuntimeError):
        encoder(torch.rand(1, 4, 64, 64))
    assert not any(module._forward_hooks for module in encoder.modules())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet999", {}, "'resnet999'.*timm"),
        ("vit_tiny_patch16_224", {}, r"vit_tiny_patch16_224.*4 stages.*\[16, 16, 16, 16\]"),
        ("efficientvit_m0", {}, "efficientvit_m0.* 3 feature stages.* 4"),
        ("test_resnet", {"num_classes": 0}, "test_resnet.*classifier.*got 0 classes"),
        ("test_resnet", {"cam_point": "norm"}, "cam_point.*'norm'.*after_norm, before_norm"),
        ("test_resnet", {"swin": "big"}, "swin.*'big'.*classifier, dense"),
        ("test_resnet", {"swin": "dense"}, "'test_resnet'.*swin: classifier"),
        ("swin_tiny_patch4_window7_224", {"swin": "dense"}, "cam_point: before_norm"),
        ("levit_128s", {"image_size": 64}, "image_size 224, got 64|feature stages"),
    ],
)
def test_refusals(name, options, message):
    with pytest.raises(ValueError, match=message), torch.device("meta"):
        VisualEncoder(name, **{"num_classes": 3, **options})


@pytest.mark.parametrize("name", ["hiera_tiny_224", "selecsls42"])
def test_a_backbone_with_tokens_or_lists_is_refused_on_the_first_forward(name):
    with torch.device("meta"):
        encoder = VisualEncoder(name, 3)
        with pytest.raises(ValueError, match=r"expected 4 maps \(N, C, H, W\).*got"):
            encoder(torch.rand(1, 3, 224, 224))


def test_pixel_statistics_are_those_of_the_named_weights():
    def statistics(name: str) -> list[list[float]]:
        encoder = VisualEncoder(name, 3)
        return [encoder.mean.flatten().tolist(), encoder.std.flatten().tolist()]

    imagenet = [pytest.approx([0.485, 0.456, 0.406]), pytest.approx([0.229, 0.224, 0.225])]
    assert statistics("pvt_v2_b0.in1k") == imagenet
    assert statistics("tf_efficientnet_b0.ns_jft_in1k") == imagenet
    assert statistics("tf_efficientnet_b0.ap_in1k") == [[0.5] * 3, [0.5] * 3]
