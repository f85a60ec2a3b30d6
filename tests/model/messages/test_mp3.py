"""MP3 in pieces: what goes in as a tone at a time comes out as that tone at that time."""

import functools

import numpy as np
import pytest
from mp3_stream import encode_mp3, frame_ns

from c3n_model.messages.mp3 import LONGEST_BRIDGE_NS, MP3_REMEDY, Mp3Decoder, looks_like_mp3, read_header

BEGIN_NS = 1_700_000_000_000_000_000


def tone(rate, seconds=2.0, channels=1, silent_s=0.5):
    """A tone of 440 Hz after half a second of silence, in the last channel an octave higher."""
    time_s = np.arange(round(seconds * rate)) / rate
    waves = [0.5 * np.sin(2 * np.pi * 440 * (channel + 1) * (time_s - silent_s)) for channel in range(channels)]
    return (np.stack(waves, axis=1) * (time_s >= silent_s)[:, None]).astype(np.float32)


@functools.cache
def encoded_tone(rate, channels):
    return encode_mp3(tone(rate, channels=channels), rate)


def messages(rate, cut, channels=1):
    """(bytes, stamp) of pieces of a tone's stream; a piece begins where its first byte's frame has come to in time."""
    frames = encoded_tone(rate, channels)
    stream = b"".join(frames)
    edges = np.cumsum([0, *map(len, frames)])
    places = {"frames": edges, "whole": edges[[0, -1]], "bytes": np.arange(0, len(stream) + 97, 97)}.get(cut)
    if places is None:
        places = np.unique([0, *np.random.default_rng(cut).integers(0, len(stream), 60), len(stream)])
    for begin, end in zip(places, places[1:]):
        in_frames = np.interp(begin, edges, np.arange(len(edges)))
        yield stream[begin:end], BEGIN_NS + round(in_frames * frame_ns(rate))


def decode(pieces, decoder=None):
    decoder = decoder or Mp3Decoder()
    return [chunk for data, stamp_ns in pieces for chunk in decoder.decode(data, stamp_ns)]


@pytest.mark.parametrize("cut", ["frames", "whole", "bytes", 0, 1])
@pytest.mark.parametrize("rate, channels", [(16_000, 1), (44_100, 2), (8_000, 1)])
def test_a_tone_is_decoded_at_its_time(rate, channels, cut):
    samples = tone(rate, channels=channels)
    chunks = decode(messages(rate, cut, channels))
    assert {(chunk.sample_rate, chunk.samples.shape[1], chunk.samples.dtype) for chunk in chunks} == {
        (rate, channels, np.dtype(np.float32))
    }
    for one, two in zip(chunks, chunks[1:]):
        assert abs(two.stamp_ns - one.end_ns) < 2_000, "no hole between two chunks"
    heard = np.concatenate([chunk.samples for chunk in chunks])
    # The truth moved to where the stamps say the sound is: a tone that is late by a tenth of its period differs by 0.3.
    begin = round((chunks[0].stamp_ns - BEGIN_NS) * rate / 1e9)
    middle = slice(round(0.7 * rate) - begin, round(1.7 * rate) - begin)
    truth = samples[round(0.7 * rate) : round(1.7 * rate)]
    np.testing.assert_allclose(heard[middle], truth, atol=0.06)
    onset = begin + np.argmax(np.abs(heard[:, 0]) > 0.1)
    assert abs(onset / rate - 0.5) < 0.06


def test_lost_messages_are_a_gap():
    pieces = list(messages(16_000, "frames"))
    for lost in (1, 3, 15):
        chunks = decode(pieces[:20] + pieces[20 + lost :])
        before, after = next(pair for pair in zip(chunks, chunks[1:]) if pair[1].stamp_ns > pair[0].end_ns + 1_000_000)
        assert (after.stamp_ns - before.end_ns) / frame_ns(16_000) == pytest.approx(lost, abs=2.01), (
            "up to two frames more, whose bits lay in those that were lost"
        )
        assert chunks[-1].end_ns == decode(pieces)[-1].end_ns


@pytest.mark.parametrize("cut", ["bytes", 0])
def test_the_stream_is_found_again_after_a_loss_anywhere(cut):
    pieces = list(messages(16_000, cut))
    whole = decode(pieces)
    middle = len(pieces) // 2
    chunks = decode(pieces[:middle] + pieces[middle + 1 :])
    assert len(chunks) >= len(whole) - 12
    assert abs(chunks[-1].end_ns - whole[-1].end_ns) <= frame_ns(16_000)


