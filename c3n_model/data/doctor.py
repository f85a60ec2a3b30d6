"""Check whether an AVSBench folder can be used for training and scoring, by reading every file of every clip once."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from c3n_model.data.avsbench import SETTINGS, find_release, settings_below
from c3n_model.data.clip_check import ClipCheck, Issue, Problem, check_clip, check_table
from c3n_model.data.clip_files import ClipPaths
from c3n_model.progress import Progress

EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """All issues with one problem: their count and the first few locations."""

    severity: str  # "error" or "warning"
    problem: str
    remedy: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class SettingReport:
    """Report on one setting. `clips` counts by split, `masks` and `sounds` by storage format."""

    setting: str
    release: str
    table: str
    clips: dict[str, int]
    masks: dict[str, int]
    empty_masks: int
    sounds: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """True if every clip can be loaded."""
        return not any(finding.severity == "error" for finding in self.findings)


def examine(root: Path, progress: Progress) -> list[SettingReport]:
    """Check all settings in `root`, several clips at once. Raises FileNotFoundError if there is no AVSBench data."""
    return [_examine_setting(setting, *find_release(root, setting), root, progress) for setting in settings_below(root)]


def _examine_setting(setting: str, release: ModuleType, table: Path, root: Path, progress: Progress) -> SettingReport:
    try:
        clips = release.clips(table, setting)
        if not clips:
            raise ValueError(f"{table} lists no clips of {setting}")
    except ValueError as error:
        findings = group([Issue(Problem.TABLE, str(error))], root)
        return SettingReport(setting, release.TITLE, str(table), {}, {}, 0, {}, findings)
    checks = _check_all(clips, f"{setting} clips", progress)
    issues = [issue for check in checks for issue in check.issues]
    return SettingReport(
        setting,
        release.TITLE,
        str(table),
        clips=dict(Counter(paths.split for paths in clips)),
        masks=dict(Counter(stored for check in checks for stored, _ in check.masks).most_common()),
        empty_masks=sum(empty for check in checks for _, empty in check.masks),
        sounds=dict(Counter(check.sound for check in checks if check.sound).most_common()),
        findings=group(issues + check_table(setting, clips, release.clip_folders(table, setting)), root),
    )


def _check_all(clips: list[ClipPaths], title: str, progress: Progress) -> list[ClipCheck]:
    pool = ThreadPoolExecutor()
    try:
        futures = [pool.submit(check_clip, paths) for paths in clips]
        return [future.result() for future in progress(futures, title)]
    finally:
        pool.shutdown(cancel_futures=True)  # do not wait for the rest after Ctrl-C


def group(issues: Iterable[Issue], root: Path) -> tuple[Finding, ...]:
    """Group issues by problem, errors first; paths become relative to `root`."""
    locations = defaultdict(list)
    for issue in issues:
        locations[issue.problem].append(issue.location.replace(f"{root}/", ""))
    return tuple(
        Finding(*problem.value, len(locations[problem]), tuple(locations[problem][:EXAMPLES]))
        for problem in Problem
        if problem in locations
    )


def as_json(reports: list[SettingReport]) -> str:
    """Format the reports as JSON, with `usable` for each setting and overall."""
    settings = [asdict(report) | {"usable": report.usable} for report in reports]
    return json.dumps({"usable": all(report.usable for report in reports), "settings": settings}, indent=2)


def as_text(reports: list[SettingReport]) -> str:
    """Format the reports as text, one line per finding."""
    lines = [line for report in reports for line in _lines(report)]
    absent = [setting for setting in SETTINGS if setting not in {report.setting for report in reports}]
    lines += [f"{setting}: not found" for setting in absent]
    bad = [report.setting for report in reports if not report.usable]
    return "\n".join([*lines, f"must be fixed: {', '.join(bad)}" if bad else "usable"])


def _lines(report: SettingReport) -> list[str]:
    return [
        f"{report.setting}: {report.release}, {report.table}",
        f"  clips: {_counted(report.clips)}",
        f"  masks: {_counted(report.masks)}; {report.empty_masks} of them empty",
        f"  sounds: {_counted(report.sounds)}",
        *(
            f"  {finding.severity}: {finding.count} {finding.problem} ({'; '.join(finding.examples)}"
            f"{'; ...' if finding.count > len(finding.examples) else ''}): {finding.remedy}"
            for finding in report.findings
        ),
    ]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
