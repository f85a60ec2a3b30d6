"""The manifest, the search for files, and verified downloads."""

import hashlib
import re
from dataclasses import replace

import pytest
from file_server import file_server

from c3n_model.weights import download as download_module
from c3n_model.weights import manifest
from c3n_model.weights.manifest import PretrainedFile, fault, find, get, read_manifest, sets

CONTENT = b"not really a network"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SOURCE = {"what": "a toy", "licence": "MIT", "source": "nobody et al."}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download_module, "PAUSES_S", (0.0, 0.0))
    with file_server() as server:
        server.files["/toy.pth"] = CONTENT
        yield server


@pytest.fixture
def toys(monkeypatch, tmp_path, server):
    """Replace the manifest by an empty one with its cache in tmp_path; returns a function that adds an entry."""
    entries = {}
    monkeypatch.setattr(manifest, "read_manifest", lambda: entries)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("C3N_WEIGHTS", raising=False)

    def add(name="toy", **fields) -> PretrainedFile:
        fields = {
            "file": "toy.pth",
            "urls": [server.url("/toy.pth")],
            "bytes": 20,
            "checksum": f"sha256:{SHA256}",
            **fields,
        }
        entries[name] = PretrainedFile(name=name, **SOURCE, **fields)
        return entries[name]

    return add


