"""Two runs: differences computed by hand, and refusals that name the difference."""

import json

import pytest

from c3n_model.scoring.compare import compare, read_run, to_json, to_table

HEADER = "setting,clip,category,frames,empty_frames,truth_pixels,iou,fscore,false_positive_area,label"


def write_run(folder, *lines):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clips.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    (folder / "metrics.json").write_text("{}")
    return folder


def row(clip="a", iou=0.5, fscore=0.6, setting="s4", category="bell", frames=5, truth=100):
    return f"{setting},{clip},{category},{frames},0,{truth},{iou},{fscore},,ring ~ bell"


def differences(tmp_path, first, second):
    runs = [read_run(write_run(tmp_path / name, *lines)) for name, lines in (("one", first), ("two", second))]
    return compare(*runs)


def test_differences_by_hand(tmp_path):
    first = [row("a", 0.2, 0.5), row("b", 0.4, 0.5), row("c", 0.1, 0.9, "ms3", "")]
    second = [row("b", 0.5, 0.5), row("c", 0.3, 0.8, "ms3", ""), row("a", 0.3, 0.5)]  # in another order
    found = {(d.setting, d.metric): d for d in differences(tmp_path, first, second)}
    iou = found["s4", "iou"]
    assert (iou.clips, iou.first, iou.second) == (2, pytest.approx(0.3), pytest.approx(0.4))
    assert iou.difference == pytest.approx(0.1)
    assert iou.interval == pytest.approx((0.1, 0.1))  # paired: both clips gain as much
    assert found["s4", "fscore"].interval == (0, 0)
    assert found["ms3", "iou"].interval is None
    assert found["ms3", "fscore"].difference == pytest.approx(-0.1)


def test_interval_spans_the_differences_of_clips(tmp_path):
    first = [row(str(k), 0.5) for k in range(4)]
    second = [row(str(k), 0.5 + 0.1 * (k % 2)) for k in range(4)]
    iou = differences(tmp_path, first, second)[0]
    assert iou.interval == pytest.approx((0.0, 0.1))  # a sixteenth of the draws has one kind of clip alone


@pytest.mark.parametrize("name", ["", "clips.csv", "metrics.json"])
def test_a_run_is_a_folder_or_a_file_in_it(tmp_path, name):
    write_run(tmp_path, row())
    assert list(read_run(tmp_path / name).settings["s4"]) == [("bell", "a")]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ([row("a"), row("c")], r"s4 clips bell/b of .*one .*two;"),
        ([row("a"), row("b"), row("c")], r"s4 clips bell/c of .*two .*one;"),
        ([row("a"), row("b"), row(setting="ms3")], r"settings ms3 of .*two .*one;"),
        ([row("a"), row("b", category="fan")], r"bell/b of .*one .*two;"),
        ([row("a"), row("b", frames=1)], r"s4 clip b .*5 scored frames.*one .*1 in .*two"),
        ([row("a", truth=99), row("b")], r"s4 clip a .*100 ground-truth pixels.*one .*99 in .*two"),
    ],
)
def test_runs_over_different_clips_are_refused(tmp_path, second, message):
    with pytest.raises(ValueError, match=message):
        differences(tmp_path, [row("a"), row("b")], second)


def test_many_missing_clips_are_counted(tmp_path):
    with pytest.raises(ValueError, match="bell/0, bell/1, bell/2 and 7 more"):
        differences(tmp_path, [row(str(k)) for k in range(10)] + [row("z")], [row("z")])


def test_a_folder_without_an_evaluation_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"clips\.csv.*c3n evaluate -o"):
        read_run(tmp_path)
    (tmp_path / "clips.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"clips\.csv.*c3n evaluate -o.*'frames'"):
        read_run(tmp_path)
    write_run(tmp_path, row(iou="high"))
    with pytest.raises(ValueError, match=r"clips\.csv.*string to float"):
        read_run(tmp_path)
    write_run(tmp_path)
    with pytest.raises(ValueError, match=r"clips\.csv.*no clips.*c3n evaluate -o"):
        read_run(tmp_path)


def test_table_and_json(tmp_path):
    runs = [
        read_run(write_run(tmp_path / name, row("a", iou), row("b", 0.5))) for name, iou in (("x", 0.5), ("y", 0.7))
    ]
    found = compare(*runs)
    assert "s4 mIoU           2   0.500   0.600   +0.100  [+0.000, +0.200]" in to_table(*runs, found)
    written = json.loads(to_json(*runs, found))
    assert written["differences"][0]["interval"] == pytest.approx([0, 0.2])
    assert [line["metric"] for line in written["differences"]] == ["iou", "fscore"]
