"""Protect outputs: only one process writes to a folder, outputs do not overwrite inputs, names from data stay in their folder."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# File systems without locks: some network mounts.
_NO_LOCKS = (errno.ENOTSUP, errno.ENOLCK, errno.EINVAL, errno.ENOSYS)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Create `folder` and lock it for this process until the end of the block; no lock file remains.

    Raises BlockingIOError if another process has locked it, OSError if it cannot be created.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            reason = "another process is writing to this folder: wait until it ends, or choose another folder"
            raise BlockingIOError(error.errno, reason, str(folder)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield
    finally:
        os.close(descriptor)


def refuse_overwriting(inputs: Iterable[Path | str | None], outputs: Iterable[Path]) -> None:
    """Raise ValueError if an output (a file or folder) is or contains one of the inputs (None: no input)."""
    outputs = list(outputs)
    for source in (Path(source) for source in inputs if source is not None):
        if not source.exists():
            continue  # a name, for example of a model, or a missing file, which is reported when it is opened
        for output in outputs:
            same = output.exists() and output.samefile(source)
            if same or output.resolve() in source.resolve().parents:
                raise ValueError(f"{output} would overwrite the input {source}: choose another output")


def plain_name(name: str, origin: str) -> str:
    """Return `name` if it is a plain file name without a path. Raises ValueError, naming `origin`, otherwise."""
    if name in ("", ".", "..") or any(letter in name for letter in "/\\\0") or name != name.strip():
        raise ValueError(f"{origin}: expected a plain name without /, \\ and .., got {name!r}; correct it there")
    return name
