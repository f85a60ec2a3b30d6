"""The microphone without one: a module that pretends to be sounddevice."""

import importlib
from types import SimpleNamespace

import pytest
from fake_sounddevice import FakeSounddevice

from c3n_model.devices.microphone import (
    DEAD_AFTER_S,
    BackOff,
    Microphone,
    MicrophoneSettings,
    describe_devices,
    latency_of,
    load_sounddevice,
)

NOW_NS = 1_700_000_000_000_000_000
CHUNK = bytes(range(256)) * 2 + bytes(128)  # 20 ms of 16 kHz


def make(**settings):
    device = FakeSounddevice()
    return device, Microphone(device, MicrophoneSettings(**settings), lambda: NOW_NS)


def test_chunks_are_copied_and_stamped_at_their_first_sample():
    device, microphone = make()
    assert microphone.update(0.0) == "listening to the default microphone"
    (stream,) = device.streams
    assert {name: stream.settings[name] for name in ("samplerate", "blocksize", "device", "channels", "dtype")} == {
        "samplerate": 16_000,
        "blocksize": 320,
        "device": None,
        "channels": 1,
        "dtype": "int16",
    }
    stream.feed(CHUNK, adc_s=100.0, current_s=100.025)
    stream.feed(CHUNK, adc_s=100.02, current_s=100.052)
    assert microphone.update(0.1) == ""
    assert [(chunk.pcm, NOW_NS - chunk.stamp_ns) for chunk in microphone.take()] == [
        (CHUNK, pytest.approx(25_000_000, abs=10)),
        (CHUNK, pytest.approx(32_000_000, abs=10)),
    ]
    assert microphone.take() == []


@pytest.mark.parametrize(
    "adc_s, current_s, latency_s",
    [
        (100.0, 100.03, 0.03),
        (0.0, 0.0, 0.05),  # no times at all: the stream's latency
        (-0.05, 0.0, 0.05),  # PulseAudio's plugin for ALSA
        (100.0, 99.0, 0.05),
        (5.0, 100.0, 0.05),
    ],
)
def test_latency_from_valid_times(adc_s, current_s, latency_s):
    times = SimpleNamespace(inputBufferAdcTime=adc_s, currentTime=current_s)
    assert latency_of(times, 0.02, 0.05) == pytest.approx(latency_s)


def test_latency_is_never_below_the_chunk_where_it_is_guessed():
    times = SimpleNamespace(inputBufferAdcTime=0.0, currentTime=0.0)
    assert latency_of(times, 0.1, 0.05) == 0.1
    assert latency_of(times, 0.1, 1000.0) == 2.0


@pytest.mark.parametrize("device, given", [("", None), ("3", 3), ("USB", "USB")])
def test_a_device_by_index_or_by_name(device, given):
    module, microphone = make(device=device, channels=2, sample_rate=44_100, chunk_ms=10)
    microphone.update(0.0)
    settings = module.streams[0].settings
    assert (settings["device"], settings["channels"], settings["blocksize"]) == (given, 2, 441)


def test_back_off_doubles_to_its_limit():
    back_off = BackOff(first_s=1, longest_s=3)
    assert back_off.is_due(0)
    assert [back_off.failed(steady_s) for steady_s in (0, 1, 3, 6)] == [1, 2, 3, 3]
    assert not back_off.is_due(8.9) and back_off.is_due(9)
    back_off.reset()
    assert back_off.is_due(8) and back_off.failed(8) == 1


@pytest.mark.parametrize("how", ["inactive", "silent"])
def test_an_unplugged_microphone_is_reopened(how):
    device, microphone = make()
    microphone.update(0.0)
    device.streams[0].feed(CHUNK)
    assert microphone.update(1.0) == ""
    device.plugged = False
    if how == "inactive":
        device.streams[0].active = False
        now_s = 1.1
    else:
        assert microphone.update(1.0 + DEAD_AFTER_S) == ""
        now_s = 1.1 + DEAD_AFTER_S
    assert "0.5 s" in microphone.update(now_s)
    assert device.streams[0].closed
    assert microphone.update(now_s + 0.4) == ""
    assert "cannot be opened" in microphone.update(now_s + 0.6) and "1.0 s" not in microphone.update(now_s + 0.7)
    device.plugged = True
    device.starts = 0  # a start of PortAudio that failed is made up for
    assert microphone.update(now_s + 2).startswith("listening") and device.starts == 1
    device.streams[1].feed(CHUNK)
    assert microphone.update(now_s + 2.1) == ""
    assert len(microphone.take()) == 2
    device.streams[1].active = False
    assert "Trying again in 0.5 s" in microphone.update(now_s + 3), "it worked in between"


def test_a_stream_without_sound_is_reopened_less_and_less_often():
    device, microphone = make()
    for tenth in range(600):
        microphone.update(tenth / 10)
    assert 5 < len(device.streams) < 10


def test_a_failure_to_open_lists_the_devices():
    _, microphone = make(device="nobody", sample_rate=48_000)
    said = microphone.update(0.0)
    assert all(text in said for text in ("'nobody'", "1 channels", "48000 Hz", "No input device"))
    assert "--list" in said


def test_chunks_that_are_not_taken_are_lost_and_counted():
    device, microphone = make(chunk_ms=500)
    microphone.update(0.0)
    for number in range(13):
        device.streams[0].feed(bytes([number]) * 16_000)
    assert "3 chunks" in microphone.update(0.1) and microphone.update(0.2) == ""
    assert [chunk.pcm[0] for chunk in microphone.take()] == list(range(3, 13))
    device.streams[0].feed(CHUNK, overflow=True)
    assert "1 chunks" in microphone.update(0.3)


def test_closing_twice():
    device, microphone = make()
    microphone.close()
    microphone.update(0.0)
    microphone.close()
    microphone.close()
    assert device.streams[0].closed


@pytest.mark.parametrize("wrong", [{"sample_rate": 0}, {"channels": 0}, {"chunk_ms": 1}, {"chunk_ms": 5000}])
def test_settings_out_of_range(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=rf"expected {name} in \["):
        MicrophoneSettings(**wrong)


def test_devices_that_can_record():
    assert describe_devices(FakeSounddevice()) == ["  1  USB microphone  (2 channels, 44100 Hz)"]
    (nothing,) = describe_devices(SimpleNamespace(query_devices=list))
    assert "group audio" in nothing


@pytest.mark.parametrize(
    "error, remedy", [(ImportError, "pip install sounddevice"), (OSError, "apt install libportaudio2")]
)
def test_what_to_install(monkeypatch, error, remedy):
    def fail(name):
        raise error(name)

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(ValueError, match=remedy):
        load_sounddevice()
    monkeypatch.setattr(importlib, "import_module", lambda name: name)
    assert load_sounddevice() == "sounddevice"
