"""Folders of models of transformers: local ones, those in Hugging Face's cache, and what is fetched."""

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from c3n_model import loading
from c3n_model.weights import hub_folders
from c3n_model.weights.hub_folders import FILES, fetch_folder, find_folder

ID = "owner/name"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub whose cache is empty until something is fetched; `calls` are the ids and whether the network was allowed."""
    calls, cached = [], tmp_path / "cached"

    def snapshot_download(name, *, allow_patterns, local_files_only=False):
        assert allow_patterns == FILES
        calls.append((name, not local_files_only))
        if local_files_only and not cached.exists():
            raise LocalEntryNotFoundError("not in the cache")
        cached.mkdir(exist_ok=True)
        for file in ("config.json", "model.safetensors"):
            (cached / file).touch()
        return str(cached)

    monkeypatch.setattr(hub_folders, "snapshot_download", snapshot_download)
    snapshot_download.calls, snapshot_download.cached = calls, cached
    return snapshot_download


def test_only_files_that_cannot_hold_code_are_fetched():
    assert {pattern.rpartition(".")[2] for pattern in FILES} == {"json", "txt", "safetensors"}


def test_a_folder_is_itself(tmp_path, hub):
    for file in ("config.json", "model-00001-of-00002.safetensors"):
        (tmp_path / file).touch()
    assert find_folder(str(tmp_path)) == tmp_path
    fetch_folder(str(tmp_path), pytest.fail)
    assert hub.calls == []


@pytest.mark.parametrize(
    ("files", "missing"), [(["config.json", "pytorch_model.bin"], "no \\*.safetensors"), ([], "config.json")]
)
def test_a_folder_without_safetensors_is_refused(tmp_path, files, missing):
    for file in files:
        (tmp_path / file).touch()
    with pytest.raises(FileNotFoundError, match=missing):
        find_folder(str(tmp_path))


def test_what_is_nowhere_names_the_remedy_and_is_not_fetched_by_loading(hub):
    with pytest.raises(FileNotFoundError, match=f"'{ID}'.*hf download {ID} --include"):
        find_folder(ID)
    for path in ("no/such/folder", "../nowhere", "nowhere"):
        with pytest.raises(FileNotFoundError, match=f"'{path}'.*OWNER/NAME"):
            find_folder(path)
    assert hub.calls == [(ID, False)]


def test_an_id_is_fetched_once(hub):
    said = []
    fetch_folder(ID, said.append)
    fetch_folder(ID, pytest.fail)
    assert find_folder(ID) == hub.cached
    assert len(said) == 1 and ID in said[0]
    assert [name for name, network in hub.calls if network] == [ID]


def test_a_model_that_cannot_be_had_is_one_line(hub, monkeypatch):
    def fail(name, **settings):
        raise LocalEntryNotFoundError("no route\nto the hub")

    monkeypatch.setattr(hub_folders, "snapshot_download", fail)
    with pytest.raises(ConnectionError, match=f"could not fetch {ID} .no route.; hf download {ID}") as refused:
        fetch_folder(ID, lambda text: None)
    assert "\n" not in str(refused.value)


def test_settings_name_what_is_fetched_on_first_use(tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(loading, "fetch_missing", lambda *names, **settings: None)
    monkeypatch.setattr(loading, "fetch_folder", lambda name, say: fetched.append(name))
    (tmp_path / "mine.yaml").write_text(f"zero_shot: {{open_vocabulary: {ID}, open_vocabulary_masks: other/masks}}")
    loading.fetch_weights(tmp_path / "mine.yaml", print)
    loading.fetch_weights("zero_shot", print)
    assert fetched == [ID, "other/masks"]
