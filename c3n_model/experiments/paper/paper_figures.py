"""Draw Figures 5 to 10 with the models of the tables. The clips are selected by rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from c3n_model.complete_file import write_complete
from c3n_model.experiments.paper import figures
from c3n_model.experiments.paper.baselines import TPAVI
from c3n_model.experiments.paper.recipes import ABLATION, MAIN_PAIR, Recipe
from c3n_model.experiments.paper.report import about_as_text
from c3n_model.experiments.paper.runs import Job, Runs
from c3n_model.progress import Progress
from c3n_model.types import Clip

SPLIT = "test"
FAILURES = 3


@dataclass(frozen=True)
class FigureJobs:
    """The trainings (seed 0, `MAIN_PAIR`) used in the figures, each scored on the test split."""

    tpavi: Job
    without_consensus: Job
    without_fusion: Job
    c3n: Job
    noisy: Job  # on S4, as in Figure 10

    @staticmethod
    def of(recipe: Recipe, settings: list[str]) -> FigureJobs:
        """Choose MS3, as in most of the paper's figures, and S4 for Figure 10, as far as they are in `settings`."""

        def job(setting: str, changes: dict) -> Job:
            return Job(recipe.experiment(MAIN_PAIR, changes, setting, seed=0), SPLIT)

        main, single = settings[-1], settings[0]
        return FigureJobs(
            job(main, TPAVI),
            job(main, ABLATION["AF"]),
            job(main, ABLATION["CC"]),
            job(main, ABLATION["AF+CC"]),
            job(single, ABLATION["AF+CC"]),
        )

    def all(self) -> list[Job]:
        return list(dict.fromkeys([self.tpavi, self.without_consensus, self.without_fusion, self.c3n, self.noisy]))


def draw_figures(
    out: Path, jobs: FigureJobs, runs: Runs, about: dict, progress: Progress, notes: Sequence[str] = ()
) -> None:
    """Write figure_5.png to figure_10.png and figures.md to `out`, which starts with the `notes`."""
    out.mkdir(parents=True, exist_ok=True)
    drawn = {number: draw(out / f"figure_{number}.png") for number, draw in _figures(jobs, runs, progress).items()}
    parts = ["# Figures 5 to 10"]
    if runs.source.caveat:
        parts.append(f"> {runs.source.caveat}")
    parts += notes
    for number, rule in drawn.items():
        parts.append(f"## Figure {number}\n\n{rule}\n\n![Figure {number}](figure_{number}.png)")
    parts += ["## How they were made", about_as_text(about)]
    write_complete(out / "figures.md", "\n\n".join(parts) + "\n")


def _figures(jobs: FigureJobs, runs: Runs, progress: Progress) -> dict[int, Callable[[Path], str]]:
    """Return, by figure number, a function that draws the figure to a file and returns its description."""
    device, setting = runs.device, jobs.c3n.experiment.setting
    tpavi, without_consensus, without_fusion, c3n, noisy = (
        runs.model(job.experiment, progress)
        for job in (jobs.tpavi, jobs.without_consensus, jobs.without_fusion, jobs.c3n, jobs.noisy)
    )
    clips = runs.clips(setting, SPLIT, c3n)
    gain = _by_gain(runs, jobs.c3n, jobs.tpavi)
    most, least = clips[gain[-1]], clips[gain[0]]
    fusion_clip = clips[_by_gain(runs, jobs.c3n, jobs.without_fusion)[-1]]
    noise_setting = jobs.noisy.experiment.setting
    middle = runs.clips(noise_setting, SPLIT, noisy)[_median(runs.scores(jobs.noisy)["clip_ious"])]
    of = f"of {setting.upper()}'s test split"

    def examples(path: Path) -> str:
        models = {"TPAVI's\nconfiguration": tpavi, "C3N without\nC3IM, CCAM": without_consensus, "C3N": c3n}
        figures.draw_examples(path, [most, least], models, device)
        return f"The two clips {of} on which C3N gains and loses most compared with TPAVI's configuration."

    def consensus(path: Path) -> str:
        figures.draw_consensus(path, most, _largest_second(most), c3n, device)
        return f"The clip {of} on which C3N gains most, at the second with the largest true mask."

    def attention(path: Path) -> str:
        figures.draw_attention(path, most, tpavi, c3n, device)
        return f"The clip {of} on which C3N gains most compared with TPAVI's configuration."

    def fusion(path: Path) -> str:
        figures.draw_fusion(path, fusion_clip, c3n, without_fusion, device)
        return f"The clip {of} on which the non-local blocks (AF) gain most."

    def failures(path: Path) -> str:
        figures.draw_failures(path, clips, c3n, device, FAILURES, progress=progress)
        return f"The {FAILURES} clips {of} with the lowest IoU of C3N."

    def noise(path: Path) -> str:
        figures.draw_noise(path, middle, noisy, device)
        return f"The clip of {noise_setting.upper()}'s test split with the median IoU."

    return {5: examples, 6: consensus, 7: attention, 8: fusion, 9: failures, 10: noise}


def _by_gain(runs: Runs, better: Job, worse: Job) -> np.ndarray:
    """Sort clip indices from the largest loss to the largest gain in IoU."""
    ours, theirs = (np.array(runs.scores(job)["clip_ious"]) for job in (better, worse))
    return np.argsort(ours - theirs, kind="stable")


def _median(ious: list[float]) -> int:
    return int(np.argsort(ious, kind="stable")[len(ious) // 2])


def _largest_second(clip: Clip) -> int:
    return int(clip.masks.sum(axis=(1, 2)).argmax())
