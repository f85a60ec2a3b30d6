"""Costs: small modules computed by hand, the total against a real network's count, Table IV to the last digit."""

import json
from dataclasses import replace

import pytest
import torch
from printed_lines import printed
from tiny import make_tiny_model
from torch import nn

from c3n_model.cli import main
from c3n_model.config import ModelConfig
from c3n_model.experiments.cost import describe as module
from c3n_model.experiments.cost.describe import (
    PAPER_CONFIG,
    Cost,
    cost_of,
    count_calls,
    count_macs,
    describe,
    naive_fusion,
)
from c3n_model.network.audio import AUDIO_ENCODERS, build_audio_encoder
from c3n_model.network.fusion import AtrousPyramid, CrossModalNonLocal, join_contributions

TINY = ModelConfig(visual="test_resnet", audio="vggish", channels=8, image_size=64, history=3)
PVT_STAGES = ((3136, 64, 3), (784, 128, 6), (196, 320, 40), (49, 512, 3))


@pytest.fixture(scope="module")
def tiny():
    return describe(TINY)


@pytest.fixture(scope="module")
def paper():
    """Describe the network of Table IV, with the norms of the authors' fusions."""
    return describe(replace(PAPER_CONFIG, fusion_norm=True))


def cost_alone(module, *inputs):
    calls, _ = count_calls(module, lambda: module(*inputs))
    return cost_of([module], calls)


@pytest.mark.parametrize(
    ("layer", "shape", "parameters", "macs"),
    [
        (nn.Linear(3, 5), (4, 3), 3 * 5 + 5, 4 * 3 * 5),
        (nn.Linear(3, 5, bias=False), (2, 7, 3), 3 * 5, 2 * 7 * 3 * 5),
        (nn.Conv2d(4, 6, 3, padding=1), (2, 4, 5, 7), 6 * 4 * 9 + 6, 2 * 5 * 7 * 6 * 4 * 9),
        (nn.Conv2d(4, 8, 3, stride=2, groups=4, bias=False), (1, 4, 9, 9), 8 * 9, 4 * 4 * 8 * 9),
    ],
    ids=["linear", "linear of tokens", "convolution", "grouped, strided convolution"],
)
def test_layers_by_hand(layer, shape, parameters, macs):
    assert cost_alone(layer, torch.zeros(shape)) == Cost(parameters, macs, layer_macs=macs)


