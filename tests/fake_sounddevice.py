"""Stands in for the module sounddevice: a microphone that tests feed, pull out and plug in again."""

from __future__ import annotations

from types import SimpleNamespace


class FakeSounddevice:
    """`plugged` tells whether a stream can be opened; `streams` are those that were; `starts` counts PortAudio's."""

    class PortAudioError(Exception):
        pass

    def __init__(self):
        self.plugged, self.streams, self.starts = True, [], 1

    def RawInputStream(self, **settings):  # noqa: N802
        if not self.plugged:
            raise self.PortAudioError("Error querying device -1")
        if settings["device"] == "nobody":
            raise ValueError("No input device matching 'nobody'")
        self.streams.append(FakeStream(settings))
        return self.streams[-1]

    def _terminate(self):
        if self.starts == 0:
            raise self.PortAudioError("PortAudio not initialized")
        self.starts = 0

    def _initialize(self):
        self.starts = 1

    def query_devices(self):
        return [
            {"name": "HDMI 0", "max_input_channels": 0, "default_samplerate": 48000.0},
            {"name": "USB microphone", "max_input_channels": 2, "default_samplerate": 44100.0},
        ]


class FakeStream:
    latency = 0.05

    def __init__(self, settings):
        self.settings, self.active, self.closed = settings, False, False

    def start(self):
        self.active = True

    def close(self):
        self.active, self.closed = False, True

    def feed(self, pcm, adc_s=100.0, current_s=100.04, overflow=False):
        """What PortAudio's thread does with a chunk."""
        times = SimpleNamespace(inputBufferAdcTime=adc_s, currentTime=current_s, outputBufferDacTime=0.0)
        samples = len(pcm) // (2 * self.settings["channels"])
        buffer = bytearray(pcm)
        self.settings["callback"](buffer, samples, times, SimpleNamespace(input_overflow=overflow))
        buffer[:] = bytes(len(buffer))  # PortAudio uses its memory again
