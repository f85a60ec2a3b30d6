import wave
from operator import length_hint

import av
import cv2
import numpy as np
import pytest

from c3n_model.sources.media import FolderSource, VideoSource, arrival_ns, pictures_in
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.streaming.windows import WindowAssembler
from c3n_model.types import AudioChunk, Frame

SECOND = 1_000_000_000


def split(items):
    items = list(items)
    return (
        [item for item in items if isinstance(item, Frame)],
        [item for item in items if isinstance(item, AudioChunk)],
    )


def write_wav(path, samples, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setparams((samples.shape[1], 2, rate, len(samples), "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def write_video(path, items):
    with VideoWriter(path) as writer:
        for item in items:
            writer.write(item)
    return path


def write_mute_video(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return path


class TestVideoSource:
    def test_frames_and_sound_in_the_order_of_their_arrival_each_time(self, video):
        source = VideoSource(video)
        assert source.name == "clip" and source.duration_s == pytest.approx(2, abs=0.1)
        assert source.frame_rate == pytest.approx(10)
        for _ in range(2):
            items = list(source)
            assert [arrival_ns(item) for item in items] == sorted(arrival_ns(item) for item in items)
            frames, chunks = split(items)
            assert [frame.stamp_ns for frame in frames] == [k * SECOND // 10 for k in range(20)]
            np.testing.assert_allclose([frame.rgb.mean() for frame in frames], 10 * np.arange(1, 21), atol=3)
            assert frames[0].rgb.shape == (48, 64, 3) and frames[0].rgb.dtype == np.uint8
            assert all(chunk.samples.dtype == np.float32 and chunk.samples.shape[1] == 2 for chunk in chunks)
            assert chunks[0].stamp_ns == 0 and len(chunks[0].samples) <= 0.1 * chunks[0].sample_rate
            assert all(one.end_ns == pytest.approx(two.stamp_ns, abs=2) for one, two in zip(chunks, chunks[1:]))

    def test_sound_and_picture_stay_together(self, tmp_path, make_items):
        """A flash and a click at one second."""
        items = make_items()
        for item in items:
            if isinstance(item, Frame):
                item.rgb[:] = 255 if item.stamp_ns == SECOND else 0
            else:
                item.samples[:] = 0.5 if item.stamp_ns == SECOND else 0
        frames, chunks = split(VideoSource(write_video(tmp_path / "click.mp4", items)))
        (flash,) = (frame.stamp_ns for frame in frames if frame.rgb.mean() > 200)
        samples = np.concatenate([chunk.samples[:, 0] for chunk in chunks])
        click = np.argmax(np.abs(samples) > 0.3) / chunks[0].sample_rate
        assert flash == SECOND and click == pytest.approx(1, abs=0.005)

    def test_variable_frame_rate_keeps_its_times(self, tmp_path, make_items):
        times = [0, 0.1, 0.15, 0.7, 1.5]
        items = [item for item in make_items() if isinstance(item, AudioChunk)]
        items += [Frame(np.zeros((16, 16, 3), np.uint8), round(time * SECOND)) for time in times]
        path = write_video(tmp_path / "slow.mp4", sorted(items, key=arrival_ns))
        frames, _ = split(VideoSource(path, exact=True))
        assert [frame.stamp_ns / SECOND for frame in frames] == pytest.approx(times, abs=1e-4)

    def test_is_rotated_upright(self, tmp_path, make_items):
        items = make_items()
        for item in items:
            if isinstance(item, Frame):
                item.rgb[:] = 0
                item.rgb[:, :32] = 255  # left half white
        path = write_video(tmp_path / "phone.mp4", items)
        data = bytearray(path.read_bytes())
        matrix = data.index(b"tkhd") + 44  # of the first track: "turn clockwise by 90 degrees"
        turned = [0, 0x10000, 0, -0x10000, 0, 0, 64 << 16, 0, 0x40000000]
        data[matrix : matrix + 36] = np.array(turned, ">i4").tobytes()
        path.write_bytes(data)
        frame = next(item for item in VideoSource(path) if isinstance(item, Frame))
        assert frame.rgb.shape == (64, 48, 3) and frame.rgb[:28].mean() > 240 and frame.rgb[36:].mean() < 15

    def test_without_sound(self, tmp_path):
        path = write_mute_video(tmp_path / "mute.mp4")
        with pytest.raises(ValueError, match="mute.mp4 has no sound.*ffmpeg -i"):
            VideoSource(path)
        frames, chunks = split(VideoSource(path, allow_silent=True))
        assert len(frames) == 10 and len(chunks) == 10 and not any(chunk.samples.any() for chunk in chunks)

    def test_without_pictures(self, tmp_path, tone):
        write_wav(tmp_path / "sound.wav", tone(1, 8000))
        with pytest.raises(ValueError, match="no video track, only audio"):
            VideoSource(tmp_path / "sound.wav")

    @pytest.mark.parametrize("content", [b"", b"not a video", bytes(10_000)])
    def test_no_media_file(self, tmp_path, content):
        (tmp_path / "notes.mp4").write_bytes(content)
        with pytest.raises(ValueError, match="notes.mp4 (cannot be read as a video|is empty)"):
            VideoSource(tmp_path / "notes.mp4")

    def test_cut_before_its_index(self, video):
        data = video.read_bytes()
        video.write_bytes(data[:200])
        with pytest.raises(ValueError, match="clip.mp4 (cannot be read as a video|has no video track)"):
            VideoSource(video)

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no such file"):
            VideoSource(tmp_path / "nothing.mp4")


def write_tracks(path, *, video_s=(3,), sound_s=(3,)):
    """A file with tracks of these durations, of black pictures at 10 Hz and of a tone at 8 kHz."""
    with av.open(str(path), "w") as container:
        pictures = [container.add_stream("mpeg4", rate=10) for _ in video_s]
        for stream in pictures:
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        sounds = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in sound_s]
        for stream, duration in zip(pictures, video_s, strict=True):
            for _ in range(10 * duration):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
            container.mux(stream.encode(None))
        for stream, duration in zip(sounds, sound_s, strict=True):
            tone = (9000 * np.sin(np.arange(8000 * duration))).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(tone[None], "s16", "mono")
            frame.sample_rate = 8000
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


class TestWhatIsSaid:
    def notes(self, path):
        source = VideoSource(path)
        list(source)
        return " ".join(source.notes)

    def test_an_uncompressed_file_is_not_copied(self, tmp_path):
        assert self.notes(write_tracks(tmp_path / "a.mkv")) == ""

    @pytest.mark.parametrize(("kind", "streams"), [("video", {"video_s": (3, 3)}), ("audio", {"sound_s": (3, 3, 3)})])
    def test_which_of_several_tracks_is_used_and_how_to_use_another(self, tmp_path, kind, streams):
        path = write_tracks(tmp_path / "a.mkv", **streams)
        notes = self.notes(path)
        maps = {"video": "-map 0:1 -map 0:2", "audio": "-map 0:0 -map 0:2"}[kind]
        assert f"{len(*streams.values())} {kind} tracks" in notes and f"ffmpeg -i {path} {maps} " in notes

    def test_pictures_that_end_before_the_sound(self, tmp_path):
        notes = self.notes(write_tracks(tmp_path / "a.mkv", sound_s=(6,)))
        assert "3.0 s" in notes and "6.0 s" in notes

    @pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
    def test_the_number_of_items_is_estimated(self, tmp_path, name):
        source = VideoSource(write_tracks(tmp_path / name))
        assert 0.5 < length_hint(source) / len(list(source)) < 2


class TestVideoWriter:
    def test_odd_sizes_and_changing_ones_are_scaled(self, tmp_path, make_items):
        items = make_items(size=(33, 47))
        items[-1 if isinstance(items[-1], Frame) else -2] = Frame(np.zeros((99, 21, 3), np.uint8), 2 * SECOND)
        frames, _ = split(VideoSource(write_video(tmp_path / "odd.mp4", items)))
        assert {frame.rgb.shape for frame in frames} == {(32, 46, 3)}

    def test_missing_sound_is_silence_and_repeated_sound_is_left_out(self, tmp_path, make_items):
        items = make_items()
        items = [item for item in items if isinstance(item, Frame) or not 0.5 * SECOND <= item.stamp_ns < SECOND]
        repeated = [item for item in items if isinstance(item, AudioChunk) and item.stamp_ns == 1.5 * SECOND]
        _, chunks = split(VideoSource(write_video(tmp_path / "gap.mp4", items + repeated)))
        samples = np.concatenate([chunk.samples[:, 0] for chunk in chunks])
        rate = chunks[0].sample_rate
        loud = [np.abs(samples[round(at * rate) : round((at + 0.1) * rate)]).max() > 0.1 for at in (0.2, 0.7, 1.2, 1.8)]
        assert loud == [True, False, True, True] and len(samples) / rate == pytest.approx(2, abs=0.05)

    @pytest.mark.parametrize("rate, channels", [(8000, 1), (44_100, 2), (48_000, 4)])
    def test_any_rate_and_channels(self, tmp_path, rate, channels, make_items, tone):
        _, chunks = split(VideoSource(write_video(tmp_path / "a.mp4", make_items(rate=rate, channels=channels))))
        samples = np.concatenate([chunk.samples[:, 0] for chunk in chunks])
        expected = tone(2, chunks[0].sample_rate)[:, 0]
        assert np.corrcoef(samples[2000:90_000], expected[2000:90_000])[0, 1] > 0.99

    def test_a_jump_of_the_clock_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="jump ahead by 3600 s"), VideoWriter(tmp_path / "a.mp4") as writer:
            for stamp_ns in (0, SECOND // 10, 3600 * SECOND + SECOND // 10):
                writer.write(Frame(np.zeros((16, 16, 3), np.uint8), stamp_ns))
        assert not (tmp_path / "a.mp4").exists()

    def test_nothing_written_leaves_no_file(self, tmp_path):
        write_video(tmp_path / "a.mp4", [])
        assert not (tmp_path / "a.mp4").exists()

    def test_no_folder(self, tmp_path, make_items):
        with pytest.raises(OSError):
            write_video(tmp_path / "nowhere/a.mp4", make_items())


class TestFolderSource:
    @pytest.fixture(params=["inside", "next to it"])
    def folder(self, tmp_path, request, tone):
        folder = tmp_path / "dog"
        folder.mkdir()
        for second in range(1, 12):
            cv2.imwrite(str(folder / f"dog_{second}.png"), np.full((4, 6, 3), (0, 0, second), np.uint8))
        write_wav(folder / "sound.wav" if request.param == "inside" else tmp_path / "dog.wav", tone(11, 8000, 2))
        return folder

    def test_a_picture_a_second_and_its_sound(self, folder, tone):
        source = FolderSource(folder)
        assert (source.name, source.duration_s) == ("dog", 11.0)
        frames, chunks = split(source)
        assert [tuple(frame.rgb[0, 0]) for frame in frames] == [(second, 0, 0) for second in range(1, 12)]
        assert [frame.stamp_ns for frame in frames] == [k * SECOND + 937_500_000 for k in range(11)]
        samples = np.concatenate([chunk.samples for chunk in chunks])
        np.testing.assert_allclose(samples, tone(11, 8000, 2), atol=1e-4)

    def test_makes_a_window_of_each_second(self, folder):
        assembler, windows = WindowAssembler(16_000), []
        for item in FolderSource(folder):
            assembler.add_frame(item) if isinstance(item, Frame) else assembler.add_audio(item)
            windows += assembler.ready()
        assert [window.frame.rgb[0, 0, 0] for window in windows + assembler.finish()] == list(range(1, 12))

    def test_pictures_in_a_folder_of_frames(self, folder):
        (folder / "frames").mkdir()
        for picture in pictures_in(folder):
            picture.rename(folder / "frames" / picture.name)
        assert len(split(FolderSource(folder))[0]) == 11

    def test_missing_files_are_named_in_errors(self, folder):
        for sound in [*folder.glob("*.wav"), *folder.parent.glob("*.wav")]:
            sound.unlink()
        with pytest.raises(ValueError, match="exactly one .wav inside it, or dog.wav next to it; found 0"):
            FolderSource(folder)
        for picture in pictures_in(folder):
            picture.unlink()
        with pytest.raises(ValueError, match="has no images; expected .png"):
            FolderSource(folder)
        with pytest.raises(FileNotFoundError, match="no such folder"):
            FolderSource(folder / "nothing")

    def test_a_truncated_image_is_refused(self, folder):
        (folder / "dog_2.png").write_bytes(b"\x89PNG")
        with pytest.raises(ValueError, match="dog_2.png cannot be read as an image"):
            list(FolderSource(folder))


CLIPS = ["0BLiYNtFSjA", "0meOlo03O3g", "O7xnnBye7RM", "QYbisnpKlQ", "YYbShzoZWRo"]


@pytest.mark.realdata
@pytest.mark.parametrize("name", CLIPS)
def test_real_clips_make_five_windows(real_data, name):
    assembler, windows = WindowAssembler(32_000), []
    for item in VideoSource(real_data / "avsbench_clips" / f"{name}.mp4"):
        assembler.add_frame(item) if isinstance(item, Frame) else assembler.add_audio(item)
        windows += assembler.ready()
    windows += assembler.finish()
    assert [window.start_ns // SECOND for window in windows] == [0, 1, 2, 3, 4]
    for window in windows:
        assert window.heard == 1 and window.snippet.std() > 1e-3
        assert abs(window.frame.stamp_ns - window.start_ns - 937_500_000) <= 21_000_000


@pytest.mark.realdata
def test_real_silent_clips(real_data):
    _, chunks = split(VideoSource(real_data / "silent/02_cups.mp4"))
    assert chunks and not any(chunk.samples.any() for chunk in chunks)
    with pytest.raises(ValueError, match="has no sound"):
        VideoSource(real_data / "silent/05_default_juggle.mp4")
