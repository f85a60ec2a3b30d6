"""Pretrained files: their description, their public addresses, and their location on this machine.

The manifest is `manifest.yaml`. A file is searched for in the folder named by the environment variable C3N_WEIGHTS, at any
depth, then in the cache. C3N_WEIGHTS can also be the URL of a mirror, from which files are then downloaded by their names. A
download gets its final name only after its checksum was verified; files that you put there yourself are used as they are.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import yaml
from platformdirs import user_cache_dir

from c3n_model.messages.limits import MAX_DOWNLOAD_BYTES
from c3n_model.progress import Progress, silent
from c3n_model.weights.download import download

MANIFEST = Path(__file__).with_name("manifest.yaml")
WEIGHTS_VARIABLE = "C3N_WEIGHTS"


@dataclass(frozen=True)
class PretrainedFile:
    """One entry of the manifest; the comment at the top of manifest.yaml explains the fields."""

    name: str
    file: str
    what: str
    licence: str
    source: str
    urls: Sequence[str] = ()
    also: Sequence[str] = ()
    bytes: int | None = None
    megabytes: float | None = None
    checksum: str = ""
    note: str = ""
    no_size: str = ""
    no_sha256: str = ""

    @property
    def size(self) -> str:
        """Human-readable size: "4.1 MB", "about 328 MB" or "unknown size"."""
        if self.bytes is not None:
            return f"{self.bytes / 1e6:.1f} MB" if self.bytes >= 1e5 else f"{self.bytes} bytes"
        return "unknown size" if self.megabytes is None else f"about {self.megabytes:g} MB"

    @property
    def limit_bytes(self) -> int:
        """The most that a download may take: `bytes`, or a little more than `megabytes`."""
        if self.bytes is not None:
            return self.bytes
        return MAX_DOWNLOAD_BYTES if self.megabytes is None else round((1.1 * self.megabytes + 1) * 1e6)

    @property
    def checksum_kind(self) -> str:
        """One of "sha256", "sha256 prefix", "md5" and "none"."""
        algorithm, _, digits = self.checksum.partition(":")
        return f"{algorithm} prefix" if algorithm == "sha256" and len(digits) < 64 else algorithm or "none"


@functools.cache
def read_manifest() -> dict[str, PretrainedFile]:
    """Return all pretrained files by name."""
    entries = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["files"]
    return {name: PretrainedFile(name=name, **entry) for name, entry in entries.items()}


@functools.cache
def sets() -> dict[str, list[str]]:
    """Return the named sets of files."""
    return yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["sets"]


def expand(names: Sequence[str]) -> list[str]:
    """Replace sets by their members and drop duplicates. Raises ValueError for an unknown name."""
    members = [member for name in names for member in sets().get(name, [name])]
    return [entry(member).name for member in dict.fromkeys(members)]


def entry(name: str) -> PretrainedFile:
    """Return the manifest's entry `name`. Raises ValueError with the known names if there is none."""
    if name not in read_manifest():
        raise ValueError(
            f"unknown pretrained file {name!r}; known files: {', '.join(read_manifest())}; sets: {', '.join(sets())}"
        )
    return read_manifest()[name]


def cache_folder() -> Path:
    """Return the folder for downloads."""
    return Path(user_cache_dir("c3n_ros")) / "weights"


def find(name: str) -> Path:
    """Return the path of the pretrained file `name`. Checks its size but not its checksum, see `c3n weights verify`.

    Raises:
        FileNotFoundError: missing, or of another size; the message says how to get it.
        ValueError: unknown name.
    """
    file = entry(name)
    present = locate(file)
    if present is None:
        raise FileNotFoundError(f"{file.file} ({file.what}) is not on this machine: {_how_to_get(file)}")
    if file.bytes not in (None, present.stat().st_size):
        raise FileNotFoundError(
            f"{present} is incomplete: expected {file.bytes} bytes, got {present.stat().st_size}. "
            f"Remove it; then {_how_to_get(file)}"
        )
    return present