def test_products_outside_layers_and_norms_are_not_layer_macs():
    class Gram(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(3)

        def forward(self, x):
            return self.norm(x) @ x.T

    cost = cost_alone(Gram(), torch.zeros(5, 3))
    assert cost == Cost(parameters=6, macs=5 * 3 * 5, layer_macs=0, normalised=5 * 3)
    assert cost.matmul_macs == 75


def test_a_backward_pass_counts():
    layers = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    inputs = torch.zeros(4, 3, requires_grad=True) * 1  # no leaf: torch's counter cannot follow autograd.grad to one
    forward = 4 * (3 * 5 + 5 * 2)
    assert count_macs(lambda: layers(inputs)) == forward
    # To its input alone, each layer's gradient costs what its output does; no gradient of weights is worked out.
    assert count_macs(lambda: torch.autograd.grad(layers(inputs).sum(), inputs)) == 2 * forward


def test_pyramid_by_hand():
    frames, width, channels, height, length = 2, 6, 4, 5, 7
    pixels = frames * height * length
    atrous, mix = 3 * width * channels * 9, 5 * channels * channels
    macs = frames * width * channels + pixels * (
        width * channels + atrous + mix
    )  # pooled once a frame, the rest a pixel
    parameters = 2 * width * channels + atrous + mix + 6 * channels
    cost = cost_alone(AtrousPyramid(width, channels), torch.zeros(frames, width, height, length))
    assert cost == Cost(parameters, macs, layer_macs=macs)


def test_factorised_fusion_by_hand():
    clips, frames, channels, heard, height, length = 2, 3, 8, 5, 4, 6
    inner, seconds, pixels = channels // 2, 2 * 3, 2 * 3 * 4 * 6
    fusion = CrossModalNonLocal(channels, heard)
    visual, context = torch.zeros(seconds, channels, height, length), torch.zeros(seconds, inner, inner)
    layers, products = pixels * 2 * channels * inner, pixels * inner * inner
    parameters = heard * channels + channels + 4 * channels * inner + 3 * inner + channels
    assert cost_alone(fusion, visual, context) == Cost(parameters, layers + products, layer_macs=layers)
    contribute = lambda: fusion.contribute(torch.zeros(seconds, channels), torch.zeros(seconds, heard))  # noqa: E731
    assert count_macs(contribute) == seconds * (heard * channels + 2 * channels * inner)
    contributions = torch.zeros(clips, frames, 2, inner)
    assert count_macs(lambda: join_contributions(contributions)) == seconds * inner * inner


def test_naive_fusion_has_the_cost_of_equation_13_as_printed():
    clips, frames, channels, height, width = 2, 3, 8, 4, 5
    fusion = CrossModalNonLocal(channels, 6)
    visual, audio = torch.randn(clips, frames, height * width, channels), torch.randn(clips, frames, 6)

    def run():
        repeated = fusion.audio(audio)[:, :, None].expand_as(visual)
        query, key, value = (
            theta(part).flatten(1, 2)
            for theta, part in ((fusion.theta1, visual), (fusion.theta2, repeated), (fusion.theta3, visual))
        )
        affinity = query @ key.mT / key.shape[1]
        return visual + fusion.theta4(affinity @ value).view_as(visual)

    cost = naive_fusion(fusion, torch.Size((clips, frames, channels, height, width)))
    assert cost.macs == count_macs(run)
    assert cost.matmul_macs == clips * 2 * (frames * height * width) ** 2 * channels // 2
    maps = visual.unflatten(2, (height, width)).movedim(-1, 2)
    contributions = fusion.contribute(maps.mean(dim=(3, 4)).flatten(0, 1), audio.flatten(0, 1))
    context = join_contributions(contributions.unflatten(0, (clips, frames))).repeat_interleave(frames, dim=0)
    factorised = fusion(maps.flatten(0, 1), context)
    expected = run().flatten(0, 1).unflatten(1, (height, width)).movedim(-1, 1)
    torch.testing.assert_close(factorised, expected)  # the two that are compared compute the same


def test_parts_add_up_to_a_real_network():
    network = make_tiny_model(history=3).network
    frames, snippets = torch.rand(1, 3, 3, 64, 64), torch.zeros(1, 3, network.audio_encoder.sample_rate)
    classes = network.similarity.shape
    config = replace(TINY, audio="mn04")
    counted = describe(config, audio_classes=classes[0], visual_classes=classes[1])
    with torch.no_grad():
        assert counted.c3n.macs == count_macs(lambda: network(frames, snippets))
    assert counted.c3n.parameters == sum(parameter.numel() for parameter in network.parameters())
    heads = [network.visual_encoder.head(), network.audio_encoder.head()]
    of_heads = sum(parameter.numel() for head in heads for parameter in head.parameters())
    assert counted.c3n.parameters - counted.baseline.parameters == of_heads == counted.parts["consensus"].parameters


def test_baseline_lacks_classifiers_and_backward_pass(tiny):
    assert tiny.baseline.macs < tiny.c3n.macs
    assert tiny.parts["attention"].macs > 0
    forward_only = describe(replace(TINY, consensus="none"))
    assert forward_only.parts["attention"] == Cost()
    assert forward_only.baseline == tiny.baseline
    classifiers = tiny.parts["consensus"]
    difference = tiny.as_thop_counts(tiny.c3n) - tiny.as_thop_counts(tiny.baseline)
    assert difference == classifiers.macs + 4 * classifiers.normalised


def test_twice_the_frames_cost_twice_but_for_the_naive_products(tiny):
    longer = describe(replace(TINY, history=6))
    for name in ("visual_encoder", "audio_encoder", "consensus", "attention", "pyramids", "decoder", "fusions"):
        assert longer.parts[name].macs == 2 * tiny.parts[name].macs
    assert longer.naive_fusions.matmul_macs == 4 * tiny.naive_fusions.matmul_macs


def test_without_audio_features_there_is_no_fusion():
    silent = describe(replace(TINY, audio_features=False))
    assert silent.parts["fusions"] == silent.naive_fusions == Cost()


@pytest.mark.parametrize("audio", AUDIO_ENCODERS)
def test_every_audio_encoder(audio):
    described = describe(replace(TINY, audio=audio, history=1))
    with torch.device("meta"):
        encoder = build_audio_encoder(audio, described.audio_classes)
    parameters = sum(parameter.numel() for parameter in encoder.parameters())
    of_head = sum(parameter.numel() for parameter in encoder.head().parameters())
    assert described.parts["audio_encoder"].parameters == parameters - of_head
    assert 0 < described.front_end_macs < described.parts["audio_encoder"].macs


def test_the_papers_network(paper):
    # positions, channels and blocks of PVTv2-b5's stages at 224 pixels; each attends to 7 x 7 reduced positions
    attention = [5 * 2 * 49 * n * c * blocks for n, c, blocks in PVT_STAGES]
    assert paper.parts["visual_encoder"].matmul_macs == sum(attention)
    assert paper.parts["consensus"].parameters == 4_876_047 + 512 * 1000 + 1000
    assert paper.naive_fusions.matmul_macs == sum(2 * (5 * n) ** 2 * 128 for n, _, _ in PVT_STAGES)
    # Back from the logits to V_1: once more the MACs of the layers of stages 2 to 4 and of the head, twice those of attention.
    # Stage 1: a 7 x 7 patch embedding; in each block q and proj, an MLP with a depthwise 3 x 3, an 8 x 8 reduction, k and v.
    first = 3136 * (3 * 49 * 64) + 3 * (3136 * (2 * 64**2 + 8 * 64**2 + 4 * 64 * 9) + 49 * (64 * 64 * 64 + 2 * 64**2))
    layers = paper.parts["visual_encoder"].layer_macs - 5 * first + 5 * 512 * 1000
    assert paper.parts["attention"].macs == layers + 2 * sum(attention[1:])


@pytest.mark.parametrize("setting", [{"consensus": "none"}, {"audio_features": False}, {"image_size": 256}])
def test_table_4_contains_no_other_network(paper, setting):
    assert paper.paper is not None
    assert replace(paper, config=replace(paper.config, **setting)).paper is None


def test_table_4_to_the_digit(paper):
    """thop 0.1.1 over the authors' own code finds 161,388,134,400 operations and 177,148,408 parameters; without classifiers
    161,361,164,800 and 171,759,361. It counts an average pool of theirs, C (H W + 1) a frame, where we take a mean."""
    pools = 5 * sum(width * (n + 1) for n, width, _ in PVT_STAGES)
    assert paper.as_thop_counts(paper.c3n) + pools == 161_388_134_400
    assert paper.as_thop_counts(paper.baseline) + pools == 161_361_164_800
    for name in ("baseline", "c3n"):
        assert round(paper.as_thop_counts(getattr(paper, name)) / 1e9, 2) == paper.paper[name]["gflops"]
    assert (paper.c3n.parameters, paper.baseline.parameters) == (177_148_408, 171_759_361)
    assert round(paper.c3n.parameters / 1e6, 2) == paper.paper["c3n"]["parameters_m"]


def test_json(capsys):
    main(["describe", "--visual", "test_resnet", "--audio", "vggish", "--frames", "2", "--image-size", "64", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert (printed["frames"], printed["image_size"]) == (2, 64)
    names = ["visual_encoder", "audio_encoder", "pyramids", "fusions", "decoder", "consensus", "attention"]
    assert list(printed["parts"]) == names
    for key in ("parameters", "macs"):
        assert printed["c3n"][key] == sum(part[key] for part in printed["parts"].values())
    assert printed["baseline"]["macs"] < printed["c3n"]["macs"]
    assert printed["parts"]["fusions"]["macs"] < printed["parts"]["fusions"]["naive_macs"]
    assert printed["paper"] is None


def test_table_of_the_papers_network(paper, monkeypatch, capsys):
    """It is counted once for all tests."""
    monkeypatch.setattr(module, "describe", {PAPER_CONFIG: paper}.__getitem__)
    main(printed("c3n describe"))
    said = capsys.readouterr().out
    assert "Table IV" in said and f"{paper.c3n.macs:,}" in said and f"{paper.c3n.parameters:,}" in said


def test_table(tiny, capsys, tmp_path):
    (tmp_path / "small.yaml").write_text("model: {visual: test_resnet, audio: vggish, channels: 8, image_size: 64}")
    main(["describe", "--config", str(tmp_path / "small.yaml"), "--frames", "3"])
    said = capsys.readouterr().out
    assert "test_resnet + vggish: a clip of 3 frames of 64 x 64" in said
    for cost in (tiny.baseline, tiny.c3n, *tiny.parts.values(), tiny.naive_fusions):
        assert f"{cost.macs:,}" in said
    assert "Table IV" not in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--visual nothing", "is not a timm model"),
        ("--audio nothing", "audio encoder 'nothing' is unknown"),
        ("--frames 0", "history must be at least 1, got 0"),
        ("--image-size 16", "image_size must be at least 32, got 16"),
    ],
)
def test_bad_input_is_one_line(options, message):
    with pytest.raises(SystemExit) as stop:
        main(["describe", *options.split()])
    assert message in str(stop.value.code)
    assert "\n" not in str(stop.value.code)
