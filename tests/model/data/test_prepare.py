"""Raw videos to AVSBench's layout: frame and audio sampling, resumed runs, and bad videos."""

import re

import av
import cv2
import numpy as np
import pytest
import soundfile
from PIL import Image
from printed_lines import printed

from c3n_model.cli import main
from c3n_model.data.avsbench import AVSBench
from c3n_model.data.doctor import examine
from c3n_model.data.prepare import prepare
from c3n_model.data.raw_videos import find_videos, frame_numbers, sample_video
from c3n_model.progress import silent
from c3n_model.sources.video_writer import VideoWriter
from c3n_model.types import AudioChunk, Frame

RATE, STEP = 10, 4  # frames per second; grey levels between frames
TONE_HZ = 440


def write_video(path, seconds=5.2, heard_s=None):
    """Write a video whose frame k is grey STEP * k, with a tone in 48 kHz stereo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    heard_s = seconds if heard_s is None else heard_s
    with VideoWriter(path) as writer:
        for number in range(round(seconds * RATE)):
            stamp_ns = number * 10**9 // RATE
            writer.write(Frame(np.full((48, 64, 3), STEP * number, np.uint8), stamp_ns))
            if number / RATE < heard_s:
                time = number / RATE + np.arange(48000 // RATE) / 48000
                tone = 0.5 * np.sin(2 * np.pi * TONE_HZ * time).astype(np.float32)
                writer.write(AudioChunk(np.stack([tone, tone], 1), 48000, stamp_ns))
    return path


def write_matroska(video, path):
    """Copy the packets to a Matroska file."""
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "a.mp4")


def numbers_of(frames):
    return [round(float(frame.mean()) / STEP) for frame in frames]


class TestSampling:
    @pytest.mark.parametrize(
        ("rate", "numbers"),
        [
            (25, [23, 48, 73, 98, 123]),
            (30, [28, 58, 88, 118, 148]),
            (30000 / 1001, [28, 58, 88, 118, 148]),  # as if it were 30: AVSBench rounds the rate
            (24000 / 1001, [22, 46, 70, 94, 118]),
            (16, [15, 31, 47, 63, 79]),
            (1, [0, 1, 2, 3, 4]),
            (0.2, [0, 1, 2, 3, 4]),
        ],
    )
    def test_frame_numbers_are_avsbenchs(self, rate, numbers):
        """Computed by hand: int(second * round(rate) + 15 / 16 * round(rate))."""
        assert frame_numbers(rate) == numbers

    def test_frames(self, video):
        sampled = sample_video(video)
        assert numbers_of(sampled.frames) == [9, 19, 29, 39, 49]
        assert sampled.frames.shape == (5, 224, 224, 3)
        assert not sampled.frame_repeated and not sampled.silence_added

    def test_sound_is_mono_at_16_khz_without_seams(self, video):
        sound = sample_video(video).sound
        assert sound.shape == (80000,)
        spectrum = np.abs(np.fft.rfft(sound))
        assert spectrum.argmax() / 5 == TONE_HZ
        assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
        loudest_step = np.abs(np.diff(sound[1000:-1000])).max()
        assert loudest_step < 1.2 * 0.5 * 2 * np.pi * TONE_HZ / 16000  # a seam would be steeper than the tone

    def test_a_short_video_repeats_its_last_frame(self, tmp_path):
        sampled = sample_video(write_video(tmp_path / "a.mp4", seconds=2.5))
        assert numbers_of(sampled.frames) == [9, 19, 24, 24, 24]
        assert sampled.frame_repeated and sampled.silence_added
        assert np.abs(sampled.sound[38000:39000]).max() > 0.3 and not sampled.sound[42000:].any()

    def test_sound_that_ends_before_the_pictures(self, tmp_path):
        sampled = sample_video(write_video(tmp_path / "a.mp4", heard_s=3))
        assert sampled.silence_added and not sampled.frame_repeated
        assert np.abs(sampled.sound[46000:47000]).max() > 0.3 and not sampled.sound[50000:].any()

    def test_a_truncated_video(self, video, tmp_path):
        """FFmpeg reads a truncated Matroska file without an error, but refuses a truncated mp4."""
        write_matroska(video, tmp_path / "a.mkv")
        assert numbers_of(sample_video(tmp_path / "a.mkv").frames) == [9, 19, 29, 39, 49]
        for path in (video, tmp_path / "a.mkv"):
            cut = tmp_path / f"cut{path.suffix}"
            cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            with pytest.raises(
                ValueError, match=r"cut\.mkv .*\d s of \d|cut\.mp4.* of 5\.2 s: the file is truncated"
            ) as caught:
                sample_video(cut)
            assert ("is truncated after" in str(caught.value)) is (path.suffix == ".mkv")

    @pytest.mark.realdata
    @pytest.mark.parametrize("name", ["0BLiYNtFSjA", "0meOlo03O3g", "O7xnnBye7RM", "QYbisnpKlQ", "YYbShzoZWRo"])
    def test_real_clips_give_the_frames_of_avsbenchs_own_rule(self, real_data, name):
        """Compare with OpenCV's reader, which is independent of ours."""
        path = str(real_data / "avsbench_clips" / f"{name}.mp4")
        reader, pictures = cv2.VideoCapture(path), []
        while (read := reader.read())[0]:
            pictures.append(read[1])
        rate = round(reader.get(cv2.CAP_PROP_FPS))
        sampled = sample_video(real_data / "avsbench_clips" / f"{name}.mp4")
        for second, frame in enumerate(sampled.frames):
            number = min(int(second * rate + 15 / 16 * rate), len(pictures) - 1)
            expected = cv2.cvtColor(cv2.resize(pictures[number], (224, 224)), cv2.COLOR_BGR2RGB)
            assert np.abs(frame.astype(int) - expected).mean() < 0.5
        assert not sampled.frame_repeated and not sampled.silence_added and sampled.sound.std() > 0.01


