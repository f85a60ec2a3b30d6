"""Reproduce tables and figures: check the request, train missing models, and write the results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from c3n_model.config import read_config
from c3n_model.environment import describe_environment
from c3n_model.experiments.paper.paper_figures import FigureJobs, draw_figures
from c3n_model.experiments.paper.plans import plan_table
from c3n_model.experiments.paper.recipes import AVSBENCH, SYNTHETIC, Experiment, Recipe
from c3n_model.experiments.paper.report import write_table
from c3n_model.experiments.paper.runs import Job, Runs
from c3n_model.experiments.paper.sources import OWN_CAVEAT, PublicSource, Source, SyntheticSource
from c3n_model.experiments.paper.table import SETTINGS
from c3n_model.experiments.paper.tables import Study, count_cost, fill_table
from c3n_model.model import choose_device
from c3n_model.progress import Progress

SCORED = ("I", "II", "III", "V", "VI", "VII")
FIGURES = "figures"
DEFAULT_FORM = "authors"  # its values can come out as printed


@dataclass(frozen=True)
class Request:
    """The options of `c3n reproduce`; see its --help."""

    data: str
    size: str | None
    labels: str | None
    form: str | None
    config: Path | None
    visual_head: Path | None
    seeds: int | None
    settings: list[str]
    pairs: list[str] | None
    runs: Path
    device: str
    command: str

    @property
    def synthetic(self) -> bool:
        return self.data == "synthetic"


def reproduce(request: Request, folders: dict[str, Path], progress: Progress) -> list[Path]:
    """Write each table (by number) and "figures" to its folder; return the folders.

    Both errors are raised before any work is done.

    Raises:
        ValueError: an invalid request.
        FileNotFoundError: missing clips, weights or labels.
    """
    recipe = _check(request)
    request = replace(request, settings=[setting for setting in SETTINGS if setting in request.settings])
    source = _source(request, recipe)
    study = Study(recipe, _seeds(request, recipe), request.settings, source.caveat)
    plans = {
        number: plan_table(number, recipe, request.pairs, request.settings) for number in folders if number in SCORED
    }
    jobs = {number: study.jobs(plan) for number, plan in plans.items()}
    runs = Runs(request.runs, source, choose_device(request.device), workers=0 if request.size == "small" else 1)
    figure_jobs = FigureJobs.of(recipe, request.settings)
    if FIGURES in folders:
        jobs[FIGURES] = figure_jobs.all()
    all_jobs = [job for part in jobs.values() for job in part]
    _prepare(source, all_jobs, progress)
    runs.do(all_jobs, progress)
    for number, folder in folders.items():
        if number == "IV":
            write_table(folder, count_cost(), _about(request, runs, source, 0, []))
        elif number == FIGURES:
            about = _about(request, runs, source, 1, jobs[number])
            draw_figures(folder, figure_jobs, runs, about, progress, recipe.notes)
        else:
            table = fill_table(plans[number], study, runs.scores)
            write_table(folder, table, _about(request, runs, source, study.seeds[number], jobs[number]))
    return list(folders.values())


def _check(request: Request) -> Recipe:
    """Check the request and return its recipe. Raises as `reproduce` does."""
    unknown = [setting for setting in request.settings if setting not in SETTINGS]
    if unknown or not request.settings:
        raise ValueError(f"--settings is {repr(unknown[0]) if unknown else 'empty'}; expected s4, ms3 or s4,ms3")
    if request.seeds is not None and request.seeds < 1:
        raise ValueError(f"--seeds is {request.seeds}; expected at least 1")
    if request.form is not None and (request.synthetic or request.config is not None):
        raise ValueError(
            f"--form {request.form} applies only to AVSBench; the synthetic recipe and --config have forms of their own"
        )
    if request.synthetic:
        if request.config is not None or request.visual_head is not None:
            raise ValueError(
                "--config and --visual-head apply only to clips of one's own; the synthetic recipe has its own"
            )
        return _checked_pairs(SYNTHETIC[request.size or "full"], request)
    if request.size is not None:
        raise ValueError(f"--size {request.size} applies only to --data synthetic; leave it out for AVSBench")
    if request.labels is None:
        raise FileNotFoundError(
            "AVSBench requires --labels; make the table with `c3n weights get en_core_web_lg audioset_classes`, "
            '`pip install "$(c3n weights path en_core_web_lg)"`, `c3n labels build -o labels.safetensors`'
        )
    if request.config is not None:
        return _checked_pairs(Recipe.of(read_config(request.config)), request)
    return _checked_pairs(replace(AVSBENCH, form=request.form or DEFAULT_FORM), request)


def _checked_pairs(recipe: Recipe, request: Request) -> Recipe:
    unknown = [pair for pair in request.pairs or () if pair not in recipe.pairs]
    if unknown:
        raise ValueError(f"--pairs contains {unknown[0]!r}; expected some of {', '.join(recipe.pairs)}")
    return recipe


def _source(request: Request, recipe: Recipe) -> Source:
    if request.synthetic:
        return SyntheticSource(request.runs, recipe)
    caveat = "" if request.config is None else OWN_CAVEAT
    return PublicSource(Path(request.data), request.labels, request.visual_head, caveat)


def _prepare(source: Source, jobs: list[Job], progress: Progress) -> None:
    """Make synthetic scenes, or check for missing files, before anything is trained."""
    experiments = [job.experiment for job in jobs]
    if isinstance(source, SyntheticSource):
        source.make_scenes(dict.fromkeys(experiment.setting for experiment in experiments), progress)
    else:
        source.check(experiments)


def _seeds(request: Request, recipe: Recipe) -> dict[str, int]:
    return {number: request.seeds or recipe.seeds.get(number, 1) for number in SCORED}


def _about(request: Request, runs: Runs, source: Source, seeds: int, jobs: list[Job]) -> dict:
    """Describe how a table was made.

    `seconds` is the total time of its trainings and scorings, also of those reused from earlier runs; of an interrupted
    training only the last part counts.
    """
    results = {job: runs.scores(job) for job in jobs}
    trainings: dict[Experiment, float] = {}
    for job, result in results.items():  # later jobs only load the model, so the longest time is the training's
        trainings[job.experiment] = max(trainings.get(job.experiment, 0), result["training_seconds"])
    return {
        "command": request.command,
        "data": source.describe(trainings) if jobs else {},
        "form": None if request.synthetic or request.config else request.form or DEFAULT_FORM,
        "size": (request.size or "full") if request.synthetic else None,
        "settings": request.settings,
        "seeds": seeds,
        "trainings": len(trainings),
        "scorings": len(results),
        "seconds": sum(trainings.values()) + sum(result["scoring_seconds"] for result in results.values()),
        "device": str(runs.device),
        "environment": describe_environment(),
    }
