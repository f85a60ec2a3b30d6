"""Read mcap files that rosbags refuses: those without a footer, because the recorder was killed, and those without an index.

Chunks are decompressed only up to their declared size; see `messages.limits`.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterator
from io import BytesIO
from typing import BinaryIO

from lz4.frame import LZ4FrameDecompressor
from rosbags.interfaces import Connection, ConnectionExtRosbag2
from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2 import storage_mcap as mcap

from c3n_model.messages.limits import check_unpacked_size

zstd = mcap.zstd  # the standard library's from Python 3.14 on, before that its backport

_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 3, 4, 5, 6, 15
_MESSAGE_HEADER, _CHUNK_HEADER = 22, 28  # bytes before the data, and before the name of the compression
_DECOMPRESSORS = {"zstd": zstd.ZstdDecompressor, "lz4": LZ4FrameDecompressor}


class ChunkReader(mcap.McapReader):
    """rosbags' reader, which scans all complete records if the file has no footer or index.

    `notes` describe what was left out.
    """

    def __init__(self, path):
        super().__init__(path)
        self.notes: list[str] = []
        self._loose: list[tuple[int, int, int, int]] = []  # messages outside chunks: time, offset, bytes, channel

    def _open(self) -> None:
        try:
            super()._open()
            if not self.chunks:
                self.meta_scan()  # without an index rosbags refuses messages that are not ordered by time
        except Exception as error:  # the parser raises any type of error for a damaged end
            if not self.data_start:
                raise  # the beginning is not mcap either
            self._open_without_end(error)

    def _open_without_end(self, error: Exception) -> None:
        self.schemas.clear()
        self.channels.clear()
        self.connections.clear()
        self.data_end = self.bio.seek(0, 2)
        self.meta_scan()
        statistics = self.statistics
        if not statistics.message_count:
            raise ReaderError(f"it has no complete chunk of messages ({error})") from error
        counts = statistics.channel_message_counts
        self.connections = [x._replace(msgcount=counts.get(x.id, 0)) for x in self.connections]
        self.metadata = self.metadata._replace(
            duration=statistics.end_time - statistics.start_time + 1,
            start_time=statistics.start_time,
            end_time=statistics.end_time + 1,
            message_count=statistics.message_count,
        )
        self.notes.insert(
            0,
            f"{self.path} is truncated, as if the recorder was killed: its {statistics.message_count} complete messages are "
            f"read; `mcap recover {self.path} -o NEW.mcap` writes them to a complete file",
        )

    def meta_scan(self) -> None:
        """Index every complete record up to the end of the data, in any order of the messages."""
        self.chunks, self._loose = [], []
        counts: dict[int, int] = defaultdict(int)
        times: list[int] = []
        for kind, offset, size in _records(self.bio, self.data_start, self.data_end):
            if kind == _MESSAGE and size >= _MESSAGE_HEADER:
                self.bio.seek(offset)
                channel, _, time, _ = mcap.deserialize_hiqq(self.bio.read(_MESSAGE_HEADER))
                self._loose.append((time, offset + _MESSAGE_HEADER, size - _MESSAGE_HEADER, channel))
                counts[channel] += 1
                times.append(time)
            elif kind in (_SCHEMA, _CHANNEL):
                self.bio.seek(offset)
                self._declare(kind, BytesIO(self.bio.read(size)))
            elif kind == _CHUNK:
                times += self._index_chunk(offset, size, counts)
        begin, end = (min(times), max(times)) if times else (mcap.MAXSIZE, 0)
        self.statistics = mcap.Statistics(
            sum(counts.values()), len(self.schemas), len(self.channels), 0, 0, len(self.chunks), begin, end, counts
        )

    def _index_chunk(self, offset: int, size: int, counts: dict[int, int]) -> list[int]:
        """Add a chunk to the index and its messages to `counts`; returns their times."""
        self.bio.seek(offset)
        head = BytesIO(self.bio.read(min(size, 1024)))
        begin, end, unpacked, _ = mcap.deserialize_qqqi(mcap.read_exact(head, _CHUNK_HEADER))
        compression = mcap.read_string(head)
        (packed,) = mcap.deserialize_uint64(mcap.read_exact(head, 8))
        chunk = mcap.ChunkInfo(begin, end, offset - 9, size + 9, {}, 0, compression, packed, unpacked, {})
        times = []
        try:
            content = self._unpack(chunk)
        except ReaderError as error:
            self.notes.append(f"{self.path}: the chunk at byte {offset} is damaged and left out ({error})")
            return times
        for kind, at, length in _records(content, 0, unpacked):
            content.seek(at)
            if kind == _MESSAGE and length >= _MESSAGE_HEADER:
                channel, _, time, _ = mcap.deserialize_hiqq(content.read(_MESSAGE_HEADER))
                counts[channel] += 1
                times.append(time)
            elif kind in (_SCHEMA, _CHANNEL):
                self._declare(kind, BytesIO(content.read(length)))
        self.chunks.append(chunk)
        return times

    def _declare(self, kind: int, record: BytesIO) -> None:
        """Register a schema or a channel."""
        (key,) = mcap.deserialize_uint16(mcap.read_exact(record, 2))
        if kind == _SCHEMA:
            self.schemas[key] = mcap.Schema(key, *(mcap.read_string(record) for _ in range(3)))
            return
        if key in self.channels:
            return
        (schema_key,) = mcap.deserialize_uint16(mcap.read_exact(record, 2))
        schema = self.schemas.get(schema_key)
        topic, encoding = mcap.read_string(record), mcap.read_string(record)
        metadata = mcap.read_bytes(record)
        name = schema.name if schema else "__schemaless__"
        self.channels[key] = mcap.Channel(key, name, topic, encoding, metadata)
        extra = ConnectionExtRosbag2(encoding, mcap.get_qos(metadata))
        self.connections.append(Connection(key, topic, name, mcap.get_msgdef(schema), "", 0, extra, self))

    def messages(
        self, connections: Collection[Connection], start: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield (connection, log time in ns, bytes) ordered by log time."""
        chosen = {connection.id: connection for connection in connections}
        runs: list[tuple[int, mcap.ChunkInfo | tuple]] = [(chunk.message_start_time, chunk) for chunk in self.chunks]
        runs += [(message[0], message) for message in self._loose]
        waiting: list[tuple[int, int, int, bytes]] = []  # time, order, channel, data
        order = 0
        for begin, run in sorted(runs, key=lambda run: run[0]):
            while waiting and waiting[0][0] < begin:
                time, _, channel, data = heapq.heappop(waiting)
                yield chosen[channel], time, data
            for channel, time, data in self._read(run, chosen):
                if (start is None or time >= start) and (stop is None or time < stop):
                    heapq.heappush(waiting, (time, order, channel, data))
                    order += 1
        while waiting:
            time, _, channel, data = heapq.heappop(waiting)
            yield chosen[channel], time, data

    def _read(self, run: mcap.ChunkInfo | tuple, chosen: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        """Yield (channel, time, data) of the messages of `chosen` channels in a chunk, or of one message outside chunks."""
        if not isinstance(run, mcap.ChunkInfo):
            time, offset, size, channel = run
            if channel in chosen:
                self.bio.seek(offset)
                yield channel, time, mcap.read_exact(self.bio, size)
            return
        offsets = run.message_index_offsets
        if offsets and not any(channel in offsets for channel in chosen):
            return
        content = self._unpack(run)
        for kind, at, length in _records(content, 0, run.uncompressed_size):
            if kind == _MESSAGE and length >= _MESSAGE_HEADER:
                content.seek(at)
                channel, _, time, _ = mcap.deserialize_hiqq(content.read(_MESSAGE_HEADER))
                if channel in chosen:
                    yield channel, time, content.read(length - _MESSAGE_HEADER)

    def _unpack(self, chunk: mcap.ChunkInfo) -> BytesIO:
        """Return the records of a chunk. Raises ReaderError if it is damaged, LimitError if it is too large."""
        size = chunk.uncompressed_size
        check_unpacked_size(size)
        check_unpacked_size(chunk.compressed_size)
        self.bio.seek(chunk.chunk_start_offset + 9 + 24)
        (checksum,) = mcap.deserialize_uint32(mcap.read_exact(self.bio, 4))
        self.bio.seek(chunk.chunk_start_offset + 9 + _CHUNK_HEADER + 4 + len(chunk.compression) + 8)
        data = mcap.read_exact(self.bio, chunk.compressed_size)
        if chunk.compression in _DECOMPRESSORS:
            try:
                data = _DECOMPRESSORS[chunk.compression]().decompress(data, max_length=size + 1)
            except Exception as error:  # each library has its own exceptions
                raise ReaderError(f"{chunk.compression}: {error}") from error
        return BytesIO(
            mcap.decompress(data, "" if chunk.compression in _DECOMPRESSORS else chunk.compression, size, checksum)
        )


def _records(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (kind, offset of the content, its size) of each complete record, up to the end of the data."""
    at = begin
    while at + 9 <= end:
        file.seek(at)
        head = file.read(9)
        if len(head) < 9:
            return
        kind, (size,) = head[0], mcap.deserialize_uint64(head[1:])
        if kind == _DATA_END or at + 9 + size > end:
            return
        yield kind, at + 9, size
        at += 9 + size
