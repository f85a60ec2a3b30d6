"""`c3n weights`: list, get, verify and path."""

import hashlib
import re
from dataclasses import replace

import pytest
from file_server import file_server
from printed_lines import printed

from c3n_model.cli import main
from c3n_model.weights import manifest
from c3n_model.weights.manifest import PretrainedFile, read_manifest

TOYS = {
    name: PretrainedFile(
        name, f"{name}.pth", "a toy", "MIT", "nobody et al.", checksum=f"sha256:{hashlib.sha256(b'x').hexdigest()}"
    )
    for name in ("lost", "toy")
}
TOYS["unchecked"] = replace(TOYS["toy"], name="unchecked", file="unchecked.pth", checksum="")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Set C3N_WEIGHTS to an empty folder next to an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("C3N_WEIGHTS", str(tmp_path / "usb"))
    (tmp_path / "usb").mkdir()
    return tmp_path / "usb"


def test_list_names_every_file_and_its_path(folder, capsys):
    (folder / "pvt_v2_b4.in1k.safetensors").write_bytes(b"x")
    main(printed("c3n weights list"))
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines if line}
    assert read_manifest().keys() <= rows.keys()
    assert rows["pvt_v2_b4"].endswith(str(folder / "pvt_v2_b4.in1k.safetensors"))
    assert rows["mn04"].split() == ["mn04", "4.1", "MB", "sha256", "MIT", "missing"]
    assert rows["mobilenetv2_100"].split()[4:6] == ["sha256", "prefix"]
    assert rows["beats_cpt1"].endswith("missing, download by hand")
    assert lines[-1].startswith("set zero_shot: ")


def test_verify_shows_the_sha256_of_files_without_a_published_one(folder, capsys):
    (folder / "pvt_v2_b4.in1k.safetensors").write_bytes(b"x")
    main(["weights", "verify"])
    assert f"no checksum known; sha256 {hashlib.sha256(b'x').hexdigest()}" in capsys.readouterr().out


def test_verify_fails_for_a_wrong_file(folder, capsys):
    (folder / "pvt_v2_b5.in1k.safetensors").write_bytes(b"x")
    with pytest.raises(SystemExit) as stop:
        main(["weights", "verify"])
    assert re.search("c3n: 1 of 1 files .*pvt_v2_b5", stop.value.code)
    assert re.search(r"pvt_v2_b5 +WRONG .*got 2d711642b726b044", capsys.readouterr().out)


def test_verify_of_a_named_missing_file_fails(folder):
    with pytest.raises(SystemExit, match=r"mn04_as_mAP_432\.pt.*c3n weights get mn04"):
        main(["weights", "verify", "mn04"])


def test_path(folder, capsys):
    (folder / "pvt_v2_b5.in1k.safetensors").write_bytes(b"x")
    main(["weights", "path", "pvt_v2_b5"])
    assert capsys.readouterr().out.strip() == str(folder / "pvt_v2_b5.in1k.safetensors")
    with pytest.raises(SystemExit, match="c3n weights get mobilenetv2_100"):
        main(["weights", "path", "zero_shot"])


def test_get_shows_files_that_exist_already(folder, capsys):
    (folder / "swin_base_patch4_window7_224.pth").write_bytes(b"x")
    name, sha256 = "swin_base_patch4_window7_224_original", hashlib.sha256(b"x").hexdigest()
    main(["weights", "get", name, "--sha256", sha256])
    assert capsys.readouterr().out == f"{name}: {folder / 'swin_base_patch4_window7_224.pth'}\n"
    with pytest.raises(SystemExit, match="--sha256.*single file.*7 files"):
        main(["weights", "get", "zero_shot", "--sha256", sha256])


def test_get_of_several_files_and_of_a_set(folder, monkeypatch, capsys):
    good = {"checksum": TOYS["toy"].checksum, "bytes": 1}
    files = {name: replace(file, **good) for name, file in read_manifest().items()}
    monkeypatch.setattr(manifest, "read_manifest", lambda: files)
    for file in files.values():
        (folder / file.file).write_bytes(b"x")
    for line in (printed("c3n weights get pvt_v2_b5"), printed("c3n weights get zero_shot")):
        main(line)
        names = manifest.expand(line[2:])
        assert capsys.readouterr().out.splitlines() == [f"{name}: {folder / files[name].file}" for name in names]


def test_get_downloads_the_rest_if_one_fails(folder, monkeypatch, capsys):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(manifest, "read_manifest", lambda: TOYS)
    with file_server() as server:
        server.files["/toy.pth"] = b"x"
        monkeypatch.setenv("C3N_WEIGHTS", server.url("/"))
        message = r"c3n: lost .*/lost\.pth: HTTP 404.*; .*checksum.*unchecked"
        with pytest.raises(SystemExit, match=message):
            main(["weights", "get", "lost", "unchecked", "toy"])
    assert capsys.readouterr().out.endswith("toy.pth\n")


@pytest.mark.realdata
def test_verify_passes_on_real_files(real_data, monkeypatch, capsys):
    monkeypatch.setenv("C3N_WEIGHTS", str(real_data))
    main(["weights", "verify"])
    assert capsys.readouterr().out.count("good sha256") >= 5
