"""A recording survives SIGKILL at any moment: all that was committed is read, with either storage."""

import os
import signal
import subprocess
import sys
import time

import pytest

from c3n_model.sources.bag_storage import open_bag
from c3n_model.sources.safe_writer import SafeWriter

# Prints the number of messages after each commit; a message is large enough for sqlite3 to spill its cache into the file.
WRITE = """
import sys
from c3n_model.sources.bag_types import standard_types
from c3n_model.sources.safe_writer import SafeWriter
types = standard_types()
writer = SafeWriter(sys.argv[1], sys.argv[2])
writer.open()
topic = writer.add_connection("/chatter", "std_msgs/msg/String", typestore=types)
data = types.serialize_cdr(types.types["std_msgs/msg/String"]("x" * 50_000), "std_msgs/msg/String")
for number in range(1_000_000):
    writer.write(topic, number, data)
    if number % 20 == 19:
        writer.commit()
        print(number + 1, flush=True)
"""


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_committed_messages_are_readable_after_a_kill(tmp_path, storage):
    for attempt in range(3):
        bag = tmp_path / str(attempt)
        process = subprocess.Popen([sys.executable, "-c", WRITE, str(bag), storage], stdout=subprocess.PIPE, text=True)
        committed = [int(process.stdout.readline()) for _ in range(5)][-1]
        time.sleep(0.013 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
        committed = max([committed, *map(int, rest.split("\n")[:-1])])
        with open_bag(bag) as reader:
            times = [log_ns for _, log_ns, _ in reader.messages(reader.connections)]
        assert len(times) >= committed and times == list(range(len(times)))


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%41"])
def test_names_that_would_write_another_file_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"without \?, # and %"):
        SafeWriter(tmp_path / name, "sqlite3")
    SafeWriter(tmp_path / name, "mcap")
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_kept(tmp_path):
    (tmp_path / "bag").write_text("mine")
    with pytest.raises(FileExistsError, match="choose another name"):
        SafeWriter(tmp_path / "bag", "mcap")
