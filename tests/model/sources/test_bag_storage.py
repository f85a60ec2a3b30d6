"""What recorders, editors and accidents leave behind: all messages are read, or what is missing is said with its remedy."""

import shutil
import sqlite3
from collections import Counter

import pytest
import yaml
from bag_recorder import SECOND, BagRecorder, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import CompressionMode, StoragePlugin

from c3n_model.files.signatures import ZSTD
from c3n_model.messages import limits
from c3n_model.sources.bag import BagSource
from c3n_model.sources.bag_storage import open_bag
from c3n_model.sources.mcap_reader import zstd

STORAGES = [StoragePlugin.SQLITE3, StoragePlugin.MCAP]


def count(path):
    with open_bag(path) as reader:
        return Counter(connection.topic for connection, _, _ in reader.messages(reader.connections))


ALL = {"/camera/image_raw": 5, "/audio/audio_stamped": 5}


def edit_metadata(bag, change):
    file = bag / "metadata.yaml"
    content = yaml.safe_load(file.read_text())
    change(content["rosbag2_bagfile_information"])
    file.write_text(yaml.safe_dump(content))


QOS = st.recursive(
    st.none() | st.text(max_size=8) | st.integers(-5, 5) | st.just("- history: 1\n  depth: 5\n  reliability: 2"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module", params=STORAGES, ids=lambda storage: storage.name)
def bag(request, tmp_path_factory):
    return record(tmp_path_factory.mktemp("bags") / "bag", request.param)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(qos=QOS, identifier=st.sampled_from(["", "mcap", "sqlite3", "rosbag_v2"]), version=st.integers(1, 12))
def test_all_messages_are_read_with_any_other_metadata(bag, qos, identifier, version):
    original = (bag / "metadata.yaml").read_text()

    def change(content):
        content["version"], content["storage_identifier"] = version, identifier
        for entry in content["topics_with_message_count"]:
            entry["topic_metadata"]["offered_qos_profiles"] = qos
            entry["topic_metadata"]["type_description_hash"] = "RIHS01_other"

    try:
        edit_metadata(bag, change)
        assert count(bag) == ALL
    finally:
        (bag / "metadata.yaml").write_text(original)


def test_missing_messages_are_an_error(tmp_path):
    bag = record(tmp_path / "bag")

    def promise_more(content):
        content["topics_with_message_count"][0]["message_count"] = 7

    edit_metadata(bag, promise_more)
    with pytest.raises(ValueError, match=r"expected 7 messages on /camera/image_raw, got 5.*ros2 bag reindex"):
        count(bag)


def test_messages_deleted_from_a_database_are_missed(tmp_path):
    bag = record(tmp_path / "bag")
    with sqlite3.connect(bag / "bag.db3") as database:
        database.execute("DELETE FROM messages WHERE topic_id = 1")
    database.close()
    with pytest.raises(ValueError, match="expected 5 messages on /camera/image_raw, got 0"):
        count(bag)


def test_a_missing_file_is_named(tmp_path):
    bag = record(tmp_path / "bag")
    (bag / "bag.db3").rename(bag / "other.db3")
    with pytest.raises(FileNotFoundError, match=r"bag\.db3.*reindex"):
        count(bag)


@pytest.mark.parametrize("text", ["", "a: [", "a: b", "[" * 5000, "a: &a [x]\nb: [*a, *a]"])
def test_damaged_metadata_is_reported_and_not_used(tmp_path, text):
    bag = record(tmp_path / "bag")
    (bag / "metadata.yaml").write_text(text or "\n")
    with open_bag(bag) as reader:
        assert "ros2 bag reindex" in reader.notes[0] and len(reader.notes[0]) < 1000
    assert count(bag) == ALL


def test_aliases_in_metadata_are_not_written_out(tmp_path):
    bag = record(tmp_path / "bag")
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    lines += ["rosbag2_bagfile_information: {relative_file_paths: [*a11], topics_with_message_count: []}"]
    (bag / "metadata.yaml").write_text("\n".join(lines))  # 9 ** 12 letters if they were
    assert count(bag) == ALL


@pytest.mark.parametrize("storage", STORAGES)
def test_the_files_of_a_split_recording_without_metadata_are_one(tmp_path, storage):
    folder = tmp_path / "split"
    folder.mkdir()
    for number in range(11):  # the eleventh comes after the tenth, not after the first
        part = record(tmp_path / f"part{number}", storage, count=1, begin_ns=number * SECOND)
        (file,) = (file for file in part.iterdir() if file.suffix != ".yaml")
        file.rename(folder / f"run_{number}{file.suffix}")
    (folder / f"._run_0{file.suffix}").write_bytes(b"\0\5\x16\7")  # of a Mac
    with open_bag(folder) as reader:
        times = [
            log_ns for connection, log_ns, _ in reader.messages(reader.connections) if "camera" in connection.topic
        ]
    assert times == [number * SECOND + SECOND // 10 for number in range(11)]
    assert len(list(BagSource(folder))) == 22


def test_files_of_several_recordings_are_not_mixed(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    for name in ("kitchen", "garden"):
        (record(tmp_path / name) / f"{name}.db3").rename(folder / f"{name}.db3")
    with pytest.raises(ValueError, match="2 recordings.*garden, kitchen"):
        count(folder)


def test_complete_chunks_of_a_truncated_mcap_are_read(tmp_path):
    file = record(tmp_path / "bag", StoragePlugin.MCAP, count=200) / "bag.mcap"
    whole = file.read_bytes()
    (tmp_path / "bag/metadata.yaml").unlink()
    from_end = 0
    for keep in (len(whole) - 1, len(whole) - 60, whole.index(b"\x0f\x04\0\0\0\0\0\0\0"), len(whole) // 2):
        file.write_bytes(whole[:keep])
        try:
            with open_bag(file) as reader:
                assert any("mcap recover" in note for note in reader.notes)
                from_end += 1
            assert count(file) == {topic: 200 for topic in ALL}
        except ValueError as error:
            assert "no complete chunk" in str(error)
    assert from_end == 3


def test_a_damaged_chunk_costs_only_itself_where_the_end_is_missing(tmp_path):
    with BagRecorder(tmp_path / "bag", StoragePlugin.MCAP, compression=CompressionMode.STORAGE) as bag:
        for number in range(4):
            bag.image("/camera/image_raw", (number + 1) * SECOND)
            bag.sound("/audio/audio_stamped", (number + 1) * SECOND)
            bag.writer.storage.close_chunk()
    file = tmp_path / "bag/bag.mcap"
    data = bytearray(file.read_bytes()[:-60])
    third = [at for at in range(len(data)) if data.startswith(ZSTD, at)][2]
    data[third + 8 : third + 30] = bytes(22)
    file.write_bytes(data)
    with open_bag(file) as reader:
        assert "6 complete messages" in reader.notes[0] and "chunk at byte" in reader.notes[1]
        assert sorted({log_ns // SECOND for _, log_ns, _ in reader.messages(reader.connections)}) == [1, 2, 4]


def test_a_database_whose_writer_was_killed_is_read_with_its_journal(tmp_path):
    bag = record(tmp_path / "bag")
    database = sqlite3.connect(bag / "bag.db3", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(
        "INSERT INTO messages (topic_id, timestamp, data) SELECT topic_id, timestamp + 1, data FROM messages"
    )
    killed = tmp_path / "killed"
    killed.mkdir()
    for file in bag.glob("bag.db3*"):  # as the files lie while the writer lives
        shutil.copy(file, killed / file.name)
    database.close()
    before = {file.name: file.read_bytes() for file in killed.iterdir()}
    assert len(before) == 3 and count(killed) == {topic: 10 for topic in ALL}
    assert {file.name: file.read_bytes() for file in killed.iterdir()} == before, "the recording is left as it is"


@pytest.mark.parametrize("name", ["a?b", "a#b", "100%25", "ä b"])
def test_any_name_of_a_folder(tmp_path, name):
    bag = record(tmp_path / "bag").rename(tmp_path / name)
    assert count(bag) == ALL and count(bag / "bag.db3") == ALL


class TestCompression:
    def compress_file(self, bag, data=None):
        file = bag / "bag.db3"
        (bag / "bag.db3.zstd").write_bytes(zstd.compress(file.read_bytes() if data is None else data))
        file.unlink()

        def name(content):
            content["compression_mode"], content["compression_format"] = "FILE", "zstd"
            content["relative_file_paths"] = ["bag.db3.zstd"]

        edit_metadata(bag, name)

    def compress_messages(self, bag, data=None):
        with sqlite3.connect(bag / "bag.db3") as database:
            rows = database.execute("SELECT id, data FROM messages").fetchall()
            packed = [(zstd.compress(content if data is None else data), number) for number, content in rows]
            database.executemany("UPDATE messages SET data = ? WHERE id = ?", packed)
        database.close()

    def test_of_files_and_of_messages(self, tmp_path):
        for name, compress in (("file", self.compress_file), ("message", self.compress_messages)):
            bag = record(tmp_path / name / "bag")
            compress(bag)
            assert count(bag) == ALL and len(list(BagSource(bag))) == 10

    def test_a_file_that_grows_beyond_recordings_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 2**22)
        bag = record(tmp_path / "bag")
        self.compress_file(bag, bytes(2**24))
        with pytest.raises(limits.LimitError, match=r"at most 4194304 bytes.*zstd -d"):
            count(bag)

    def test_a_message_that_grows_beyond_the_limit_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(limits, "MAX_MESSAGE_BYTES", 2**20)
        monkeypatch.setattr("c3n_model.sources.bag_storage.MAX_MESSAGE_BYTES", 2**20)
        bag = record(tmp_path / "bag")
        self.compress_messages(bag, bytes(2**24))
        with pytest.raises(limits.LimitError, match="at most 1048576 bytes"):
            count(bag)

    @pytest.mark.parametrize("claimed", [100, 2**40])
    def test_a_chunk_is_unpacked_only_up_to_its_declared_size(self, tmp_path, claimed):
        chunk = zstd.compress(bytes(2**26))
        content = (0).to_bytes(16, "little") + claimed.to_bytes(8, "little") + bytes(4)
        content += (4).to_bytes(4, "little") + b"zstd" + len(chunk).to_bytes(8, "little") + chunk
        profile = (4).to_bytes(4, "little") + b"ros2" + bytes(4)
        data = b"\x89MCAP0\r\n\x01" + len(profile).to_bytes(8, "little") + profile
        (tmp_path / "bomb.mcap").write_bytes(data + b"\x06" + len(content).to_bytes(8, "little") + content)
        with pytest.raises(ValueError, match="expected 100 bytes|no complete chunk|at most 268435456 bytes"):
            count(tmp_path / "bomb.mcap")


class TestStandIns:
    POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"

    @pytest.mark.parametrize(
        "name, content, remedy",
        [
            ("a.bag", b"#ROSBAG V2.0\nE\0\0\0", r"ROS 1 bag.*rosbags-convert --src .*a\.bag --dst"),
            ("a.mcap", POINTER, "git lfs pull"),
            ("a.db3", POINTER, "git lfs pull"),
            ("a.mp4", POINTER, "git lfs pull"),
            ("a.mcap", b"", r"a\.mcap is empty"),
            ("a.mp4", b"<!DOCTYPE html><html>", "web page"),
        ],
    )
    def test_are_named_with_the_remedy(self, tmp_path, name, content, remedy):
        from c3n_model.sources import open_source

        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=remedy):
            open_source(tmp_path / name)
        if name.endswith(("mcap", "db3")):
            folder = tmp_path / "folder"
            folder.mkdir()
            shutil.copy(tmp_path / name, folder / name)
            with pytest.raises(ValueError, match=remedy):
                open_source(folder)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["ok", "image_qos_edited", "info_qos_edited"])
def test_the_cases_of_edited_qos(cases, name):
    source = BagSource(cases / "bag_metadata_qos" / name)
    items = list(source)
    sounds = [item for item in items if hasattr(item, "samples")]
    assert len(items) == 241 and len(sounds) == 216 and source.notes == []
    assert {(chunk.sample_rate, chunk.samples.shape[1]) for chunk in sounds} == {(44_100, 2)}


@pytest.mark.realdata
def test_the_cases_of_other_bags(cases):
    assert count(cases / "bag_talker_sqlite3") == {"/topic": 10, "/rosout": 10}
    assert sum(count(cases / "killed.mcap").values()) == 142
    with pytest.raises(ValueError, match="rosbags-convert --src"):
        open_bag(cases / "ros1_example.bag").__enter__()
