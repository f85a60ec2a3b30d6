"""Pretrained files: what they are, where they come from, and where they lie on this machine.

The manifest is `manifest.yaml`. A file is looked for in the folder that the environment variable C3N_WEIGHTS names, at any
depth, then in the cache. C3N_WEIGHTS may instead be the address of a mirror, from which files are then fetched by their names.
Nothing is used under its name here before its checksum was verified, unless you put it there yourself.
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
    """One entry of the manifest; its head explains the fields."""

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
        """For people: "4.1 MB", "about 328 MB" or "unknown size"."""
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
        """ "sha256", "sha256 prefix", "md5" or "none"."""
        algorithm, _, digits = self.checksum.partition(":")
        return f"{algorithm} prefix" if algorithm == "sha256" and len(digits) < 64 else algorithm or "none"


@functools.cache
def read_manifest() -> dict[str, PretrainedFile]:
    """Every pretrained file by its name."""
    entries = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["files"]
    return {name: PretrainedFile(name=name, **entry) for name, entry in entries.items()}


@functools.cache
def sets() -> dict[str, list[str]]:
    """Names that stand for several files."""
    return yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["sets"]


def expand(names: Sequence[str]) -> list[str]:
    """`names` with the members in the place of each set, each once. Raises ValueError for what is neither file nor set."""
    members = [member for name in names for member in sets().get(name, [name])]
    return [entry(member).name for member in dict.fromkeys(members)]


def entry(name: str) -> PretrainedFile:
    """The manifest's entry `name`. Raises ValueError, with the known names, if there is none."""
    if name not in read_manifest():
        raise ValueError(
            f"{name!r} is no pretrained file; known files: {', '.join(read_manifest())}; sets: {', '.join(sets())}"
        )
    return read_manifest()[name]


def cache_folder() -> Path:
    """Where downloads go."""
    return Path(user_cache_dir("c3n_ros")) / "weights"


def find(name: str) -> Path:
    """Where the pretrained file `name` lies. Its size is checked, its checksum is not: that is what `verify` is for.

    Raises:
        FileNotFoundError: it is not here, or what bears its name has another size; the message says how to get it.
        ValueError: unknown name.
    """
    wanted = entry(name)
    present = locate(wanted)
    if present is None:
        raise FileNotFoundError(f"{wanted.file} ({wanted.what}) is not on this machine: {_how_to_get(wanted)}")
    if wanted.bytes not in (None, present.stat().st_size):
        raise FileNotFoundError(
            f"{present} is no whole {wanted.file}: {present.stat().st_size} bytes instead of {wanted.bytes}. "
            f"Take it away; then, {_how_to_get(wanted)}"
        )
    return present


def locate(wanted: PretrainedFile) -> Path | None:
    """The first file with one of the entry's file names, better one of the right size; None if there is none."""
    own = os.environ.get(WEIGHTS_VARIABLE, "")
    folders = [Path(own), cache_folder()] if own and not _mirror() else [cache_folder()]
    names = {wanted.file, *wanted.also}
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.name in names and path.is_file()]
    whole = [path for path in found if wanted.bytes in (None, path.stat().st_size)]
    return next(iter([*whole, *found]), None)


def fault(wanted: PretrainedFile, path: Path) -> str:
    """What is wrong with the bytes at `path`, "" if size and checksum are those of the manifest, as far as it has any."""
    size = path.stat().st_size
    if wanted.bytes not in (None, size):
        return f"{size} bytes instead of {wanted.bytes}"
    algorithm, _, expected = wanted.checksum.partition(":")
    if not algorithm:
        return ""
    got = checksum_of(path, algorithm)
    return "" if got.startswith(expected) else f"{algorithm} {got} instead of {expected}"


def checksum_of(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal checksum of a file."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def get(name: str, progress: Progress = silent, *, sha256: str | None = None) -> Path:
    """Where `name` lies, verified; downloaded into the cache if it is not here yet.

    `sha256` serves for an entry without a checksum and overrules one that has it.

    Raises:
        ValueError: unknown name; no checksum to verify it by; what lies in your own folder is wrong.
        FileNotFoundError: it has no public address. ConnectionError: no address gave it, or there is no network.
    """
    wanted = entry(name)
    if sha256 is not None:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
            raise ValueError(f"a sha256 has 64 hexadecimal digits, got {sha256!r}")
        wanted = replace(wanted, checksum=f"sha256:{sha256.lower()}")
    present = locate(wanted)
    if present is not None:
        wrong = fault(wanted, present)
        if not wrong:
            return present
        if present.parent != cache_folder():
            raise ValueError(f"{present} is not what {name} should be: {wrong}. Take it away and try again")
        present.replace(present.with_name(f"{present.name}.corrupt"))
    return _fetch(wanted, progress)


def _fetch(wanted: PretrainedFile, progress: Progress) -> Path:
    urls = [_mirror() + quote(wanted.file)] if _mirror() else wanted.urls
    if not urls:
        raise FileNotFoundError(f"{wanted.name} cannot be downloaded: {_how_to_get(wanted)}")
    if not wanted.checksum:
        raise ValueError(
            f"no checksum of {wanted.name} is published, so it is not downloaded unverified. {wanted.note} Give the one "
            f"you trust with --sha256, or fetch {urls[0]} yourself and put it as {wanted.file} into {cache_folder()}; "
            f"`c3n weights verify {wanted.name}` then shows its sha256"
        )
    target = cache_folder() / wanted.file
    check = functools.partial(fault, wanted)
    try:
        download(urls, target, fault=check, size=wanted.bytes, limit=wanted.limit_bytes, progress=progress)
    except ConnectionError as error:
        raise ConnectionError(
            f"{wanted.name} could not be downloaded: {error}. On a machine without a network, put {wanted.file} into "
            f"{cache_folder()} or into a folder that {WEIGHTS_VARIABLE} names"
        ) from error
    return target


def _mirror() -> str:
    """The mirror's address with a slash at its end; "" if C3N_WEIGHTS names none."""
    given = os.environ.get(WEIGHTS_VARIABLE, "")
    return given.rstrip("/") + "/" if given.startswith(("http://", "https://")) else ""


def _how_to_get(wanted: PretrainedFile) -> str:
    by_hand = f"put {wanted.file} into {cache_folder()} or into a folder that {WEIGHTS_VARIABLE} names"
    if not (wanted.urls or _mirror()):
        return f"it has no public address that works ({wanted.note or wanted.source}); {by_hand}"
    host = urlsplit(_mirror() or wanted.urls[0]).hostname
    condition = "" if wanted.checksum else " --sha256 CHECKSUM"
    return f"`c3n weights get {wanted.name}{condition}` fetches it ({wanted.size}) from {host}; or {by_hand}"
