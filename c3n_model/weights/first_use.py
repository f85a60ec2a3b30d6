"""Fetch pretrained files where a model first needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from c3n_model.files.outputs import locked
from c3n_model.progress import Progress, silent
from c3n_model.weights import manifest

Say = Callable[[str], None]
POLL_S = 1.0  # while another process is fetching


def missing_files(names: Sequence[str]) -> list[manifest.PretrainedFile]:
    """Return those of the manifest's files that are not on this machine, or not whole."""
    return [file for file in map(manifest.entry, names) if not _is_whole(file)]


def fetch_missing(
    required: Sequence[str], optional: Sequence[str] = (), *, say: Say, progress: Progress = silent
) -> None:
    """Download the files that are missing, verified, each once whatever processes start at the same time.

    `say` is told what is fetched, how much it is and where it goes, and which optional files could not be had; nothing if all
    are there.

    Raises:
        ConnectionError: a required file could not be had; the message names all files to put where, in one line, and the reason.
    """
    missing = missing_files([*required, *optional])
    if not missing:
        return
    sizes = ", ".join(f"{file.file} ({file.size})" for file in missing)
    say(f"fetching {len(missing)} pretrained files into {manifest.cache_folder()}, once: {sizes}")
    failures = _fetch_locked([*required, *optional], say, progress)
    failed = [name for name in required if name in failures]
    if failed:
        # An address that names no host fails alike for all: the first reason is enough.
        raise ConnectionError(f"{put_by_hand(missing_files([*required, *optional]))} ({failures[failed[0]]})")
    if failures:
        say(
            f"continuing without {', '.join(failures)}, which let the model see or hear more: {next(iter(failures.values()))}"
        )


def put_by_hand(files: Sequence[manifest.PretrainedFile]) -> str:
    """Say which files to put where, in one line."""
    names = ", ".join(f"{file.file} from {file.urls[0] if file.urls else file.source}" for file in files)
    return f"put {len(files)} files into {manifest.cache_folder()} or the folder named by {manifest.WEIGHTS_VARIABLE}: {names}"


def _fetch_locked(names: Sequence[str], say: Say, progress: Progress) -> dict[str, str]:
    """Fetch what is missing while no other process does. Returns the reason of each file that failed."""
    waits = False
    while True:
        try:
            with locked(manifest.cache_folder()):
                return _fetch([file.name for file in missing_files(names)], progress)
        except BlockingIOError:
            if not waits:
                say("another process is fetching them: waiting for it")
            waits = True
            time.sleep(POLL_S)


def _fetch(names: Sequence[str], progress: Progress) -> dict[str, str]:
    failures = {}
    for name in names:
        try:
            manifest.get(name, progress)
        except (OSError, ValueError) as error:  # no network; no address; no checksum; a wrong file in the user's folder
            failures[name] = str(error)
    return failures


def _is_whole(file: manifest.PretrainedFile) -> bool:
    path = manifest.locate(file)
    return path is not None and file.bytes in (None, path.stat().st_size)
