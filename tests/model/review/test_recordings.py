import pytest

from c3n_model.review.recordings import list_recordings


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_bags_videos_and_pictures_at_any_depth(tmp_path):
    names = [
        "day/a.MP4",
        "day/two/metadata.yaml",
        "day/two/two_0.mcap",
        "b.mcap",
        "c.db3",
        "walk/1.png",
        "walk/walk.wav",
    ]
    names += [
        "deep/frames/1.jpg",
        "notes.txt",
        ".hidden.mp4",
        "out/Multi-sources/1.png",
        "pictures/thumb.png",
        "pictures/d.mkv",
    ]
    for name in names:
        touch(tmp_path / name)
    found = [str(path.relative_to(tmp_path)) for path in list_recordings([tmp_path], but_not=tmp_path / "out")]
    assert found == ["b.mcap", "c.db3", "day/a.MP4", "day/two", "deep", "pictures/d.mkv", "walk"]
    assert list_recordings([tmp_path / "notes.txt", tmp_path / "notes.txt"], but_not=tmp_path) == [
        tmp_path / "notes.txt"
    ]


def test_nothing_to_read(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty has no bag"):
        list_recordings([tmp_path / "empty"], but_not=tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        list_recordings([tmp_path / "nowhere"], but_not=tmp_path / "out")