def write_masks(folder, stem, count, size):
    """Write palette masks whose left half has index 3."""
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        image = Image.fromarray(np.repeat([[3, 0]], size, 0).repeat(size // 2, 1).astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 9, 9, 9, 8, 8, 8, 7, 7, 7])
        image.save(folder / f"{stem}_{number}.png")


@pytest.fixture
def ms3(video, tmp_path):
    """Write two videos and their masks in MS3's release layout, without the files that c3n prepare writes."""
    root = tmp_path / "release/Multi-sources"
    for name, split in (("a", "train"), ("b", "test")):
        (root / "ms3_data/raw_videos").mkdir(parents=True, exist_ok=True)
        (root / f"ms3_data/raw_videos/{name}.mp4").write_bytes(video.read_bytes())
        write_masks(root / f"ms3_data/gt_masks/{split}/{name}", name, 5, size=224)
    (root / "ms3_meta_data.csv").write_text("video_id,split\na,train\nb,test\n")
    return root / "ms3_data/raw_videos"


def test_ms3_from_the_release_to_a_usable_folder(ms3, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "VIDEOS").symlink_to(ms3)
    out = tmp_path / "AVSBENCH"
    main(printed("c3n prepare"))
    text = capsys.readouterr().out
    assert re.match("2 clips .* 0 kept", text) and "gt_masks" in text
    (report,) = examine(out, silent)
    assert report.usable and report.clips == {"train": 1, "test": 1}
    assert report.masks == {"of mode L with 0 and 255": 10}
    clip = AVSBench(out, "ms3", "test", 16000)[0]
    assert clip.name == "b" and numbers_of(clip.frames) == [9, 19, 29, 39, 49]
    assert clip.masks.any()
    assert soundfile.info(out / "Multi-sources/ms3_data/audio_wav/test/b.wav").subtype == "PCM_16"


def test_into_the_release_s_own_tree_only_what_is_missing_is_written(ms3, tmp_path):
    release = tmp_path / "release"
    masks = {path: path.read_bytes() for path in release.rglob("gt_masks/**/*.png")}
    table = (release / "Multi-sources/ms3_meta_data.csv").read_text()
    main(["prepare", str(ms3), "-o", str(release)])
    assert AVSBench(release, "ms3", "train", 16000)[0].masks[:, :, :112].all()
    assert {path: path.read_bytes() for path in masks} == masks
    assert (release / "Multi-sources/ms3_meta_data.csv").read_text().split() == table.split()


def test_s4(video, tmp_path, capsys):
    for split, count in (("train", 1), ("val", 5)):
        raw = tmp_path / f"raw_videos/{split}/dog_barking"
        raw.mkdir(parents=True)
        (raw / f"{split}.mp4").write_bytes(video.read_bytes())
        write_masks(tmp_path / f"masks/{split}/dog_barking/{split}", split, count, size=448)
    main(["prepare", str(tmp_path / "raw_videos"), "-o", str(tmp_path / "out"), "--masks", str(tmp_path / "masks")])
    table = tmp_path / "out/Single-source/s4_meta_data.csv"
    assert table.read_text().split() == [
        "name,start,category,split",
        "train,0,dog_barking,train",
        "val,0,dog_barking,val",
    ]
    clip = AVSBench(tmp_path / "out", "s4", "train", 16000)[0]
    assert clip.category == "dog_barking" and clip.has_mask.tolist() == [True] + [False] * 4
    masks = AVSBench(tmp_path / "out", "s4", "val", 16000)[0].masks
    assert masks[:, :, :112].all() and not masks[:, :, 112:].any()


def test_an_interrupted_run_is_resumed(ms3, tmp_path):
    videos, masks, out = find_videos(ms3), ms3.parent / "gt_masks", tmp_path / "out"
    assert prepare(videos, masks, out, silent).made == ("a", "b")
    paths = AVSBench(out, "ms3", "test", 16000).clips[0]
    whole = {path: path.read_bytes() for path in paths.files()}
    times = {path: path.stat().st_mtime_ns for path in paths.files()}
    damaged = (paths.frames[1], paths.masks[2], paths.wav)
    for path in damaged:
        path.write_bytes(whole[path][: len(whole[path]) // 2])
    prepared = prepare(videos, masks, out, silent)
    assert (prepared.made, prepared.kept) == (("b",), ("a",))
    assert {path: path.read_bytes() for path in paths.files()} == whole
    assert {path for path in paths.files() if path.stat().st_mtime_ns != times[path]} == set(damaged)
    assert len(AVSBench(out, "ms3", "test", 16000)) == 1


def test_bad_videos_are_named_and_do_not_stop_others(ms3, tmp_path, capsys):
    (ms3 / "b.mp4").write_text("no video")
    (ms3 / "c.mp4").write_bytes((ms3 / "a.mp4").read_bytes())
    table = ms3.parents[1] / "ms3_meta_data.csv"
    table.write_text(table.read_text() + "d,val\ne,val\n")
    write_video(ms3 / "e.mp4", seconds=1)
    with pytest.raises(SystemExit) as stop:
        main(["prepare", str(ms3), "-o", str(tmp_path / "out")])
    assert stop.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 clips ") and lines[1].startswith("4 ")
    assert sorted(line.split(":")[0].strip() for line in lines[2:]) == ["b", "c", "d", "e"]
    reasons = "\n".join(lines)
    assert re.search("b: .*b.mp4.*video", reasons) and "c: no row in" in reasons
    assert "d: a row in" in reasons and re.search("e: .*e_1.png.*No such file", reasons)
    assert (tmp_path / "out/Multi-sources/ms3_meta_data.csv").read_text().split() == ["name,split", "a,train"]


def test_short_videos_are_reported(ms3, tmp_path, capsys):
    write_video(ms3 / "a.mp4", seconds=3)
    main(["prepare", str(ms3), "-o", str(tmp_path / "out")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "1 end early; their last frame is repeated: a",
        "1 have too little sound; silence is appended: a",
    ]


def test_without_masks_frames_and_sounds_are_written(video, tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.mp4").write_bytes(video.read_bytes())
    (tmp_path / "splits.csv").write_text("name,split\na,test\n")
    main(["prepare", str(tmp_path / "raw"), "-o", str(tmp_path / "out"), "--csv", str(tmp_path / "splits.csv")])
    assert "--masks" in capsys.readouterr().out
    (report,) = examine(tmp_path / "out", silent)
    assert not report.usable and report.findings[0].count == 5


def test_a_folder_without_videos_is_refused(ms3, video, tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        find_videos(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"\b0 videos.*S4.* 0 .*MS3"):
        find_videos(tmp_path)
    (ms3.parents[1] / "ms3_meta_data.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"ms3_meta_data\.csv.*--csv"):
        find_videos(ms3)
    with pytest.raises(SystemExit, match="c3n: .*nowhere.*gt_masks"):
        main(["prepare", str(ms3), "-o", str(tmp_path / "out"), "--masks", "nowhere"])