def put(path, content=CONTENT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# The manifest


@pytest.mark.parametrize("file", read_manifest().values(), ids=read_manifest().keys())
def test_entries_are_well_formed(file):
    assert re.fullmatch(r"|sha256:[0-9a-f]{8}|sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", file.checksum)
    assert all(url.startswith("https://") for url in file.urls)
    assert file.what and file.licence and file.source
    assert bool(file.bytes) != bool(file.no_size), "either the size, or why there is none"
    whole = bool(re.fullmatch(r"sha256:[0-9a-f]{64}", file.checksum))
    assert whole != bool(file.no_sha256), "either the whole sha256, or why there is none"
    assert 0 < file.limit_bytes <= max(2**30, file.bytes or 0)
    named = re.search(r"-([0-9a-f]{8})\.pth$", file.file)
    if named:
        assert file.checksum.startswith(f"sha256:{named[1]}"), "a torch hub name holds the checksum's beginning"


def test_file_names_are_of_one_entry_each():
    names = [name for file in read_manifest().values() for name in (file.file, *file.also)]
    assert len(names) == len(set(names))


def test_sets_name_files_that_can_be_fetched():
    for members in sets().values():
        assert all(manifest.entry(member).urls and manifest.entry(member).checksum for member in members)
    assert manifest.expand(["zero_shot", "mn10", "mn04"]) == [*sets()["zero_shot"], "mn10"]


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'mn4'.* known files: .*mn04.*sets: zero_shot"):
        manifest.expand(["mn4"])


@pytest.mark.parametrize(
    ("checksum", "kind", "wrong"),
    [
        (f"sha256:{SHA256}", "sha256", ""),
        (f"sha256:{SHA256[:8]}", "sha256 prefix", ""),
        (f"md5:{hashlib.md5(CONTENT).hexdigest()}", "md5", ""),
        ("", "none", ""),
        ("sha256:00000000", "sha256 prefix", f"expected sha256 00000000, got {SHA256}"),
    ],
)
def test_checksums_in_full_as_a_prefix_or_none(tmp_path, checksum, kind, wrong):
    file = PretrainedFile("toy", "toy.pth", **SOURCE, checksum=checksum)
    assert file.checksum_kind == kind
    assert fault(file, put(tmp_path / "toy.pth")) == wrong


def test_size_is_judged_before_the_checksum(tmp_path):
    file = PretrainedFile("toy", "toy.pth", **SOURCE, bytes=21, checksum=f"sha256:{SHA256}")
    assert fault(file, put(tmp_path / "toy.pth")) == "expected 21 bytes, got 20"


def test_sizes_for_people():
    file = PretrainedFile("toy", "toy.pth", **SOURCE)
    assert file.size == "unknown size"
    assert replace(file, megabytes=328).size == "about 328 MB"
    assert replace(file, bytes=4_066_513).size == "4.1 MB"
    assert replace(file, bytes=263).size == "263 bytes"


# find


def test_own_folder_comes_before_the_cache(toys, tmp_path, monkeypatch):
    toys(also=["other_name.pth"])
    cached = put(tmp_path / "cache/c3n_ros/weights/toy.pth")
    assert find("toy") == cached
    monkeypatch.setenv("C3N_WEIGHTS", str(tmp_path / "usb"))
    assert find("toy") == cached
    own = put(tmp_path / "usb/deep/down/other_name.pth")
    assert find("toy") == own


def test_the_complete_one_of_several_files_is_found(toys, tmp_path, monkeypatch):
    toys()
    monkeypatch.setenv("C3N_WEIGHTS", str(tmp_path / "usb"))
    put(tmp_path / "usb/a/toy.pth", b"cut")
    whole = put(tmp_path / "usb/b/toy.pth")
    assert find("toy") == whole


def test_a_missing_file_is_refused_with_a_remedy(toys, tmp_path):
    toys()
    with pytest.raises(FileNotFoundError) as error:
        find("toy")
    for part in (
        "toy.pth (a toy)",
        "`c3n weights get toy`",
        "20 bytes",
        "127.0.0.1",
        str(tmp_path / "cache"),
        "C3N_WEIGHTS",
    ):
        assert part in str(error.value)


def test_missing_file_without_an_address(toys):
    toys(urls=(), note="It is made by hand.")
    with pytest.raises(FileNotFoundError, match=r"public address \(It is made by hand.\); put toy.pth into"):
        find("toy")


def test_a_truncated_file_is_not_found(toys, tmp_path):
    toys()
    put(tmp_path / "cache/c3n_ros/weights/toy.pth", b"cut")
    with pytest.raises(FileNotFoundError, match="toy.pth .*20 bytes, got 3.*c3n weights get toy"):
        find("toy")


# get


def test_get_downloads_once(toys, tmp_path, server):
    toys()
    path = get("toy")
    assert path == find("toy") == tmp_path / "cache/c3n_ros/weights/toy.pth"
    assert path.read_bytes() == CONTENT
    assert get("toy") == path
    assert len(server.requests) == 1


def test_get_refuses_a_wrong_file(toys, server):
    toys()
    server.files["/toy.pth"] = b"not a network, a lie"
    with pytest.raises(ConnectionError, match=f"toy .*expected sha256 {SHA256}, got .*put toy.pth into"):
        get("toy")
    with pytest.raises(FileNotFoundError):
        find("toy")


def test_get_replaces_a_broken_file_in_the_cache(toys, tmp_path):
    toys()
    put(tmp_path / "cache/c3n_ros/weights/toy.pth", CONTENT[::-1])
    assert get("toy").read_bytes() == CONTENT


def test_get_does_not_change_your_own_folder(toys, tmp_path, monkeypatch):
    toys()
    own = put(tmp_path / "usb/toy.pth", CONTENT[::-1])
    monkeypatch.setenv("C3N_WEIGHTS", str(tmp_path / "usb"))
    with pytest.raises(ValueError, match=f"usb/toy.pth .*expected sha256 {SHA256}, got"):
        get("toy")
    assert own.read_bytes() == CONTENT[::-1]


def test_get_without_a_checksum_is_refused_unless_one_is_given(toys, server):
    toys(checksum="", note="Its page shows it.")
    with pytest.raises(ValueError, match="no checksum of toy .*Its page shows it.*--sha256.*weights verify toy"):
        get("toy")
    assert not server.requests
    with pytest.raises(ConnectionError, match=f"expected sha256 0000.*got {SHA256}"):
        get("toy", sha256="0" * 64)
    assert get("toy", sha256=SHA256.upper()).read_bytes() == CONTENT
    with pytest.raises(ValueError, match="64 .*got 'abc'"):
        get("toy", sha256="abc")


def test_get_without_an_address(toys):
    toys(urls=())
    with pytest.raises(FileNotFoundError, match="toy .*public address.*put toy.pth into"):
        get("toy")


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_replaces_every_address(toys, tmp_path, server, monkeypatch, slash):
    toys(file="toy_mAP=0.4.pth", urls=())
    server.files["/mirror/toy_mAP%3D0.4.pth"] = CONTENT
    monkeypatch.setenv("C3N_WEIGHTS", server.url("/mirror") + slash)
    assert get("toy") == tmp_path / "cache/c3n_ros/weights/toy_mAP=0.4.pth"
    assert find("toy") == get("toy")
    server.files["/mirror/toy_mAP%3D0.4.pth"] = CONTENT[::-1]
    find("toy").unlink()
    with pytest.raises(ConnectionError, match=f"expected sha256 {SHA256}, got"):
        get("toy")


@pytest.mark.realdata
def test_real_files_are_found_and_good(real_data, monkeypatch):
    monkeypatch.setenv("C3N_WEIGHTS", str(real_data))
    there = {path.name for path in real_data.rglob("*")}
    known = [file for file in read_manifest().values() if file.file in there]
    assert len(known) >= 5
    for file in known:
        assert fault(file, find(file.name)) == ""
