"""Training recipes: the paper's schedules, and experiments shared by tables."""

from pathlib import Path

import pytest

from c3n_model.config import read_config
from c3n_model.experiments.paper.plans import plan_table
from c3n_model.experiments.paper.recipes import AVSBENCH, MAIN_PAIR, SYNTHETIC, Recipe
from c3n_model.experiments.paper.tables import Study

CONFIGS = Path(__file__).resolve().parents[4] / "config"
NUMBERS = ("I", "II", "III", "V", "VI", "VII")


@pytest.mark.parametrize("setting", ["s4", "ms3"])
def test_avsbench_recipes_equal_the_config_files(setting):
    config = read_config(CONFIGS / f"avsbench_{setting}.yaml")
    experiment = AVSBENCH.experiment(MAIN_PAIR, {}, setting, seed=config.train.seed)
    assert experiment.model == config.model
    assert experiment.train == config.train


def test_an_own_recipe_is_the_config_file():
    config = read_config(CONFIGS / "real_small.yaml")
    recipe = Recipe.of(config)
    experiment = recipe.experiment(MAIN_PAIR, {}, "ms3", seed=config.train.seed)
    assert experiment.model == config.model and experiment.train == config.train
    assert recipe.stands_in(MAIN_PAIR) and not recipe.notes


def jobs_of(recipe, number: str, seeds: int) -> list:
    study = Study(recipe, dict.fromkeys(NUMBERS, seeds), ["s4", "ms3"], caveat="other data")
    return study.jobs(plan_table(number, recipe, None, ["s4", "ms3"]))


@pytest.mark.parametrize("recipe", [AVSBENCH, SYNTHETIC["full"], SYNTHETIC["small"]])
def test_tables_share_trainings(recipe):
    c3n = {job.experiment for job in jobs_of(recipe, "V", 2)}
    assert len(c3n) == 2  # two seeds of S4
    for number in ("I", "II", "VI", "VII"):
        assert c3n <= {job.experiment for job in jobs_of(recipe, number, 2)}


def test_number_of_trainings():
    recipe = SYNTHETIC["full"]
    ablation = {job.experiment for job in jobs_of(recipe, "II", 3)}
    assert len(ablation) == 5 * 3 * 2
    exponents = {job.experiment for job in jobs_of(recipe, "III", 1)}
    assert len(exponents) == 4 * 2
    assert len(exponents - ablation) == 3 * 2  # one of the four is the recipe's own


def test_names_show_the_differences():
    names = {job.experiment.name for number in NUMBERS for job in jobs_of(SYNTHETIC["full"], number, 3)}
    experiments = {job.experiment for number in NUMBERS for job in jobs_of(SYNTHETIC["full"], number, 3)}
    assert len(names) == len(experiments)
    assert "ms3_regnetx_002_mn04_AF+CC_alpha0.25_beta0.1_seed2" in names


def test_pairs_restrict_tables_i_and_ii():
    for number, rows in (("I", 19 + 2 + 1), ("II", 5)):
        plan = plan_table(number, AVSBENCH, ["Swin+PANNs"], ["s4"])
        assert len(plan.rows) == rows
        assert {row.trial.pair for row in plan.rows if row.trial} <= {"Swin+PANNs", MAIN_PAIR}
