"""Write composed clips in AVSBench's layout, in parallel; an interrupted run continues where it was.

    OUT/Single-source, OUT/Multi-sources      as of AVSBench, see `data/avsbench_object.py`
    OUT/sources.jsonl                         what each clip is made of
    OUT/compose.json                          the settings; a run with others into the same folder is refused
    OUT/shard_000/ ...                        the same, for each SHARD clips of a large set; AVSBench reads all of them

Memory does not grow with the number of clips: a process holds the lists of files and one clip.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from c3n_model.complete_file import write_complete
from c3n_model.compose.clip_maker import SPLITS, make_clip
from c3n_model.compose.material import Material
from c3n_model.compose.noises import RATE
from c3n_model.data.avsbench import SHARDS
from c3n_model.data.avsbench_object import FOLDERS, HEADERS, clip_paths, table_row, write_clip, write_table
from c3n_model.files.outputs import locked
from c3n_model.progress import Progress

RECORDS, SOURCES, SETTINGS_FILE = "records", "sources.jsonl", "compose.json"


@dataclass(frozen=True)
class Job:
    """One clip: its setting, split and index, and the folder it belongs to."""

    setting: str
    split: str
    index: int
    root: Path

    @property
    def name(self) -> str:
        return f"{self.setting}_{self.split}_{self.index:06d}"

    @property
    def record(self) -> Path:
        """The file that says that the clip is complete."""
        return self.root / RECORDS / f"{self.name}.json"


@dataclass(frozen=True)
class Written:
    """What a run did: clips made now and in total, seconds, peak memory [MiB] of a process, and unreadable files."""

    made: int
    total: int
    seconds: float
    peak_mib: float
    roots: tuple[Path, ...]
    unreadable: tuple[str, ...]


def write_clips(
    out: Path, material: Mapping[str, Material], settings: Sequence[str], counts: Mapping[str, int], *,
    seed: int, shard: int, workers: int, about: dict[str, Any], progress: Progress,
) -> Written:  # fmt: skip
    """Write `counts[split]` clips of each setting and split, `shard` in a folder.

    Args:
        about: what else decides the clips (the material), for compose.json.
    Raises:
        ValueError: `out` contains clips of other settings, or a clip cannot be made.
        BlockingIOError: another process writes into `out`.
    """
    jobs = list_jobs(out, settings, counts, shard)
    about = {"seed": seed, "shard": shard, "settings": list(settings), "counts": dict(counts), **about}
    with locked(out):
        _check_settings(out / SETTINGS_FILE, about)
        roots = list(dict.fromkeys(job.root for job in jobs))
        complete = {root for root in roots if (root / SOURCES).is_file()}
        missing = [job for job in jobs if job.root not in complete and not job.record.is_file()]
        started = time.perf_counter()
        for _ in progress(_made(missing, material, seed, workers), f"{len(missing)} clips"):
            pass
        seconds = time.perf_counter() - started
        for root in roots:
            if root not in complete:
                _finish(root, [job for job in jobs if job.root == root], settings)
    return Written(len(missing), len(jobs), seconds, _peak_mib(), tuple(roots), _unreadable(roots))


def list_jobs(out: Path, settings: Sequence[str], counts: Mapping[str, int], shard: int) -> list[Job]:
    """List all clips in order; more than `shard` of them are divided among folders."""
    keys = [
        (setting, split, index) for setting in settings for split in SPLITS for index in range(counts.get(split, 0))
    ]
    if len(keys) <= shard:
        return [Job(*key, out) for key in keys]
    return [Job(*key, out / f"{SHARDS}{number // shard:03d}") for number, key in enumerate(keys)]


def _made(jobs: list[Job], material: Mapping[str, Material], seed: int, workers: int) -> Iterator[None]:
    """Make all clips, in this process or in `workers` forked ones, which share the lists of files."""
    global _material, _seed
    _material, _seed = material, seed
    if workers <= 1 or len(jobs) < 2:
        yield from map(_make, jobs)
        return
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)  # OpenCV's threads do not survive a fork
    try:
        with multiprocessing.get_context("fork").Pool(workers, initializer=_end_on_sigterm) as pool:
            yield from pool.imap_unordered(_make, jobs, chunksize=4)
            pool.close()
            pool.join()
    finally:
        cv2.setNumThreads(threads)


def _end_on_sigterm() -> None:
    """Let the pool end this worker. rclpy's handler, inherited, ignores SIGTERM in a forked process, and the pool would wait for ever."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


_material: Mapping[str, Material] = {}
_seed = 0


def _make(job: Job) -> None:
    clip, sound, record = make_clip(_material[job.split], job.setting, job.split, job.index, _seed)
    folder = job.root / FOLDERS[job.setting]
    write_clip(clip_paths(folder, job.setting, clip.name, job.split, clip.category), clip, sound, RATE)
    job.record.parent.mkdir(parents=True, exist_ok=True)
    partial = job.record.with_suffix(".partial")
    partial.write_text(json.dumps({**record, "category": clip.category}), encoding="utf-8")
    partial.replace(job.record)


def _finish(root: Path, jobs: list[Job], settings: Sequence[str]) -> None:
    """Write the tables of a folder whose clips are complete."""
    records = [json.loads(job.record.read_text(encoding="utf-8")) for job in jobs]
    for setting in settings:
        own = [(job, record) for job, record in zip(jobs, records, strict=True) if job.setting == setting]
        rows = [table_row(setting, job.name, job.split, record["category"]) for job, record in own]
        if rows:
            write_table(root / FOLDERS[setting] / f"{setting}_meta_data.csv", HEADERS[setting], rows)
    write_complete(root / SOURCES, "".join(json.dumps(record) + "\n" for record in records))
    shutil.rmtree(root / RECORDS)


def _check_settings(path: Path, about: dict[str, Any]) -> None:
    if not path.is_file():
        write_complete(path, json.dumps(about, indent=2) + "\n")
        return
    former = json.loads(path.read_text(encoding="utf-8"))
    changed = [key for key in about if former.get(key) != about[key]]
    if changed:
        raise ValueError(
            f"{path.parent} contains clips that were composed with {changed[0]} = {former.get(changed[0])}, which is now "
            f"{about[changed[0]]}; choose another folder, or remove this one"
        )


def read_sources(root: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a folder's clips."""
    with (root / SOURCES).open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _unreadable(roots: Sequence[Path]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(text for root in roots for record in read_sources(root) for text in record.get("unreadable", ()))
    )


def _peak_mib() -> float:
    """The peak of this process and of its largest child [MiB]."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def held_out_pictures(out: Path) -> frozenset[str]:
    """Return the keys of all pictures in a composed set's val and test clips. Raises FileNotFoundError for another folder."""
    roots = [root for root in (out, *sorted(out.glob(f"{SHARDS}*"))) if (root / SOURCES).is_file()]
    if not roots:
        raise FileNotFoundError(f"{out} has no {SOURCES}; expected a folder written by c3n compose")
    records = (record for root in roots for record in read_sources(root) if record["split"] != "train")
    return frozenset(
        key
        for record in records
        for key in (record["background"], *(thing["picture"] for thing in (*record["sources"], *record["silent"])))
    )
