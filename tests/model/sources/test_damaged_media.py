"""Video files of users: what is damaged, cut, late, mirrored or oddly titled is read as far as it goes, and said."""

import os
import re
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from c3n_model.sources.media import FolderSource, VideoSource
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.streaming.segment import cut_windows, describe_missing
from c3n_model.types import AudioChunk, Frame

SECOND = 1_000_000_000


def frames_of(source):
    return [item for item in source if isinstance(item, Frame)]


def windows_of(source):
    return list(cut_windows(source, 16_000))


def sound_of(seconds, begin_s=0.0, rate=16_000):
    samples = np.full((rate // 20, 1), 0.3, np.float32)
    return [AudioChunk(samples, rate, round((begin_s + k / 20) * SECOND)) for k in range(round(seconds * 20))]


def write(path, frames, sounds):
    with VideoWriter(path) as writer:
        for item in sorted([*frames, *sounds], key=lambda item: item.stamp_ns):
            writer.write(item)
    return path


def grey(level, stamp_s, size=(32, 48)):
    return Frame(np.full((*size, 3), level, np.uint8), round(stamp_s * SECOND))


def mux(path, video=(), sound_s=2.0, codec="mpeg4", rate=10):
    """A file with one track of grey frames per (size, level, disposition), and a tone."""
    with av.open(str(path), "w") as container:
        tracks = []
        for (width, height), level, disposition in video:
            is_cover = disposition == av.stream.Disposition.attached_pic
            track = container.add_stream("png" if is_cover else codec, rate=rate)
            track.width, track.height, track.pix_fmt = width, height, "rgb24" if is_cover else "yuv420p"
            track.disposition = disposition
            tracks.append((track, np.full((height, width, 3), level, np.uint8)))
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for track, rgb in tracks:
            for number in range(1 if track.name == "png" else round(sound_s * rate)):
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, rate)
                container.mux(track.encode(frame))
            container.mux(track.encode(None))
        samples = np.full((1, round(16_000 * sound_s)), 0.2, np.float32)
        audio = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        audio.sample_rate = 16_000
        container.mux(sound.encode(audio))
        container.mux(sound.encode(None))
    return path


def noise_with_its_index_in_front(path, codec, seconds=4, rate=10):
    """Random pictures and a tone, in a file that can be played while it is downloaded."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        track = container.add_stream(codec, rate=rate)
        track.width, track.height, track.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for second in range(seconds):
            for _ in range(rate):
                rgb = random.integers(0, 255, (64, 96, 3), np.uint8)
                container.mux(track.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
            audio = av.AudioFrame.from_ndarray(np.full((1, 16_000), 0.2, np.float32), format="fltp", layout="mono")
            audio.sample_rate, audio.pts = 16_000, second * 16_000
            container.mux(sound.encode(audio))
        container.mux(track.encode(None))
        container.mux(sound.encode(None))
    return path


class TestTimes:
    def test_the_picture_on_display_belongs_to_the_second(self, tmp_path):
        """Slides that change at 0, 2.3 and 4.0 s: the one of 4.0 s is nearer to 3.9375 s, but was not yet shown."""
        slides = [grey(50, 0), grey(100, 2.3), grey(200, 4.0)]
        source = VideoSource(write(tmp_path / "slides.mp4", slides, sound_of(7)))
        windows = windows_of(source)
        assert [window.start_ns // SECOND for window in windows] == list(range(7))
        levels = [window.frame.rgb.mean() for window in windows]
        np.testing.assert_allclose(levels, [50, 50, 100, 100, 200, 200, 200], atol=4)

    def test_frames_of_a_usual_rate_are_not_repeated(self, tmp_path):
        frames = [grey(10 + number, number / 10) for number in range(30)]
        path = write(tmp_path / "usual.mp4", frames, sound_of(3))
        assert [frame.stamp_ns for frame in frames_of(VideoSource(path))] == [frame.stamp_ns for frame in frames]

    def test_exact_repeats_nothing(self, tmp_path):
        path = write(tmp_path / "slides.mp4", [grey(50, 0), grey(100, 2.3)], sound_of(4))
        assert len(frames_of(VideoSource(path, exact=True))) == 2 < len(frames_of(VideoSource(path)))

    @pytest.mark.parametrize("late_s, first, heard", [(0.05, 0, 0.95), (0.3, 0, 0.7), (0.7, 1, 1.0), (2.2, 2, 0.8)])
    def test_sound_that_begins_late_keeps_its_second_if_half_was_heard(self, late_s, first, heard):
        frames = [grey(50, number / 10) for number in range(40)]
        items = sorted(
            [*frames, *sound_of(4 - late_s, late_s)], key=lambda item: getattr(item, "end_ns", item.stamp_ns)
        )
        windows = windows_of(items)
        assert windows[0].start_ns == first * SECOND and windows[0].heard == pytest.approx(heard, abs=0.01)
        assert windows[-1].start_ns == 3 * SECOND

    def test_seconds_without_a_window_are_named(self):
        starts = [second * SECOND for second in (0, 3, 4, 8)]
        (line,) = describe_missing(starts, 10.2)
        assert line.endswith(": 1-2, 5-7, 9") and line.startswith("6 seconds")
        assert describe_missing([0, SECOND], 2.9) == []
        robot = 1_700_000_000 * SECOND
        assert describe_missing([robot + start for start in starts], 9.5)[0].endswith(": 1-2, 5-7")


class TestDamage:
    @pytest.fixture
    def clip(self, tmp_path):
        random = np.random.default_rng(0)
        frames = [Frame(random.integers(0, 255, (64, 96, 3), np.uint8), number * SECOND // 10) for number in range(60)]
        return write(tmp_path / "clip.mp4", frames, sound_of(6))

    def test_only_the_damaged_packet_is_lost_and_it_is_reported(self, clip):
        with av.open(str(clip)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            broken = packets[30]
            position, size, at_s = broken.pos, broken.size, float(broken.pts * broken.time_base)
        data = bytearray(clip.read_bytes())
        data[position : position + size] = b"\xff" * size
        clip.write_bytes(data)
        source = VideoSource(clip)
        frames = frames_of(source)
        assert len({frame.stamp_ns for frame in frames}) >= 55 and frames[-1].stamp_ns == 59 * SECOND // 10
        (note,) = source.notes
        said_s = float(re.search(r"damaged at ([0-9.]+)", note)[1])
        assert said_s == pytest.approx(at_s, abs=0.01) and "picture" in note
        with pytest.raises(ValueError, match="damaged at"):
            list(VideoSource(clip, exact=True))

    @pytest.mark.parametrize("keep", [0.4, 0.8])
    def test_a_file_that_ends_early_is_reported(self, clip, keep):
        data = clip.read_bytes()
        clip.write_bytes(data[: int(len(data) * keep)])
        source = VideoSource(clip)
        windows = windows_of(source)
        assert any("truncated" in note and "of 6.0 s" in note for note in source.notes)
        assert windows[-1].start_ns < 5 * SECOND
        assert describe_missing([window.start_ns for window in windows], source.duration_s)

    @pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs, so that FFmpeg decodes in threads")
    @pytest.mark.parametrize("codec", ["mpeg4", "libx264", "libvpx-vp9"])
    def test_where_a_download_ended_is_told_alike_by_one_thread_and_by_several(self, tmp_path, codec):
        whole = noise_with_its_index_in_front(tmp_path / "whole.mp4", codec).read_bytes()
        cpus, told = os.sched_getaffinity(0), []
        for keep in np.linspace(0.5, 0.95, 12):
            path = tmp_path / "cut.mp4"
            path.write_bytes(whole[: int(len(whole) * keep)])
            try:
                for used in ({min(cpus)}, cpus):
                    os.sched_setaffinity(0, used)
                    source = VideoSource(path)
                    told.append(([window.start_ns for window in windows_of(source)], source.notes))
            finally:
                os.sched_setaffinity(0, cpus)
            assert told[-1] == told[-2]
        truncated = [" ".join(notes) for _, notes in told if any("picture ends after" in note for note in notes)]
        assert truncated and not any("picture is damaged" in notes for notes in truncated), "said once"

    def test_a_whole_file_has_no_notes(self, clip):
        source = VideoSource(clip)
        list(source)
        assert source.notes == []


class TestTracks:
    def test_cover_art_is_not_taken_for_video(self, tmp_path):
        cover = av.stream.Disposition.attached_pic
        path = mux(tmp_path / "song.mp4", [((32, 32), 9, cover), ((48, 48), 200, 0)])
        assert frames_of(VideoSource(path))[0].rgb.shape == (48, 48, 3)
        with pytest.raises(ValueError, match="only audio, a cover image"):
            VideoSource(mux(tmp_path / "tune.mp4", [((32, 32), 9, cover)]))

    @pytest.mark.parametrize("order", [1, -1])
    def test_the_larger_of_two_default_tracks_is_taken(self, tmp_path, order):
        default = av.stream.Disposition.default
        tracks = [((32, 32), 9, default), ((96, 64), 200, default)][::order]
        assert frames_of(VideoSource(mux(tmp_path / "two.mkv", tracks)))[0].rgb.shape == (64, 96, 3)

    def test_a_title_in_latin_1(self, tmp_path, video):
        data = bytearray(mux(tmp_path / "a.avi", [((32, 32), 9, 0)]).read_bytes())
        at = data.index(b"Lavf")
        data[at : at + 4] = "éàü".encode("latin-1") + b"x"
        (tmp_path / "a.avi").write_bytes(data)
        assert len(frames_of(VideoSource(tmp_path / "a.avi", exact=True))) == 20

    def test_a_codec_without_decoder_is_not_called_damage(self, tmp_path):
        path = mux(tmp_path / "a.avi", [((32, 32), 9, 0)])
        path.write_bytes(path.read_bytes().replace(b"FMP4", b"QQQQ"))
        with pytest.raises(ValueError, match=r"no decoder for its video.*ffmpeg -i .*a\.avi"):
            VideoSource(path)

    def test_a_playlist_opens_no_other_file(self, tmp_path, video):
        (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:2,\nhttp://localhost:1/{video.name}\n#EXT-X-ENDLIST\n")
        with pytest.raises(ValueError, match="list.mp4"):
            VideoSource(tmp_path / "list.mp4")


# (a, b, c, d) of the display matrix, and what it does to a picture.
ORIENTATIONS = {
    (1, 0, 0, 1): lambda p: p,
    (0, 1, -1, 0): lambda p: np.rot90(p, -1),
    (-1, 0, 0, -1): lambda p: np.rot90(p, 2),
    (0, -1, 1, 0): lambda p: np.rot90(p, 1),
    (-1, 0, 0, 1): lambda p: p[:, ::-1],
    (1, 0, 0, -1): lambda p: p[::-1],
    (0, 1, 1, 0): lambda p: p.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda p: p[::-1, ::-1].transpose(1, 0, 2),
}


@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_rotated_and_mirrored_by_the_display_matrix(tmp_path, matrix):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 255  # top left
    picture[:24, 32:] = 120  # top right
    frames = [Frame(picture, number * SECOND // 10) for number in range(10)]
    path = write(tmp_path / "phone.mp4", frames, sound_of(1))
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 0x40000000], ">i4").tobytes()
    path.write_bytes(data)
    shown, expected = frames_of(VideoSource(path))[0].rgb, ORIENTATIONS[matrix](picture)
    assert shown.shape == expected.shape and np.abs(shown.astype(int) - expected).mean() < 8


class TestFolders:
    def make(self, folder, wav="sound.wav", header=lambda data: data):
        folder.mkdir(exist_ok=True)
        for second in range(2):
            cv2.imwrite(str(folder / f"{second}.png"), np.zeros((4, 6, 3), np.uint8))
        samples = np.full(32_000, 3000, "<i2").tobytes()
        fmt = b"fmt " + (16).to_bytes(4, "little") + np.array([1, 1], "<u2").tobytes()
        fmt += np.array([16_000, 32_000], "<u4").tobytes() + np.array([2, 16], "<u2").tobytes()
        riff = len(samples) + 36
        data = {"riff": riff, "data": len(samples)} | header({"riff": riff, "data": len(samples)})
        content = b"RIFF" + data["riff"].to_bytes(4, "little") + b"WAVE" + fmt
        content += b"data" + data["data"].to_bytes(4, "little") + samples
        (folder / wav).write_bytes(content[: len(content) - data.get("cut", 0)])
        return folder

    def test_capital_suffixes_and_files_of_a_mac(self, tmp_path):
        folder = self.make(tmp_path / "clip", "SOUND.WAV")
        for name in ("._0.png", "._SOUND.WAV", ".hidden.png"):
            (folder / name).write_bytes(b"\0\5\x16\7")
        assert len(windows_of(FolderSource(folder))) == 2

    @pytest.mark.parametrize("size", [0x7FFFF000 - 36, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0], ids=hex)
    def test_headers_that_were_written_into_a_pipe(self, tmp_path, size):
        from c3n_model.data.clip_files import read_sound

        folder = self.make(tmp_path / "clip", header=lambda _: {"riff": min(size + 36, 0xFFFFFFFF), "data": size})
        source = FolderSource(folder)
        assert source.notes == [] and [window.heard for window in windows_of(source)] == [1, 1]
        samples, rate = read_sound(folder / "sound.wav")
        assert rate == 16_000 and len(samples) == 32_000

    @pytest.mark.parametrize("riff", [0, 36, 10**6])
    def test_only_the_data_chunk_decides_whether_sound_is_missing(self, tmp_path, riff):
        from c3n_model.data.clip_files import read_sound

        folder = self.make(tmp_path / "clip", header=lambda _: {"riff": riff})
        assert FolderSource(folder).notes == [] and len(read_sound(folder / "sound.wav")[0]) == 32_000

    def test_a_truncated_wav_is_reported(self, tmp_path):
        from c3n_model.data.clip_files import read_sound

        folder = self.make(tmp_path / "clip", header=lambda _: {"cut": 16_000})
        (note,) = FolderSource(folder).notes
        assert "0.5 s" in note
        with pytest.raises(ValueError, match="16000 bytes are missing"):
            read_sound(folder / "sound.wav")


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name, seconds, notes",
    [
        ("latin1.avi", 4, 0),
        ("vfr_slideshow.mp4", 8, 0),
        ("sound_44ms_late.mp4", 5, 0),
        ("sound_100ms_late.mp4", 5, 0),
        ("sample.mp4", 1, 0),
        ("cut_download.mp4", 5, 2),
        ("corrupted.mp4", 5, 1),
    ],
)
def test_the_cases(cases, name, seconds, notes):
    source = VideoSource(cases / name, allow_silent=name == "corrupted.mp4")
    windows = windows_of(source)
    assert [window.start_ns // SECOND for window in windows] == list(range(seconds)) and len(source.notes) == notes
    assert all(window.heard > 0.9 for window in windows)
    if name == "corrupted.mp4":
        assert len(frames_of(source)) >= 48 and "damaged at 3.00" in source.notes[0]


@pytest.mark.realdata
def test_the_case_of_a_mirrored_video(cases):
    upright = frames_of(VideoSource(cases / "sample.mp4"))[0].rgb
    with av.open(str(cases / "sample_rotate_and_reflect.mp4")) as container:
        frame = next(container.decode(video=0))
        stored = frame.to_ndarray(format="rgb24")
        matrix = next(np.frombuffer(data, "<i4") for data in frame.side_data if data.type.name == "DISPLAYMATRIX")
    expected = ORIENTATIONS[tuple(np.sign(matrix[[0, 1, 3, 4]]).tolist())](stored)
    np.testing.assert_array_equal(frames_of(VideoSource(cases / "sample_rotate_and_reflect.mp4"))[0].rgb, expected)
    assert upright.shape == stored.shape
