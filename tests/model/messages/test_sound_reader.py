"""Whatever a sound topic carries becomes chunks."""

from array import array
from types import SimpleNamespace

import numpy as np
import pytest
from mp3_stream import encode_mp3, frame_ns

from c3n_model.messages.sound_reader import SoundReader
from c3n_model.messages.sounds import AudioFormat

BEGIN_NS = 1_700_000_000_000_000_000
PCM = array("B", np.arange(160, dtype="<i2").tobytes())


def header(stamp_ns):
    sec, nanosec = divmod(stamp_ns, 10**9)
    return SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec), frame_id="")


def stamped(data, stamp_ns=BEGIN_NS):
    return SimpleNamespace(header=header(stamp_ns), audio=SimpleNamespace(data=data))


def info(rate=16_000, channels=1, coding="wave"):
    return SimpleNamespace(sample_rate=rate, channels=channels, sample_format="S16LE", bitrate=0, coding_format=coding)


def mp3_frames(seconds=1):
    samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(seconds * 16_000) / 16_000)
    return encode_mp3(samples[:, None].astype(np.float32), 16_000)


def test_pcm_is_read_as_described():
    reader = SoundReader(AudioFormat(8000))
    (chunk,) = reader.read(stamped(PCM), arrival_ns=0)
    assert (chunk.sample_rate, chunk.samples.shape, chunk.stamp_ns) == (8000, (160, 1), BEGIN_NS)
    reader.describe(info(44_100, 2))
    (chunk,) = reader.read(stamped(PCM), arrival_ns=0)
    assert (chunk.sample_rate, chunk.samples.shape) == (44_100, (80, 2))


def test_an_invalid_description_changes_nothing():
    reader = SoundReader(AudioFormat(8000))
    with pytest.raises(ValueError, match="got 0 Hz"):
        reader.describe(info(0))
    assert reader.audio_format == AudioFormat(8000)


def test_messages_of_mgonzs13_describe_themselves():
    data = SimpleNamespace(int16_data=array("h", [0, 16384]))
    described = SimpleNamespace(format=8, channels=1, rate=22_050, chunk=512)
    message = SimpleNamespace(header=header(BEGIN_NS), audio=SimpleNamespace(audio_data=data, info=described))
    (chunk,) = SoundReader().read(message, arrival_ns=0)
    assert (chunk.samples.tolist(), chunk.sample_rate, chunk.stamp_ns) == ([[0], [0.5]], 22_050, BEGIN_NS)


def test_mp3_that_is_announced():
    reader = SoundReader()
    reader.describe(info(coding="MP3"))
    stream = b"".join(mp3_frames())
    chunks = [
        chunk
        for at in range(0, len(stream), 100)
        for chunk in reader.read(stamped(stream[at : at + 100], BEGIN_NS + round(at / 288 * frame_ns(16_000))), 0)
    ]
    assert len(chunks) >= 28 and abs(chunks[0].stamp_ns - BEGIN_NS) < 100_000_000


def test_unannounced_mp3_is_recognised_without_a_loss():
    reader = SoundReader()
    frames = mp3_frames()
    heard = [reader.read(stamped(frame, BEGIN_NS + round(k * frame_ns(16_000))), 0) for k, frame in enumerate(frames)]
    assert [len(chunks) for chunks in heard[:4]] == [0, 0, 3, 1]
    chunks = sum(heard, [])
    assert len(chunks) == len(frames)
    assert max(abs(two.stamp_ns - one.end_ns) for one, two in zip(chunks, chunks[1:])) < 2_000


def test_pcm_that_looks_like_mp3_once_stays_pcm():
    reader = SoundReader()
    alike = mp3_frames()[5]
    heard = [reader.read(stamped(data, BEGIN_NS + k), 0) for k, data in enumerate([PCM, alike, PCM, PCM])]
    assert [len(chunks) for chunks in heard] == [1, 0, 2, 1]
    np.testing.assert_array_equal(pcm(heard[2][0]), np.frombuffer(alike, "<i2"))
    assert [chunk.stamp_ns - BEGIN_NS for chunks in heard for chunk in chunks] == [0, 1, 2, 3]


def test_pcm_mistaken_for_mp3_is_recovered():
    reader = SoundReader()
    for frame in mp3_frames()[:5]:
        reader.read(stamped(frame), 0)
    with pytest.raises(ValueError, match="format:=wave"):
        for _ in range(40):
            reader.read(stamped(PCM), 0)
    assert len(reader.read(stamped(PCM), 0)) == 1


def test_sound_without_stamps_is_placed_by_its_arrival_and_evened_out():
    reader = SoundReader()
    jitter = np.random.default_rng(0).integers(0, 60_000_000, 100)
    chunks = [
        chunk
        for k in range(100)
        for chunk in reader.read(SimpleNamespace(data=PCM), BEGIN_NS + (k + 1) * 10_000_000 + int(jitter[k]))
    ]
    assert abs(chunks[0].stamp_ns - BEGIN_NS) <= 60_000_000
    assert all(two.stamp_ns == one.end_ns for one, two in zip(chunks, chunks[1:]))
    (late,) = reader.read(SimpleNamespace(data=PCM), BEGIN_NS + 5 * 10**9)
    assert late.stamp_ns == BEGIN_NS + 5 * 10**9 - 10_000_000, "a hole is a hole"


@pytest.mark.parametrize("data", [b"\0", bytes(321)])
def test_odd_bytes_are_refused_and_forgotten(data):
    reader = SoundReader()
    with pytest.raises(ValueError, match="expected a multiple of"):
        reader.read(stamped(data), 0)
    assert len(reader.read(stamped(PCM), 0)) == 1


def test_nothing_in_it():
    (chunk,) = SoundReader().read(stamped(b""), 0)
    assert chunk.samples.shape == (0, 1)
    assert SoundReader(AudioFormat(coding_format="mp3")).read(stamped(b""), 0) == []


def pcm(chunk):
    return np.rint(chunk.samples[:, 0] * 2**15).astype(np.int16)
