"""Public weights into encoders: the right file, the right names, and one clear line where it does not fit.

The files are made here, with random weights and the names and shapes of the public ones.
"""

from types import SimpleNamespace

import pytest
import timm
import torch
from panns_matrices import fixed_matrices
from safetensors.torch import save_file
from timm.models.swin_transformer import SwinTransformer
from torch import nn
from toy_weights import own_weights

from c3n_model.network.audio.efficientat import EfficientAT
from c3n_model.network.visual_encoder import VARIANTS, VisualEncoder
from c3n_model.weights import manifest, pretrained
from c3n_model.weights.pretrained import AUDIO_FILES, VISUAL_FILES, load_audio, load_visual


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Set C3N_WEIGHTS to an empty folder, with an empty cache, and ignore the sizes in the manifest."""
    own_weights(tmp_path, monkeypatch)
    return tmp_path


def same(module: nn.Module, other: nn.Module) -> bool:
    pairs = zip(module.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(one, another) for one, another in pairs)


def original_name(name: str) -> str:
    """Convert timm's name of a PVTv2 tensor to that of whai362/PVT, which numbers from one and has no stages."""
    parts = name.split(".")
    if parts[0] == "patch_embed":
        return ".".join(["patch_embed1", *parts[1:]])
    if parts[0] != "stages":
        return name
    number, part, rest = int(parts[1]) + 1, parts[2], ".".join(parts[3:])
    prefix = {"downsample": "patch_embed", "blocks": "block", "norm": "norm"}[part]
    return f"{prefix}{number}.{rest}".replace("mlp.dwconv.", "mlp.dwconv.dwconv.")


def test_every_name_leads_to_entries_of_the_manifest():
    for files in (VISUAL_FILES, AUDIO_FILES):
        assert {file for names in files.values() for file in names} <= manifest.read_manifest().keys()
    assert all(timm.is_model(VARIANTS.get(name, (name,))[0]) for name in VISUAL_FILES)


def test_tensorflows_mobilenet_is_a_separate_encoder(folder):
    source = timm.create_model("mobilenetv2_100", pad_type="same")
    save_file(source.state_dict(), folder / manifest.entry("mobilenetv2_100_tfsame").file)
    encoder = VisualEncoder("mobilenetv2_100_tfsame", 1000).eval()
    (path,) = load_visual(encoder, "mobilenetv2_100_tfsame")
    assert path.name == "mobilenetv2_100_tfsame.safetensors"
    frames = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(encoder(frames)[1], source.eval()((frames - 0.5) / 0.5), atol=1e-5)
    assert encoder.input_statistics == {"mean": [0.5] * 3, "std": [0.5] * 3, "padding": "same"}
    assert VisualEncoder("mobilenetv2_100", 3).input_statistics["padding"] == "symmetric"


@pytest.mark.parametrize("name", ["pvt_v2_b0", "mobilenetv2_100"])
def test_timm_files(folder, name):
    source = timm.create_model(name)
    file = manifest.entry(name).file
    (save_file if file.endswith("safetensors") else torch.save)(source.state_dict(), folder / file)
    encoder = VisualEncoder(name, 1000)
    assert load_visual(encoder, name) == [folder / file]
    assert same(encoder.backbone, source)


def test_dense_swin_leaves_out_the_final_norm(folder):
    """As the authors' code, whose norms have other names than that of the file."""
    name = "swin_base_patch4_window7_224"
    source = timm.create_model(name)
    torch.nn.init.uniform_(source.norm.weight)
    save_file(source.state_dict(), folder / manifest.entry(name).file)
    for form, norm in (("classifier", source.norm.weight), ("dense", torch.ones(1024))):
        encoder = VisualEncoder(name, 1000, swin=form, cam_point="before_norm")
        load_visual(encoder, name)
        assert torch.equal(encoder.backbone.norm.weight, norm)
    assert torch.equal(encoder.head().weight, source.head.fc.weight)


