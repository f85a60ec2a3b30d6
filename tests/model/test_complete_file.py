"""Atomic writes: whatever stops the writer, the previous file stays and no temporary file is left."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from c3n_model.complete_file import complete_file, move_into_place

WRITE_FOR_EVER = """
import sys
from pathlib import Path
from c3n_model.complete_file import complete_file
number = 0
while True:
    with complete_file(Path(sys.argv[1])) as partial, partial.open("w") as file:
        for _ in range(2000):
            file.write(f"{number}\\n")
            file.flush()
    number += 1
    print(number, flush=True)
"""
# A limit of the file's size stops the writer as a full disk does, with another errno.
WRITE_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
from c3n_model.complete_file import complete_file
try:
    with complete_file(Path(sys.argv[1])) as partial:
        partial.write_bytes(bytes(5000))
except OSError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("former")
    return path


def names(path):
    return [file.name for file in path.parent.iterdir()]


def test_it_appears_at_the_end(path):
    with complete_file(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "former" and partial.parent == path.parent
    assert path.read_text() == "new" and names(path) == ["a.json"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_error_leaves_the_former_file(path, error):
    with pytest.raises(type(error)), complete_file(path) as partial:
        partial.write_text("half")
        raise error
    assert path.read_text() == "former" and names(path) == ["a.json"]


def test_permissions_follow_the_umask(path):
    path.with_name("b").touch()
    with complete_file(path) as partial:
        partial.chmod(0o600)
    assert path.stat().st_mode == path.with_name("b").stat().st_mode


def test_two_writers_at_once_do_not_mix(path):
    contents, meet = [b"a" * 100_000, b"b" * 100_000], threading.Barrier(2)

    def write(content):
        with complete_file(path) as partial, partial.open("wb") as file:
            for at in range(0, len(content), 1000):
                file.write(content[at : at + 1000])
            meet.wait(timeout=30)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_bytes() in contents and names(path) == ["a.json"]


def test_a_writer_that_is_killed_leaves_a_complete_file(path):
    for wanted in (1, 2, 5):
        writer = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(wanted):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        lines = path.read_text().splitlines()
        assert len(lines) == 2000 and len(set(lines)) == 1


def test_without_space_the_message_names_the_file(path):
    run = subprocess.run([sys.executable, "-c", WRITE_TOO_MUCH, str(path)], capture_output=True, text=True, timeout=60)
    assert "OSError" in run.stdout and f"'{path}'" in run.stdout
    assert path.read_text() == "former" and names(path) == ["a.json"]


def test_an_error_of_another_file_keeps_its_name(path):
    with pytest.raises(FileNotFoundError, match="other"), complete_file(path):
        path.with_name("other").read_text()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing/a.json'"), complete_file(tmp_path / "missing" / "a.json"):
        pytest.fail("there is nowhere to write")


def test_a_file_is_synced_before_it_is_renamed(path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, type(path).replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (calls.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(type(path), "replace", lambda self, to: (calls.append("replace"), replace(self, to)))
    partial = path.with_name("b.partial")
    partial.write_text("new")
    move_into_place(partial, path)
    assert calls == ["fsync", "replace", "fsync"] and path.read_text() == "new"
