"""Recognise files whose content does not match their name, by their first bytes, and name a remedy."""

from __future__ import annotations

from pathlib import Path

SQLITE3, MCAP, ZSTD, ROS1_BAG = b"SQLite format 3\0", b"\x89MCAP0\r\n", b"\x28\xb5\x2f\xfd", b"#ROSBAG V"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_APPLE_DOUBLE = b"\0\x05\x16\x07"
_WEB_PAGES = (b"<!doctype html", b"<html", b"<?xml")


def first_bytes(path: Path, count: int = 64) -> bytes:
    """Return up to `count` bytes from the beginning of a file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(count)


def is_hidden(path: Path) -> bool:
    """Return whether a file is hidden, such as `.DS_Store`, or the `._name` that macOS writes beside each `name`."""
    return path.name.startswith(".")


def stand_in(path: Path) -> str:
    """Describe what is at `path` instead of the data, with a remedy; "" if its first bytes are not recognised as such.

    Raises OSError for a file that cannot be read.
    """
    begin = first_bytes(path)
    if not begin:
        return f"{path} is empty (0 bytes): copy or record it again"
    if begin.startswith(_LFS_POINTER):
        return f"{path} is a Git LFS pointer, not the file itself: run `git lfs pull` in its repository"
    if begin.startswith(ROS1_BAG):
        target = path.with_suffix("")
        return f"{path} is a ROS 1 bag: convert it with `rosbags-convert --src {path} --dst {target}` and use {target}"
    if begin.startswith(_APPLE_DOUBLE):
        return f"{path} is a macOS AppleDouble file with attributes only: use {path.name.removeprefix('._')} instead"
    if begin.lstrip().lower().startswith(_WEB_PAGES):
        return f"{path} is a web page, not the file itself: download it again, through the link to the raw file"
    return ""


def refuse_stand_in(path: Path) -> None:
    """Raise ValueError if `stand_in` recognises something else instead of the data."""
    if reason := stand_in(path):
        raise ValueError(reason)