def locate(file: PretrainedFile) -> Path | None:
    """Return the first local file with one of the entry's names, preferably of the right size; None if there is none."""
    folder = os.environ.get(WEIGHTS_VARIABLE, "")
    folders = [Path(folder), cache_folder()] if folder and not _mirror() else [cache_folder()]
    names = {file.file, *file.also}
    present = [
        path for folder in folders for path in sorted(folder.rglob("*")) if path.name in names and path.is_file()
    ]
    complete = [path for path in present if file.bytes in (None, path.stat().st_size)]
    return next(iter([*complete, *present]), None)


def fault(file: PretrainedFile, path: Path) -> str:
    """Compare size and checksum of the file at `path` with the manifest. Returns the difference, "" if there is none."""
    size = path.stat().st_size
    if file.bytes not in (None, size):
        return f"expected {file.bytes} bytes, got {size}"
    algorithm, _, expected = file.checksum.partition(":")
    if not algorithm:
        return ""
    got = checksum_of(path, algorithm)
    return "" if got.startswith(expected) else f"expected {algorithm} {expected}, got {got}"


def checksum_of(path: Path, algorithm: str = "sha256") -> str:
    """Compute the hexadecimal checksum of a file."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def get(name: str, progress: Progress = silent, *, sha256: str | None = None) -> Path:
    """Return the path of the verified file `name`; download it into the cache if it is missing.

    `sha256` overrides the checksum of the manifest and is needed for an entry without one.

    Raises:
        ValueError: unknown name, no checksum to verify it with, or a wrong file in your own folder.
        FileNotFoundError: it has no public address. ConnectionError: every address failed, or there is no network.
    """
    file = entry(name)
    if sha256 is not None:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
            raise ValueError(f"expected a sha256 of 64 hexadecimal digits, got {sha256!r}")
        file = replace(file, checksum=f"sha256:{sha256.lower()}")
    present = locate(file)
    if present is not None:
        problem = fault(file, present)
        if not problem:
            return present
        if present.parent != cache_folder():
            raise ValueError(f"{present} is not the published {name}: {problem}. Remove it and try again")
        present.replace(present.with_name(f"{present.name}.corrupt"))
    return _fetch(file, progress)


def _fetch(file: PretrainedFile, progress: Progress) -> Path:
    urls = [_mirror() + quote(file.file)] if _mirror() else file.urls
    if not urls:
        raise FileNotFoundError(f"{file.name} cannot be downloaded: {_how_to_get(file)}")
    if not file.checksum:
        raise ValueError(
            f"no checksum of {file.name} is published, so it is not downloaded. {file.note} Pass one that you trust with "
            f"--sha256, or download {urls[0]} yourself and save it as {file.file} in {cache_folder()}; "
            f"`c3n weights verify {file.name}` then shows its sha256"
        )
    target = cache_folder() / file.file
    check = functools.partial(fault, file)
    try:
        download(urls, target, fault=check, size=file.bytes, limit=file.limit_bytes, progress=progress)
    except ConnectionError as error:
        raise ConnectionError(
            f"{file.name} could not be downloaded: {error}. On a machine without a network, put {file.file} into "
            f"{cache_folder()} or the folder named by {WEIGHTS_VARIABLE}"
        ) from error
    return target


def _mirror() -> str:
    """Return the mirror's URL with a trailing slash; "" if C3N_WEIGHTS is not a URL."""
    address = os.environ.get(WEIGHTS_VARIABLE, "")
    return address.rstrip("/") + "/" if address.startswith(("http://", "https://")) else ""


def _how_to_get(file: PretrainedFile) -> str:
    by_hand = f"put {file.file} into {cache_folder()} or the folder named by {WEIGHTS_VARIABLE}"
    if not (file.urls or _mirror()):
        return f"it has no working public address ({file.note or file.source}); {by_hand}"
    host = urlsplit(_mirror() or file.urls[0]).hostname
    option = "" if file.checksum else " --sha256 CHECKSUM"
    return f"`c3n weights get {file.name}{option}` downloads it ({file.size} from {host}); or {by_hand}"
