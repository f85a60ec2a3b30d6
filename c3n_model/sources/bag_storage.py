"""Read the storage files of a rosbag2 recording as one stream of messages, without ROS and without changing the recording.

Of metadata.yaml only the names of the storage files and the numbers of messages are used. Its other values (QoS, storage
identifier, times) may differ from the files, for example after an edit or if the recorder was killed.
"""

from __future__ import annotations

import heapq
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from rosbags.interfaces import Connection
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Reader

from c3n_model.files.signatures import MCAP, SQLITE3, ZSTD, first_bytes, is_hidden, stand_in
from c3n_model.messages.limits import MAX_MESSAGE_BYTES, LimitError, check_unpacked_file, check_unpacked_size
from c3n_model.sources.bag_metadata import METADATA, BagMetadata, read_metadata
from c3n_model.sources.mcap_reader import ChunkReader, zstd

STORAGE_SUFFIXES = (".mcap", ".db3")
_BLOCK_BYTES = 1 << 20


class BagReader:
    """An open recording. `connections` has one entry per topic and type, with the number of messages in the files;
    `start_time` and `duration` are in ns; `notes` describe what could not be read."""

    def __init__(self, path: Path, storages: list[Sqlite3Reader | ChunkReader], metadata: BagMetadata):
        self._path = path
        self._storages = [storage for storage in storages if storage.metadata.message_count or len(storages) == 1]
        self.notes = [*metadata.notes, *(note for storage in storages for note in getattr(storage, "notes", ()))]
        merged: dict[tuple[str, str], Connection] = {}
        for connection in (connection for storage in storages for connection in storage.connections):
            key = _key(connection)
            known = merged.get(key, connection._replace(id=len(merged) + 1, msgcount=0))
            defined = known if known.msgdef.data else connection
            merged[key] = known._replace(msgdef=defined.msgdef, msgcount=known.msgcount + connection.msgcount)
        self.connections = list(merged.values())
        self._expected = Counter(metadata.message_counts)
        if any(getattr(storage, "notes", ()) for storage in storages):
            self._expected.clear()  # the notes already report missing messages
        spans = [storage.metadata for storage in storages if storage.metadata.message_count]
        self.start_time = min((span.start_time for span in spans), default=0)
        self.duration = max((span.end_time for span in spans), default=0) - self.start_time

    def messages(self, connections: Collection[Connection]) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield (connection, log time in ns, serialized message) of `connections`, ordered by log time.

        Raises ValueError if there are fewer messages than metadata.yaml or the index of a storage file says.
        """
        chosen = {_key(connection): connection for connection in connections}
        for connection in connections:
            self._check_count(connection, connection.msgcount)
            if connection.ext.serialization_format != "cdr":
                raise ValueError(
                    f"expected messages serialized as cdr, got {connection.ext.serialization_format!r} on {connection.topic}"
                )
        read: Counter[tuple[str, str]] = Counter()
        for key, log_ns, data in heapq.merge(*(_stream(s, chosen) for s in self._storages), key=lambda item: item[1]):
            read[key] += 1
            yield chosen[key], log_ns, _unpacked(data)
        for connection in connections:
            self._check_count(connection, read[_key(connection)])

    def _check_count(self, connection: Connection, count: int) -> None:
        expected = max(self._expected[_key(connection)], connection.msgcount)
        if count < expected:
            raise ValueError(
                f"expected {expected} messages on {connection.topic}, got {count}: {self._path / METADATA} or an index does "
                f"not match the storage files; copy the bag again, or run `ros2 bag reindex {self._path}`"
            )


@contextmanager
def open_bag(path: Path) -> Iterator[BagReader]:
    """Open a recording: a folder, or one storage file.

    Raises FileNotFoundError if `path` or a file named by metadata.yaml does not exist, ValueError with a remedy for anything
    else that cannot be read, also while reading.
    """
    if not path.exists():
        raise FileNotFoundError(f"no such bag: {path}")
    file = path
    try:
        with ExitStack() as stack:
            metadata = read_metadata(path) if path.is_dir() else BagMetadata()
            storages = []
            for file in metadata.files or _storage_files(path):
                storages.append(_open_storage(file, stack))
            yield BagReader(path, storages, metadata)
    except Exception as error:  # sqlite, zstd, struct and the type parser have their own exceptions
        if type(error) in (ValueError, LimitError) or isinstance(error, OSError):  # these already name file and remedy
            raise
        raise ValueError(f"{path} cannot be read as a bag: {error or type(error).__name__}; {_remedy(file)}") from error


def _key(connection: Connection) -> tuple[str, str]:
    return connection.topic, connection.msgtype


def _stream(storage, chosen: Collection) -> Iterator[tuple[tuple[str, str], int, bytes]]:
    connections = [connection for connection in storage.connections if _key(connection) in chosen]
    if connections:
        for connection, log_ns, data in storage.messages(connections):
            yield _key(connection), log_ns, data


def _unpacked(data: bytes) -> bytes:
    """Decompress a message if the recorder compressed it; no other serialized message begins like zstd data."""
    check_unpacked_size(len(data))
    if data[:4] != ZSTD:
        return data
    unpacked = zstd.ZstdDecompressor().decompress(data, max_length=MAX_MESSAGE_BYTES + 1)
    check_unpacked_size(len(unpacked))
    return unpacked


def _visible_storage_files(folder: Path) -> list[Path]:
    def by_number(path: Path) -> list:
        return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", path.name)]

    endings = tuple(suffix + packed for suffix in STORAGE_SUFFIXES for packed in ("", ".zstd"))
    files = (
        file for file in folder.iterdir() if file.name.endswith(endings) and file.is_file() and not is_hidden(file)
    )
    return sorted(files, key=by_number)


def _storage_files(path: Path) -> list[Path]:
    """Return the storage file `path`, or the files of the only recording in the folder `path` without metadata.yaml."""
    if path.is_file():
        return [path]
    files = _visible_storage_files(path)
    recordings = {re.sub(r"_\d+$", "", file.name.partition(".")[0]) for file in files}
    if not files:
        raise ValueError(f"{path} is not a bag: it has neither {METADATA} nor .mcap or .db3 files")
    if len(recordings) > 1:
        raise ValueError(
            f"{path} has no {METADATA} and the files of {len(recordings)} recordings ({', '.join(sorted(recordings))}): "
            "pass one of the files instead of the folder"
        )
    return files


def _open_storage(file: Path, stack: ExitStack) -> Sqlite3Reader | ChunkReader:
    if not file.is_file():
        raise FileNotFoundError(
            f"no such file: {file}, named by {METADATA}; copy it, or run `ros2 bag reindex {file.parent}` to read the others"
        )
    if reason := stand_in(file):
        raise ValueError(reason)
    begin = first_bytes(file)
    if begin.startswith(ZSTD):
        file = _decompress(file, stack)
        begin = first_bytes(file)
    if begin.startswith(SQLITE3):
        storage = Sqlite3Reader(_settled(file, stack))
    elif begin.startswith(MCAP[: len(begin)]):
        storage = ChunkReader(file)
    else:
        raise ValueError(f"{file} cannot be read as a bag: it is neither a sqlite3 nor an mcap file; copy it again")
    storage.open()
    stack.callback(storage.close)
    return storage


def _temporary_folder(stack: ExitStack) -> Path:
    folder = Path(mkdtemp(prefix="c3n_bag_"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _decompress(file: Path, stack: ExitStack) -> Path:
    """Decompress a file that was compressed as a whole into a temporary folder."""
    target = _temporary_folder(stack) / file.name.removesuffix(".zstd")
    packed, size = file.stat().st_size, 0
    with zstd.open(file, "rb") as source, target.open("wb") as unpacked:
        while block := source.read(_BLOCK_BYTES):
            size += len(block)
            check_unpacked_file(packed, size, size + shutil.disk_usage(target.parent).free)
            unpacked.write(block)
    return target


def _settled(file: Path, stack: ExitStack) -> Path:
    """Return a database without a journal. If the writer was killed, a copy is made and its journal applied.

    rosbags opens databases as immutable files by URI, which ignores journals and splits names at `?`, `#` and `%`.
    """
    journals = [journal for end in ("-wal", "-journal") if (journal := Path(f"{file}{end}")).is_file()]
    if not any(journal.stat().st_size for journal in journals):
        if not re.search(r"[?#%]", str(file.absolute())):
            return file
        link = _temporary_folder(stack) / "bag.db3"
        link.symlink_to(file.absolute())
        return link
    copy = _temporary_folder(stack) / "bag.db3"
    for source, end in ((file, ""), *((journal, str(journal)[len(str(file)) :]) for journal in journals)):
        shutil.copyfile(source, f"{copy}{end}")
    database = sqlite3.connect(copy)
    try:
        database.execute("PRAGMA journal_mode = DELETE")  # rolls back or applies the journal
        database.execute("SELECT count(*) FROM sqlite_master").fetchall()
    finally:
        database.close()
    return copy


def _remedy(file: Path) -> str:
    if file.name.endswith(".db3"):
        return f"if the recording is truncated, `sqlite3 {file} .recover | sqlite3 NEW.db3` saves what is readable"
    return f"if the recording is truncated, `mcap recover {file} -o NEW.mcap` saves what is readable, or copy it again"
