"""Files that are fetched where they are first needed, from a real HTTP server on this machine."""

import hashlib
import threading

import pytest
from file_server import file_server
from public_weights import write_public_weights

from c3n_model import loading
from c3n_model.commands.recording import load_chosen_model
from c3n_model.config import ZeroShotConfig
from c3n_model.files.outputs import locked
from c3n_model.progress import told
from c3n_model.weights import download as download_module
from c3n_model.weights import first_use, manifest
from c3n_model.weights.first_use import fetch_missing
from c3n_model.weights.manifest import PretrainedFile
from c3n_model.zero_shot import needed_files as needed_module
from c3n_model.zero_shot.needed_files import needed_files

DEFAULT = {"mobilenetv2_100", "mn04", "audioset_classes"}


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server with three files a, b and c, and a manifest of them; the cache is empty."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("C3N_WEIGHTS", raising=False)
    monkeypatch.setattr(download_module, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(first_use, "POLL_S", 0.02)
    entries = {}
    monkeypatch.setattr(manifest, "read_manifest", lambda: entries)
    with file_server() as server:
        for name in "abc":
            content = name.encode() * 3_000_000
            server.files[f"/{name}.pth"] = content
            entries[name] = PretrainedFile(
                name, f"{name}.pth", "a toy", "MIT", "nobody", [server.url(f"/{name}.pth")], bytes=len(content),
                checksum=f"sha256:{hashlib.sha256(content).hexdigest()}",
            )  # fmt: skip
        yield server


def test_what_is_missing_is_fetched_once_and_its_size_said(server):
    said = []
    fetch_missing(["a", "b"], ["c"], say=said.append, progress=told(said.append))
    assert [manifest.find(name).read_bytes()[:1] for name in "abc"] == [b"a", b"b", b"c"]
    assert "a.pth (3.0 MB), b.pth (3.0 MB), c.pth (3.0 MB)" in said[0] and str(manifest.cache_folder()) in said[0]
    assert any("complete" in line for line in said[1:])
    asked = len(server.requests)
    fetch_missing(["a", "b"], ["c"], say=said.append)
    assert asked == len(server.requests) == 3


def test_a_broken_download_is_resumed(server):
    server.breaks["/a.pth"] = 1_500_000
    fetch_missing(["a"], say=lambda text: None)
    assert [wanted for _, wanted in server.requests] == [None, "bytes=1500000-"]


def test_without_a_network_all_files_are_named_in_one_line(server):
    server.files.clear()
    with pytest.raises(ConnectionError) as refused:
        fetch_missing(["a", "b"], ["c"], say=lambda text: None)
    text = str(refused.value)
    assert "\n" not in text and str(manifest.cache_folder()) in text
    assert all(f"{name}.pth from {server.url('')}" in text for name in "abc")


def test_what_is_optional_is_missed_but_said(server):
    del server.files["/c.pth"]
    said = []
    fetch_missing(["a"], ["c"], say=said.append)
    assert manifest.find("a") and "without c" in said[-1] and "404" in said[-1]


def test_a_second_process_waits_and_fetches_nothing(server):
    said = []
    with locked(manifest.cache_folder()):
        thread = threading.Thread(target=fetch_missing, args=(["a"],), kwargs={"say": said.append})
        thread.start()
        while not any("waiting" in line for line in said):
            pass
        (manifest.cache_folder() / "a.pth").write_bytes(server.files["/a.pth"])
    thread.join(timeout=20)
    assert not thread.is_alive() and server.requests == []


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("C3N_WEIGHTS", raising=False)
    monkeypatch.setattr(needed_module, "can_run", lambda name: True)
    return tmp_path / "cache/c3n_ros/weights"


def test_the_default_model_needs_its_set(nothing_here):
    files = needed_files(ZeroShotConfig())
    assert set(files.required) == DEFAULT
    assert {*files.required, *files.optional} == set(manifest.sets()["zero_shot"])


def test_what_is_there_instead_is_taken(nothing_here, monkeypatch):
    nothing_here.mkdir(parents=True)
    for name in ("mobilenetv2_100_tfsame", "maskrcnn_resnet50_fpn"):
        (nothing_here / manifest.entry(name).file).touch()
    monkeypatch.setattr(
        needed_module, "_is_there", lambda name: name in ("mobilenetv2_100_tfsame", "maskrcnn_resnet50_fpn")
    )
    files = needed_files(ZeroShotConfig())
    assert "mobilenetv2_100_tfsame" in files.required and "mobilenetv2_100" not in files.required
    assert files.optional == ("yamnet", "ssdlite320_mobilenet_v3_large")


def test_settings_choose_the_files(nothing_here, monkeypatch):
    monkeypatch.setattr(needed_module, "can_run", lambda name: False)
    assert needed_files(ZeroShotConfig()).optional == ("ssdlite320_mobilenet_v3_large",)
    chosen = needed_files(ZeroShotConfig(audio="mn10", segmenter="mine.tflite", detector="none"))
    assert set(chosen.required) == {"mobilenetv2_100", "mn10", "audioset_classes"} and chosen.optional == ()
    assert "deeplabv3_pascal_labels" in needed_files(ZeroShotConfig(segmenter="deeplabv3_pascal")).required


class Options:
    model, no_download = "zero_shot", False


def test_the_model_comes_from_a_mirror_on_first_use(nothing_here, monkeypatch, tmp_path):
    """The real way of `c3n segment`, `c3n live` and the node, with random weights on the mirror."""
    monkeypatch.setattr(needed_module, "can_run", lambda name: False)
    monkeypatch.setattr(download_module, "PAUSES_S", (0.0,))
    monkeypatch.setattr(manifest, "fault", lambda file, path: "")  # the weights are random
    write_public_weights(tmp_path)
    (tmp_path / "mine.yaml").write_text("zero_shot: {prior: none}")
    options, said = Options(), []
    options.model = str(tmp_path / "mine.yaml")
    with file_server() as server:
        monkeypatch.setenv("C3N_WEIGHTS", server.url(""))
        for name in DEFAULT:
            entry = manifest.entry(name)
            content = next(path for path in tmp_path.iterdir() if path.name in (entry.file, *entry.also)).read_bytes()
            server.files[f"/{entry.file}"] = content
            monkeypatch.setitem(manifest.read_manifest(), name, manifest.replace(entry, bytes=len(content)))
        model = load_chosen_model(options, said.append)
    assert model.name == "zero_shot" and "fetching" in said[0]
    assert "continuing without ssdlite320_mobilenet_v3_large" in said[-1]


def test_without_downloads_the_error_names_all_files(nothing_here):
    options = Options()
    options.no_download = True
    with pytest.raises(FileNotFoundError) as refused:
        load_chosen_model(options)
    text = str(refused.value)
    assert "\n" not in text and all(manifest.entry(name).file in text for name in DEFAULT)


def test_checkpoints_need_nothing(nothing_here):
    loading.fetch_weights("demo", say=pytest.fail)
    loading.fetch_weights("mine.safetensors", say=pytest.fail)
