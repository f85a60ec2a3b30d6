"""A bag writer that can save all messages so far, in case the process is killed or the power fails."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rosbags.rosbag2 import StoragePlugin, Writer

STORAGES = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}
BAG_VERSION = 8  # of metadata.yaml; the newest that Humble still reads


class SafeWriter(Writer):
    """rosbags' writer with `commit`, which writes all messages so far to disk, as a chunk (mcap) or a transaction (sqlite3).

    Raises ValueError for an unknown storage or a name that the storage does not support, FileExistsError if `path` exists.
    """

    def __init__(self, path: Path, storage: str = "mcap"):
        if storage not in STORAGES:
            raise ValueError(f"expected storage to be one of {', '.join(STORAGES)}, got {storage!r}")
        if Path(path).exists():
            raise FileExistsError(f"{path} exists already: remove it or choose another name")
        # rosbags opens sqlite3 files by URI: with these characters it would create another file.
        if storage == "sqlite3" and re.search(r"[?#%]", str(path)):
            raise ValueError(
                f"expected a path without ?, # and % for a bag with sqlite3, got {path}: choose another name"
            )
        super().__init__(path, version=BAG_VERSION, storage_plugin=STORAGES[storage])

    def commit(self) -> None:
        """Save everything written so far to disk. Does nothing without a new message."""
        storage = self.storage
        if storage is None:
            return
        if self.storage_plugin is StoragePlugin.SQLITE3:
            storage.conn.commit()
        elif storage.chunk.msgs:  # the start time of a chunk without messages would be after its end time
            storage.close_chunk()
            storage.bio.flush()
            os.fsync(storage.bio.fileno())