def test_a_late_subscriber_decodes_the_rest():
    pieces = list(messages(16_000, "bytes"))[50:]
    chunks = decode(pieces)
    assert abs(chunks[0].stamp_ns - pieces[0][1]) < 200_000_000 and len(chunks) > 30


def test_a_stream_that_restarts():
    pieces = list(messages(16_000, "frames"))
    decoder = Mp3Decoder()
    first, again = decode(pieces, decoder), decode(pieces, decoder)
    assert [chunk.stamp_ns for chunk in again] == [chunk.stamp_ns for chunk in first]
    np.testing.assert_array_equal(again[30].samples, first[30].samples)
    later = [(data, stamp_ns + 10 * LONGEST_BRIDGE_NS) for data, stamp_ns in messages(44_100, "frames")]
    assert {chunk.sample_rate for chunk in decode(later, decoder)} == {44_100}


@pytest.mark.parametrize("data", [bytes(320), np.full(160, -1025, "<i2").tobytes(), bytes(range(256)) * 2])
def test_data_that_is_not_mp3_is_refused_with_the_remedy(data):
    decoder = Mp3Decoder()
    with pytest.raises(ValueError, match="format:=wave"):
        for number in range(60):
            decoder.decode(data, BEGIN_NS + number * 10_000_000)
    assert "format:=wave" in MP3_REMEDY
    assert len(decode(messages(16_000, "frames"), decoder)) > 50, "it carries on"


def test_patience_with_what_is_no_mp3_lasts_for_several_frames_and_not_for_long():
    """A kilobyte between two frames is skipped; after eight of them it is said."""
    decoder, frames = Mp3Decoder(), list(messages(16_000, "frames"))
    noise = [(bytes(100), stamp_ns) for _, stamp_ns in frames[20:30]]
    assert len(decode([*frames[:20], *noise, *frames[30:]], decoder)) > len(frames) - 16
    decoder, count = Mp3Decoder(), 0
    with pytest.raises(ValueError, match="format:=wave"):
        for count in range(1, 99):
            decoder.decode(bytes(100), BEGIN_NS + count * 1_000_000)
    assert 8192 < 100 * count <= 8192 + 200


def test_empty_chunks():
    decoder = Mp3Decoder()
    assert decoder.decode(b"", BEGIN_NS) == []
    assert len(decode(messages(16_000, "frames"), decoder)) > 50


class TestRecognised:
    # MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, no padding: 417 bytes; MPEG-2, 64 kbit/s, 16 kHz: 288 bytes.
    FRAME = bytes([0xFF, 0xFB, 0x90, 0x00]) + bytes(413)
    FRAME_16_KHZ = bytes([0xFF, 0xF3, 0x88, 0x00]) + bytes(284)

    @pytest.mark.parametrize("data", [FRAME, 3 * FRAME, FRAME_16_KHZ, b"ID3\x04\x00\x00\x00\x00\x0f\x76" + bytes(500)])
    def test_by_its_frames(self, data):
        assert looks_like_mp3(np.frombuffer(data, np.uint8))

    def test_real_frames(self):
        for frame in encoded_tone(16_000, 1):
            assert looks_like_mp3(np.frombuffer(frame, np.uint8))

    @pytest.mark.parametrize("data", [FRAME[:300], FRAME + bytes(2), FRAME + bytes(100), 2 * FRAME + FRAME[:-1], b""])
    def test_not_by_a_first_frame_alone(self, data):
        """PCM may begin with four bytes that are a header: the frames must reach to the end, and no further."""
        assert not looks_like_mp3(np.frombuffer(data, np.uint8))

    def test_headers_that_are_none(self):
        assert read_header(self.FRAME).size == 417
        for second, third in ((0xFB, 0xF0), (0xFB, 0x00), (0xFB, 0x9C), (0xEB, 0x90), (0xFD, 0x90)):
            assert read_header(bytes([0xFF, second, third, 0x00])) is None
        assert looks_like_mp3(np.frombuffer(b"ID3\x04" + bytes(6), np.uint8)), "a tag without content"

    def test_pcm_that_begins_like_a_sync_word_is_not_mp3(self):
        assert not looks_like_mp3(np.full(160, -1025, "<i2").view(np.uint8))  # FF FB FF FB ...
        quiet = np.random.default_rng(0).integers(-1000, 0, (2000, 160)).astype("<i2")
        assert not any(looks_like_mp3(row.view(np.uint8)) for row in quiet)
