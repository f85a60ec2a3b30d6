"""The paper's tables as data: consistency with its text and among the tables."""

import numpy as np
import pytest

from c3n_model.experiments.cost.describe import PAPER
from c3n_model.experiments.paper.plans import paper_tables

PAPER_TABLES = paper_tables()
VARIANTS = ["none", "CC-V", "CC", "AF", "AF+CC"]
PAIRS = ["Swin+VGGish", "Swin+PANNs", "PVTv2+VGGish", "PVTv2+PANNs"]  # in the order of the prose


def gains(better: str, worse: str, metric: str) -> list[list[float]]:
    """Return the gains on S4 and MS3 of each pair in Table II."""
    rows = [PAPER_TABLES["II"][pair] for pair in PAIRS]
    return [[a - b for a, b in zip(row[better][metric], row[worse][metric], strict=True)] for row in rows]


def test_last_rows_of_table_ii_are_table_i():
    for pair in PAIRS:
        assert list(PAPER_TABLES["II"][pair]) == VARIANTS
        assert PAPER_TABLES["II"][pair]["AF+CC"] == PAPER_TABLES["I"]["ours"][pair]


@pytest.mark.parametrize("number", ["VI", "VII"])
def test_no_noise_is_table_i(number):
    clean = PAPER_TABLES[number]["rows"][0]
    assert clean["snr_db"] is None
    assert {metric: clean[metric] for metric in ("miou", "fscore")} == PAPER_TABLES["I"]["ours"]["PVTv2+PANNs"]


def test_gains_that_the_prose_names():
    assert [ms3 for _, ms3 in gains("CC", "none", "miou")] == pytest.approx([1.51, 2.91, 3.55, 1.90])
    assert [ms3 for _, ms3 in gains("AF+CC", "AF", "miou")] == pytest.approx([3.33, 2.75, 3.38, 2.91])
    assert [ms3 for _, ms3 in gains("AF+CC", "AF", "fscore")] == pytest.approx([0.038, 0.022, 0.034, 0.026])
    for pair in PAIRS[:3]:  # "between 0.026 to 0.034"; PVTv2+PANNs is missing in the text
        row = PAPER_TABLES["II"][pair]
        assert 0.0259 < row["CC"]["fscore"][1] - row["none"]["fscore"][1] < 0.0341


def test_advantages_that_the_prose_names():
    ours, bavs = PAPER_TABLES["I"]["ours"], PAPER_TABLES["I"]["others"][-1]
    assert bavs["method"] == "BAVS"
    assert ours["PVTv2+VGGish"]["miou"][1] - bavs["miou"][1] == pytest.approx(0.48)
    assert ours["PVTv2+PANNs"]["miou"][1] - bavs["miou"][1] == pytest.approx(2.04)
    assert ours["PVTv2+PANNs"]["fscore"][1] - bavs["fscore"][1] == pytest.approx(0.054)
    assert ours["Swin+BEATs"]["miou"][1] - ours["Swin+PANNs"]["miou"][1] == pytest.approx(1.05)
    assert ours["PVTv2+BEATs"]["miou"][0] - ours["PVTv2+PANNs"]["miou"][0] == pytest.approx(0.17)


def test_table_iii_is_best_where_the_paper_says():
    best, *rest = PAPER_TABLES["III"]["rows"]
    assert (best["alpha"], best["beta"]) == (0.1, 0.1)
    assert all(row["miou"] < best["miou"] for row in rest)


def test_table_iv():
    for name, figures in PAPER.items():
        assert PAPER_TABLES["IV"]["gflops"][name] == figures["gflops"]
        assert PAPER_TABLES["IV"]["parameters_m"][name] == figures["parameters_m"]
    parameters = PAPER_TABLES["IV"]["parameters_m"]
    assert parameters["c3n"] - parameters["baseline"] == pytest.approx(5.69)
    assert 100 * 5.69 / parameters["baseline"] == pytest.approx(parameters["increase_percent"], abs=0.005)


def test_average_and_deviation_of_table_v():
    """The printed deviation is that of the whole population of 23."""
    paper = PAPER_TABLES["V"]
    assert len(paper["categories"]) == 23
    for metric, digits in (("miou", 2), ("fscore", 3)):
        values = [row[metric] for row in paper["categories"].values()]
        assert round(np.mean(values), digits) == paper["average"][metric]
        assert round(np.std(values), digits) == paper["deviation"][metric]


def test_drops_that_the_prose_names():
    clean, _, at_20_db, at_10_db = PAPER_TABLES["VII"]["rows"]
    assert np.subtract(clean["miou"], at_20_db["miou"]) == pytest.approx([2.13, 2.27])
    assert np.subtract(clean["fscore"], at_20_db["fscore"]) == pytest.approx([0.012, 0.016])
    assert at_10_db["miou"] == [74.06, 52.09]
    worst = PAPER_TABLES["VI"]["rows"][-1]
    assert worst == {"snr_db": -20, "miou": [81.50, 51.08], "fscore": [0.896, 0.645]}


def test_missing_cells_are_the_three_missing_in_the_text():
    missing = [
        (pair, variant) for pair in PAIRS for variant in VARIANTS if None in PAPER_TABLES["II"][pair][variant]["fscore"]
    ]
    assert missing == [("PVTv2+PANNs", variant) for variant in ("none", "CC-V", "CC")]
