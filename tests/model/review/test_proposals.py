import json

import pytest

from c3n_model.review.proposals import SUMMARY, Proposed, Summary


class Source:
    name = "clip"


def add(summary, path):
    name = summary.name_of(Source(), path)
    summary.add(name, Proposed(str(path.resolve()), 7, (("clip_001", "train"),), {"unsure": [0, 6]}))
    return name


def test_recordings_are_found_again_and_named_by_their_folders_if_need_be(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    summary = Summary(out, {"margin": 0.25})
    paths = [tmp_path / name / "clip.mp4" for name in ("a", "b", "c/b")]
    assert [add(summary, path) for path in paths[:2]] == ["clip", "b_clip"]
    with pytest.raises(ValueError, match="already called b_clip"):
        add(summary, paths[2])
    again = Summary(out, {"margin": 0.25})
    assert again.recordings == summary.recordings
    assert [again.is_complete(path) for path in paths] == [True, True, False]
    assert str(again.recordings["clip"]) == "7 seconds, 1 clips (1 train); dropped: 2 unsure"


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"settings": {}, "recordings": {"clip": {"path": ""}}})])
def test_a_damaged_file_is_named_and_stays(tmp_path, content):
    (tmp_path / SUMMARY).write_text(content)
    with pytest.raises(ValueError, match=f"{SUMMARY} is damaged"):
        Summary(tmp_path, {})
    assert (tmp_path / SUMMARY).read_text() == content
