"""Writing composed clips: any number of processes and interruptions, and folders of shards, give the same set."""

import json
import signal
from hashlib import sha256

import pytest
from composing import write_material

from c3n_model.cli import main
from c3n_model.data.avsbench import AVSBench, settings_below

COUNTS = ["--train", "4", "--val", "2", "--test", "0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_material(tmp_path_factory.mktemp("material"))


def compose(folder, out, *more):
    sources = ["--images", folder / "coco", folder / "cutouts", "--sounds", folder / "sounds", folder / "cutouts"]
    main(["compose", *map(str, [*sources, "-o", out, *COUNTS, "--workers", "1", *more])])
    return {
        path.relative_to(out): sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    return out, compose(folder, out)


def test_the_set_is_read_as_avsbench_and_has_a_page(whole, capsys):
    out, files = whole
    assert settings_below(out) == ["s4", "ms3"]
    for setting in ("s4", "ms3"):
        clips = AVSBench(out, setting, "train", 16000)
        assert len(clips) == 4
        assert clips[0].masks[0].shape == (224, 224) and clips[0].snippets.shape == (5, 16000)
    page = (out / "samples.html").read_text()
    assert page.count("<li>") == 12 and page.count("<audio") == 12
    assert all((out / f"samples/{name}.png").is_file() for name in ("s4_train_000000", "ms3_val_000001"))
    records = [json.loads(line) for line in (out / "sources.jsonl").read_text().splitlines()]
    assert len(records) == 12
    assert not list(out.rglob("*.partial"))


def test_nothing_of_a_split_is_in_another(whole):
    out, _ = whole
    used = {split: set() for split in ("train", "val")}
    for line in (out / "sources.jsonl").read_text().splitlines():
        record = json.loads(line)
        used[record["split"]] |= {record["background"], *(thing["picture"] for thing in record["silent"])}
        used[record["split"]] |= {source[key] for source in record["sources"] for key in ("picture", "sound")}
        used[record["split"]] |= set(record["other_sounds"].values())
    assert all(len(names) > 2 for names in used.values())
    assert not used["train"] & used["val"]


def test_two_processes_make_the_same_set(whole, folder, tmp_path):
    """In a process that ignores SIGTERM, as one with rclpy in it does in its forked children; else this would never end."""

    def give_up(*_):
        raise TimeoutError("the pool's workers did not end")

    before = [signal.signal(signal.SIGTERM, lambda *_: None), signal.signal(signal.SIGALRM, give_up)]
    signal.alarm(60)
    try:
        assert compose(folder, tmp_path, "--workers", "2") == whole[1]
    finally:
        signal.alarm(0)
        for number, handler in zip((signal.SIGTERM, signal.SIGALRM), before):
            signal.signal(number, handler)


def test_an_interrupted_run_continues(whole, folder, tmp_path, monkeypatch, capsys):
    from c3n_model.compose import writer

    made = []
    make = writer._make

    def stops(job):
        if len(made) == 5:
            raise KeyboardInterrupt
        made.append(job)
        make(job)

    monkeypatch.setattr(writer, "_make", stops)
    with pytest.raises(SystemExit):
        compose(folder, tmp_path)
    assert len(list(tmp_path.glob("records/*.json"))) == 5
    monkeypatch.setattr(writer, "_make", make)
    capsys.readouterr()
    assert compose(folder, tmp_path) == whole[1]
    assert "12 clips (7 now" in capsys.readouterr().out
    assert compose(folder, tmp_path) == whole[1]
    assert "12 clips (0 now" in capsys.readouterr().out


def test_shards_are_one_set(whole, folder, tmp_path):
    compose(folder, tmp_path, "--shard", "5")
    assert sorted(path.name for path in tmp_path.glob("shard_*")) == ["shard_000", "shard_001", "shard_002"]
    for setting in ("s4", "ms3"):
        for split in ("train", "val"):
            one, many = (AVSBench(root, setting, split, 16000) for root in (whole[0], tmp_path))
            assert [paths.name for paths in one.clips] == [paths.name for paths in many.clips]
            assert all((one[k].frames == many[k].frames).all() for k in range(len(one)))


def test_other_settings_need_another_folder(whole, folder):
    with pytest.raises(SystemExit, match="seed = 0, which is now 1"):
        compose(folder, whole[0], "--seed", "1")
    with pytest.raises(SystemExit, match="--val 0|at least"):
        compose(folder, whole[0], "--val", "-1")
