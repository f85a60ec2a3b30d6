"""GroundingDINO, OWLv2, CLIPSeg and SAM 2 of transformers: their inputs and outputs, by tiny networks with random weights."""

import json
import socket
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_transformers import SIDE, save_clipseg, save_grounding_dino, save_owlv2, save_sam2

from c3n_model.zero_shot import text_prompted
from c3n_model.zero_shot.box_outlines import open_outliner
from c3n_model.zero_shot.text_prompted import ClipSeg, GroundingDino, Owl, open_prompted

pytest.importorskip("transformers", reason='transformers is not installed: pip install ".[open-vocabulary]"')
NOUNS = ("lawn mower", "helicopter", "dog")
WIDE = torch.rand(3, 48, 80, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """No test of this file may open a connection."""
    monkeypatch.setattr(socket.socket, "connect", lambda *address: pytest.fail(f"connects to {address}"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("transformers")
    saves = {"dino": save_grounding_dino, "owl": save_owlv2, "clipseg": save_clipseg, "sam": save_sam2}
    return {name: save(root / name) for name, save in saves.items()}


def well_formed(found, nouns=NOUNS):
    assert found.boxes.shape == (len(found), 4) and found.boxes.dtype == found.scores.dtype == torch.float32
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert set(found.classes.tolist()) <= set(range(len(nouns)))
    return found


@torch.no_grad()
def test_the_score_of_a_noun_is_the_mean_of_its_tokens(folders):
    model = open_prompted(folders["dino"])
    assert isinstance(model, GroundingDino)
    found = well_formed(model(WIDE, NOUNS))
    assert len(found) == 12 * len(NOUNS)
    tokens = model.tokenizer("lawn mower. helicopter. dog.", return_tensors="pt")
    words = model.tokenizer.convert_ids_to_tokens(tokens["input_ids"][0])
    assert words == ["[CLS]", "lawn", "mower", ".", "heli", "##copter", ".", "dog", ".", "[SEP]"]
    outputs = model.network(**model.image_processor(images=WIDE, do_rescale=False, return_tensors="pt"), **tokens)
    scores = outputs.logits[0].sigmoid()
    expected = torch.stack([scores[:, 1:3].mean(dim=1), scores[:, 4:6].mean(dim=1), scores[:, 7]], dim=1)
    assert torch.allclose(found.scores.view(12, 3), expected, atol=1e-6)
    centres = (found.boxes[::3, :2] + found.boxes[::3, 2:]) / 2
    assert torch.allclose(centres, outputs.pred_boxes[0, :, :2], atol=1e-6)


@torch.no_grad()
def test_boxes_of_owlv2_are_those_of_its_own_post_processing(folders):
    model = open_prompted(folders["owl"])
    assert isinstance(model, Owl)
    found = well_formed(model(WIDE, NOUNS))
    outputs = []
    model.network.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    model(WIDE, NOUNS)
    (own,) = model.image_processor.post_process_object_detection(outputs[0], threshold=0.0, target_sizes=[(48, 80)])
    scores = found.scores.view(-1, len(NOUNS))
    assert torch.allclose(own["scores"], scores.amax(dim=1), atol=1e-6)
    assert torch.allclose(own["scores"], scores.gather(1, own["labels"][:, None])[:, 0], atol=1e-6)
    pixels = found.boxes[:: len(NOUNS)] * torch.tensor([80.0, 48.0, 80.0, 48.0])
    assert torch.allclose(own["boxes"], pixels, atol=1e-3)


@torch.no_grad()
def test_regions_of_clipseg_are_instances_with_masks(folders):
    model = open_prompted(folders["clipseg"])
    assert isinstance(model, ClipSeg)
    well_formed(model(WIDE, NOUNS))
    well_formed(model(WIDE, NOUNS[:1]), NOUNS[:1])
    logits = torch.full((2, 40, 40), -4.0)
    logits[1, 10:20, 0:10], logits[1, 10:20, 30:40] = 1.0, 2.0
    del model.network
    model.network = lambda **inputs: SimpleNamespace(logits=logits)
    found = well_formed(model(WIDE, NOUNS[:2]))
    assert found.classes.tolist() == [1, 1]
    assert found.boxes.tolist() == [[0.0, 0.25, 0.25, 0.5], [0.75, 0.25, 1.0, 0.5]]
    assert torch.allclose(found.scores, torch.tensor([1.0, 2.0]).sigmoid())
    assert [int((mask > 0.5).sum()) for mask in found.masks] == [100, 100]
    logits[:] = -4.0
    assert len(model(WIDE, NOUNS[:2])) == 0


@torch.no_grad()
def test_sam2_outlines_each_box_where_the_box_is(folders):
    model, given = open_outliner(folders["sam"]), []
    model.network.register_forward_pre_hook(lambda module, args, kwargs: given.append(kwargs), with_kwargs=True)
    masks = model(WIDE, torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.25, 0.5, 1.0, 1.0]]))
    assert masks.shape == (2, SIDE // 4, SIDE // 4) and ((masks >= 0) & (masks <= 1)).all()
    assert given[0]["input_boxes"].tolist() == [[[0.0, 0.0, 32.0, 32.0], [16.0, 32.0, 64.0, 64.0]]]
    assert given[0]["pixel_values"].shape == (1, 3, SIDE, SIDE)


@torch.no_grad()
@pytest.mark.parametrize("name", ["dino", "owl", "clipseg"])
def test_half_precision_gives_float32_and_nearly_the_same(folders, name, monkeypatch):
    """In bfloat16 on a CPU: on a GPU it is float16."""
    model = open_prompted(folders[name])
    whole = model(WIDE, NOUNS)
    monkeypatch.setattr(text_prompted, "half_on_gpu", lambda device: torch.autocast("cpu", dtype=torch.bfloat16))
    half = well_formed(model(WIDE, NOUNS))
    if name == "owl":  # GroundingDINO chooses its boxes by scores, and CLIPSeg's regions may fall apart
        assert (half.scores - whole.scores).abs().max() < 0.1


def test_loading_leaves_torch_as_it_was(folders):
    torch.utils._device._device_constructors.cache_clear()  # as in a process that has not used a device as a context yet
    open_prompted(folders["clipseg"])
    with torch.device("meta"):
        assert torch.linspace(0, 1, 3).device.type == "meta"


def test_missing_tensors_are_not_made_up(folders):
    file = folders["owl"] / "model.safetensors"
    content, tensors = file.read_bytes(), load_file(file)
    del tensors["class_head.dense0.weight"]
    save_file(tensors, file, {"format": "pt"})
    try:
        with pytest.raises(ValueError, match="lacks 1 tensors.*class_head.dense0.weight"):
            open_prompted(folders["owl"])
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize(("name", "kept"), [("owl", "tokenizer"), ("owl", "preprocessor"), ("clipseg", "model")])
def test_incomplete_and_damaged_folders_are_one_line(folders, tmp_path, name, kept):
    for path in folders[name].iterdir():
        damaged = b"{" if path.name.startswith(kept) else path.read_bytes()
        (tmp_path / path.name).write_bytes(damaged)
    with pytest.raises(ValueError, match="cannot be read as .*download the model again") as refused:
        open_prompted(tmp_path)
    assert "\n" not in str(refused.value)


def test_code_in_a_folder_is_not_run(folders, tmp_path):
    for path in folders["owl"].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    settings = json.loads((tmp_path / "config.json").read_text())
    settings["auto_map"] = {"AutoConfig": "mine.Config", "AutoModel": "mine.Model"}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    (tmp_path / "mine.py").write_text("raise SystemExit('ran')")
    assert isinstance(open_prompted(tmp_path), Owl)


def test_a_model_of_another_kind_names_the_known_ones(folders):
    with pytest.raises(ValueError, match="is a sam2; expected one of grounding-dino, mm-grounding-dino, owlv2"):
        open_prompted(folders["sam"])
    with pytest.raises(ValueError, match="is a owlv2; expected one of sam2"):
        open_outliner(folders["owl"])