def test_the_original_file_is_used_if_timms_is_missing(folder):
    source = timm.create_model("pvt_v2_b0")
    tensors = {original_name(name): tensor for name, tensor in source.state_dict().items()}
    assert "block1.0.mlp.dwconv.dwconv.weight" in tensors
    torch.save(tensors, folder / "pvt_v2_b0.pth")
    encoder = VisualEncoder("pvt_v2_b0", 1000)
    assert load_visual(encoder, "pvt_v2_b0") == [folder / "pvt_v2_b0.pth"]
    assert same(encoder.backbone, source)
    (folder / "pvt_v2_b0.in1k.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="pvt_v2_b0.in1k.safetensors cannot be read"):
        load_visual(encoder, "pvt_v2_b0")  # timm's file comes first where both are here


def test_missing_files_name_the_preferred_one(folder):
    with pytest.raises(FileNotFoundError, match="pvt_v2_b5.in1k.safetensors .*c3n weights get pvt_v2_b5"):
        load_visual(VisualEncoder("test_resnet", 1000), "pvt_v2_b5")


def test_names_without_public_weights(folder):
    with pytest.raises(ValueError, match="visual encoder 'test_resnet'.*pvt_v2_b0, .*mobilenetv2_100"):
        load_visual(VisualEncoder("test_resnet", 10), "test_resnet")
    with pytest.raises(ValueError, match="audio encoder 'mn40'.* mn04"):
        load_audio(EfficientAT(), "mn40")


@pytest.mark.parametrize("classes", [1000, 9])
def test_file_of_another_architecture(folder, classes):
    torch.save(timm.create_model("pvt_v2_b0").state_dict(), folder / "pvt_v2_b1.pth")
    with pytest.raises(ValueError, match="pvt_v2_b1.pth do not fit .*of another shape"):
        load_visual(VisualEncoder("pvt_v2_b1", classes), "pvt_v2_b1")


def test_a_file_with_unknown_names_is_refused(folder):
    """timm looks up the module of a Swin's position biases; a tenth stage does not exist."""
    small = SwinTransformer(img_size=32, embed_dim=8, depths=(1,) * 4, num_heads=(1,) * 4, window_size=2)
    torch.save(
        {"model": {"layers.9.blocks.0.attn.relative_position_bias_table": torch.zeros(9, 1)}},
        folder / "swin_base_patch4_window7_224.pth",
    )
    with pytest.raises(
        ValueError, match="swin_base_patch4_window7_224.pth .*swin_base_patch4_window7_224: .*SwinTransformer"
    ):
        load_visual(SimpleNamespace(backbone=small), "swin_base_patch4_window7_224")


def test_mn04(folder):
    source = EfficientAT()
    torch.save(source.state_dict(), folder / "mn04_as_mAP_432.pt")
    encoder = EfficientAT()
    assert not same(encoder, source)
    assert load_audio(encoder, "mn04") == [folder / "mn04_as_mAP_432.pt"]
    assert same(encoder, source)


def test_panns(folder):
    panns = pytest.importorskip("c3n_model.network.audio.panns")
    source = panns.Panns("panns_mobilenet_v1")
    tensors = source.state_dict() | fixed_matrices(32000)  # MobileNetV1 has the same names there
    torch.save({"iteration": 1, "model": tensors}, folder / "MobileNetV1_mAP=0.389.pth")
    encoder = panns.Panns("panns_mobilenet_v1")
    load_audio(encoder, "panns_mobilenet_v1")
    assert same(encoder, source)
    tensors["logmel_extractor.melW"] = tensors["logmel_extractor.melW"].roll(1, dims=0)
    torch.save({"model": tensors}, folder / "MobileNetV1_mAP=0.389.pth")
    with pytest.raises(ValueError, match="0.389.pth .*0.01 dB.*got .*panns_mobilenet_v1"):
        load_audio(encoder, "panns_mobilenet_v1")


def test_beats_gets_the_classes_in_the_order_of_the_csv(folder, monkeypatch):
    beats_checkpoint = pytest.importorskip("c3n_model.weights.beats")
    source, encoder = nn.Linear(3, 2), nn.Linear(3, 2)  # the real one has 90 M parameters

    def from_public(checkpoint, mids):
        assert checkpoint["cfg"] == {"encoder_layers": 12}
        assert mids == ["/m/b", "/m/a"]
        return source.state_dict()

    monkeypatch.setattr(beats_checkpoint, "from_public", from_public)
    torch.save({"cfg": {"encoder_layers": 12}}, folder / "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt")
    with pytest.raises(FileNotFoundError, match="class_labels_indices.csv"):
        load_audio(encoder, "beats")
    (folder / "class_labels_indices.csv").write_text('index,mid,display_name\n0,/m/b,"B, b"\n1,/m/a,A\n')
    files = load_audio(encoder, "beats")
    assert [path.name[-8:] for path in files] == ["_cpt2.pt", "ices.csv"]
    assert same(encoder, source)


def test_places_of_the_classes_in_beats_file(folder):
    ids = ["/m/1", "/m/2", "/m/3"]
    (folder / manifest.entry("audioset_classes").file).write_text(
        "index,mid,display_name\n0,/m/1,a\n1,/m/2,b\n2,/m/3,c\n"
    )
    path = folder / manifest.entry("beats_cpt1").file
    torch.save({"cfg": {}, "model": {}, "label_dict": {0: ids[2], 1: ids[0], 2: ids[1]}}, path)
    assert pretrained.find_class_places("beats").tolist() == [1, 2, 0]
    torch.save({"cfg": {}, "model": {}}, path)
    with pytest.raises(ValueError, match="has no label_dict"):
        pretrained.find_class_places("beats")
    with pytest.raises(ValueError, match="'mn04' has AudioSet's order, use audio_order: audioset"):
        pretrained.find_class_places("mn04")


def test_vggish_is_put_together_of_three_files(folder, monkeypatch):
    vggish = pytest.importorskip("c3n_model.weights.vggish")
    encoder = nn.ModuleDict({"features": nn.Linear(3, 2), "classifier": nn.Linear(2, 1)})  # the real one has 72 M

    def from_public(state, pca):
        return {f"features.{name}": tensor + pca["offset"] for name, tensor in state.items()}

    monkeypatch.setattr(vggish, "from_public", from_public)
    monkeypatch.setattr(vggish, "load_head", lambda path, encoder: nn.init.constant_(encoder["classifier"].weight, 7))
    torch.save({"weight": torch.ones(2, 3), "bias": torch.ones(2)}, folder / "vggish-10086976.pth")
    torch.save({"offset": torch.tensor(1.0)}, folder / "vggish_pca_params-970ea276.pth")
    with pytest.raises(FileNotFoundError, match="vggish_head.safetensors .*c3n train-vggish-head"):
        load_audio(encoder, "vggish")
    (folder / "vggish_head.safetensors").touch()
    assert len(load_audio(encoder, "vggish")) == 3
    assert encoder["features"].weight.unique().tolist() == [2.0]
    assert encoder["classifier"].weight.unique().tolist() == [7.0]


def test_class_ids_keep_their_order(folder):
    (folder / "classes.csv").write_text('index,mid,display_name\n0,/m/b,"B, b"\n1,/m/a,A\n')
    assert pretrained._audioset_mids(folder / "classes.csv") == ["/m/b", "/m/a"]


@pytest.mark.realdata
def test_real_mn04(real_data, monkeypatch):
    monkeypatch.setenv("C3N_WEIGHTS", str(real_data))
    encoder = EfficientAT()
    before = encoder.features[0][0].weight.clone()
    assert [path.name for path in load_audio(encoder, "mn04")] == ["mn04_as_mAP_432.pt"]
    assert not torch.equal(encoder.features[0][0].weight, before)
