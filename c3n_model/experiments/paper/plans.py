"""Plans of the paper's tables: their rows, the training for each row, and the paper's values and claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from c3n_model.experiments.paper.baselines import TPAVI
from c3n_model.experiments.paper.recipes import ABLATION, MAIN_PAIR, Recipe
from c3n_model.experiments.paper.table import METRICS, SETTINGS, Claim

_CHOSEN_ON_TEST = "Ours: the epoch with the best validation score. The authors' code chooses that of its runs with BEATs on the test split."
PAPER_TABLES = Path(__file__).with_name("paper_tables.yaml")


@cache
def paper_tables() -> dict:
    """Read the paper's tables, by number; the head of the file explains the units."""
    return yaml.safe_load(PAPER_TABLES.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Noise:
    """White Gaussian noise in the sound ("audio") or the frames ("visual") of the scored clips."""

    kind: str
    snr_db: float


@dataclass(frozen=True)
class Trial:
    """Our experiment for a row: the network of `pair` with `changes` to its settings, scored with `noise`."""

    pair: str
    changes: dict = field(default_factory=dict)
    noise: Noise | None = None


@dataclass(frozen=True)
class PlannedRow:
    """A row: `printed` are the paper's values by column; `trial` is None for rows that only the paper has."""

    key: str
    name: str
    printed: dict[str, float | None]
    trial: Trial | None = None
    group: str = ""


@dataclass(frozen=True)
class Plan:
    """A table to be filled. `plot` is as in `table.Table`."""

    number: str
    title: str
    split: str
    rows: list[PlannedRow]
    claims: list[Claim]
    plot: str
    notes: list[str] = field(default_factory=list)


def plan_table(number: str, recipe: Recipe, pairs: list[str] | None, settings: list[str]) -> Plan:
    """Plan a table of scores (all but IV). `pairs` restricts Tables I and II; claims are made for each of `settings`."""
    rows, claims, plot, *notes = _PLANS[number](recipe, pairs)
    paper = paper_tables()[number]
    claims = [Claim(text, better, worse, f"{setting}_miou") for text, better, worse in claims for setting in settings]
    return Plan(number, paper["title"], paper["split"], rows, claims, plot, [*notes, *recipe.notes])


def _plan_methods(recipe: Recipe, pairs: list[str] | None) -> tuple:
    paper = paper_tables()["I"]
    rows = [
        PlannedRow(
            f"other {index}", f"{row['method']} ({row['backbone']})", _printed(row), group="other methods, as printed"
        )
        for index, row in enumerate(paper["others"])
    ]
    tpavi = next(row for row in paper["others"] if row["method"] == "TPAVI-Re" and row["backbone"] == MAIN_PAIR)
    without = paper_tables()["II"][MAIN_PAIR]["AF"]
    baselines = f"our baselines ({_ours(recipe, MAIN_PAIR)})"
    rows += [
        PlannedRow("TPAVI", "TPAVI's configuration", _printed(tpavi), Trial(MAIN_PAIR, TPAVI), baselines),
        PlannedRow("AF", "C3N without C3IM and CCAM", _printed(without), Trial(MAIN_PAIR, ABLATION["AF"]), baselines),
    ]
    chosen = [pair for pair in paper["ours"] if pair in recipe.pairs and (pairs is None or pair in pairs)]
    rows += [PlannedRow(pair, _ours(recipe, pair), _printed(paper["ours"][pair]), _c3n(pair), "C3N") for pair in chosen]
    claims = [
        ("C3N is better than itself without C3IM and CCAM", MAIN_PAIR, "AF"),
        ("C3N is better than TPAVI", MAIN_PAIR, "TPAVI"),
    ]
    notes = [_CHOSEN_ON_TEST] if any(pair.endswith("+BEATs") for pair in chosen) else []
    return rows, claims if MAIN_PAIR in chosen else [], "dots", *notes


def _plan_ablation(recipe: Recipe, pairs: list[str] | None) -> tuple:
    rows, claims = [], []
    for pair in recipe.ablation_pairs:
        if pairs is not None and pair not in pairs:
            continue
        for variant, printed in paper_tables()["II"][pair].items():
            trial = Trial(pair, ABLATION[variant])
            rows.append(PlannedRow(f"{pair} {variant}", variant, _printed(printed), trial, _ours(recipe, pair)))
        claims += [
            (f"{text} ({pair})", f"{pair} {better}", f"{pair} {worse}")
            for text, better, worse in (
                ("CC-V helps", "CC-V", "none"),
                ("CC helps", "CC", "none"),
                ("CC helps more than CC-V", "CC", "CC-V"),
                ("AF helps", "AF", "none"),
                ("AF helps beside CC", "AF+CC", "CC"),
                ("CC helps beside AF", "AF+CC", "AF"),
            )
        ]
    legend = (
        "AF: audio features. CC-V: consensus of the visual modality alone. CC: audio-visual consensus. AF+CC is C3N."
    )
    return rows, claims, "dots", legend


def _plan_exponents(recipe: Recipe, pairs: list[str] | None) -> tuple:
    rows = []
    for row in paper_tables()["III"]["rows"]:
        alpha, beta = row["alpha"], row["beta"]
        name = f"α {alpha:.2f}, β {beta:.2f}"
        trial = Trial(recipe.exponents_pair, {"alpha": alpha, "beta": beta})
        rows.append(PlannedRow(name, name, _printed(row), trial, _ours(recipe, recipe.exponents_pair)))
    best, *rest = rows
    claims = [(f"{best.name} is better than {row.name}", best.key, row.key) for row in rest]
    return rows, claims, "dots", "The epoch that is kept was chosen on the same validation split, as in the paper."


def _plan_categories(recipe: Recipe, pairs: list[str] | None) -> tuple:
    """Plan a single row, C3N; `categories.fill_categories` makes one row per category."""
    paper = paper_tables()["V"]
    printed = {f"s4_{metric}": paper["average"][metric] for metric in METRICS}
    return [PlannedRow("C3N", _ours(recipe, MAIN_PAIR), printed, _c3n(MAIN_PAIR))], [], "dots"


def _plan_noise(number: str, kind: str) -> Callable[..., tuple]:
    def plan(recipe: Recipe, pairs: list[str] | None) -> tuple:
        rows = []
        for row in paper_tables()[number]["rows"]:
            noise = None if row["snr_db"] is None else Noise(kind, row["snr_db"])
            name = "no noise" if noise is None else f"{noise.snr_db} dB"
            trial = Trial(MAIN_PAIR, ABLATION["AF+CC"], noise)
            rows.append(PlannedRow(name, name, _printed(row), trial, _ours(recipe, MAIN_PAIR)))
        claims = [(f"{row.name} is worse than no noise", rows[0].key, row.key) for row in rows[1:]]
        return (
            rows,
            claims,
            "curve",
            "SNR: signal-to-noise ratio; the model was trained without noise.",
        )

    return plan


_PLANS = {
    "I": _plan_methods,
    "II": _plan_ablation,
    "III": _plan_exponents,
    "V": _plan_categories,
    "VI": _plan_noise("VI", "audio"),
    "VII": _plan_noise("VII", "visual"),
}


def _c3n(pair: str) -> Trial:
    return Trial(pair, ABLATION["AF+CC"])


def _ours(recipe: Recipe, pair: str) -> str:
    """Return the pair's name, with the encoders that replace it, if any."""
    return f"{'+'.join(recipe.pairs[pair])}, in the place of {pair}" if recipe.stands_in(pair) else pair


def _printed(row: dict) -> dict[str, float | None]:
    """Convert a row of paper_tables.yaml to values by column; its lists are in the order of SETTINGS."""
    return {
        f"{setting}_{metric}": value for metric in METRICS for setting, value in zip(SETTINGS, row[metric], strict=True)
    }
