"""Atomic writes: a file is complete or absent even if the process or the machine stops."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def complete_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; at the end of the block the file written there replaces `path`.

    If the block raises, the temporary file is removed and `path` is unchanged. Its name ends in ".partial" and is unique, so
    that two processes do not write to the same file. Permissions follow the umask, whatever the writer sets.

    Raises OSError naming `path` if it cannot be written, for example on a full disk.
    """
    partial = path.with_name(f"{path.name}.{token_hex(4)}.partial")
    try:
        partial.touch(exist_ok=False)
        mode = partial.stat().st_mode
        yield partial
        partial.chmod(mode)
        move_into_place(partial, path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, str(partial), partial):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_complete(path: Path, content: str | bytes) -> None:
    """Write a whole file, text as UTF-8. Raises OSError as `complete_file`."""
    with complete_file(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def move_into_place(partial: Path, path: Path) -> None:
    """Rename `partial` to `path` in the same folder after syncing it to disk: a power cut leaves one of the two files."""
    _sync(partial)
    partial.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
