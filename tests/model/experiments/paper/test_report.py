"""Tables of invented numbers: differences, claims, JSON, Markdown, plot."""

import json

import pytest

from c3n_model.experiments.paper.report import to_json, to_markdown, write_table
from c3n_model.experiments.paper.samples import Sample
from c3n_model.experiments.paper.table import Cell, Claim, Row, Table, score_columns

ABOUT = {
    "command": "c3n reproduce II",
    "data": {"data": "made up"},
    "seeds": 3,
    "trainings": 6,
    "scorings": 6,
    "seconds": 90.0,
    "device": "cpu",
    "environment": {"platform": "here", "python": "3", "packages": {"torch": "2"}, "date": "today"},
}
BASE, BETTER = (80.0, 80.5, 81.0), (81.0, 81.6, 82.1)  # by seed: +1.0, +1.1, +1.1


def make_table(caveat: str = "", plot: str = "dots") -> Table:
    def row(key, printed, values):
        sample = Sample(dict(enumerate(values)))
        return Row(key, key, {"s4_miou": Cell(printed, sample, sample), "s4_fscore": Cell(None, None)}, "our pair")

    rows = [Row("other", "other method", {"s4_miou": Cell(79.0), "s4_fscore": Cell(0.9)}, "as printed")]
    rows += [row("AF", 80.73, BASE), row("AF+CC", 82.94, BETTER)]
    claims = [Claim("CC helps", "AF+CC", "AF", "s4_miou"), Claim("nobody knows", "AF", "other", "s4_miou")]
    return Table("II", "what helps", score_columns(["s4"]), rows, claims, ["a note"], caveat, plot)


def test_order_is_checked_seed_by_seed():
    """The rows overlap, but their differences exclude 0: mean 1.0667, interval 4.3027 * 0.0577 / sqrt(3) = 0.1434 to each side."""
    (check,) = make_table().checks()  # a claim about what only the paper has is none
    assert check["claim"] == "CC helps"
    assert check["holds"] == "yes"
    assert check["paper"] == pytest.approx(2.21)
    assert check["ours"]["mean"] == pytest.approx(1.0667, abs=1e-4)
    assert check["ours"]["interval_95"] == pytest.approx((0.9232, 1.2101), abs=1e-4)


def test_json_has_both_values_and_all_seeds(tmp_path):
    write_table(tmp_path, make_table(), ABOUT)
    found = json.loads((tmp_path / "table.json").read_text())
    cell = found["rows"][1]["cells"]["s4_miou"]
    assert cell["paper"] == 80.73
    assert cell["ours"]["by_seed"] == {"0": 80.0, "1": 80.5, "2": 81.0}
    assert cell["difference"] == pytest.approx(80.5 - 80.73)
    assert cell["ours_batch_independent"]["mean"] == 80.5
    assert found["rows"][0]["cells"]["s4_miou"] == {"paper": 79.0, "ours": None, "difference": None}
    assert found["made_by"] == ABOUT
    assert (tmp_path / "table.png").stat().st_size > 5000


def test_markdown_of_comparable_data():
    text = to_markdown(make_table(), ABOUT)
    assert "|  | mIoU S4: paper | mIoU S4: ours | mIoU S4: difference | F S4: paper" in text
    assert "| AF | 80.73 | 80.50 [79.26, 81.74] | -0.23 |  |  |  |" in text
    assert "| other method | 79.00 |  |  | 0.900 |  |  |" in text
    assert "- mIoU S4: CC helps: **yes**, +1.07 [+0.92, +1.21]; paper +2.21" in text
    assert not any(line.startswith(">") for line in text.splitlines())


def test_data_of_another_kind_has_no_differences():
    table = make_table(caveat="**Other data.** Not comparable.")
    text = to_markdown(table, ABOUT)
    assert text.splitlines()[2] == "> **Other data.** Not comparable."
    assert "difference" not in text.split("## ")[0]
    assert "| AF | 80.73 | 80.50 [79.26, 81.74] |  |  |" in text
    assert all("difference" not in cell for row in to_json(table, ABOUT)["rows"] for cell in row["cells"].values())


def test_numbers_that_are_not_finite_are_not_written(tmp_path):
    table = make_table()
    table.rows[1].cells["s4_miou"] = Cell(80.73, Sample({0: float("nan")}))
    with pytest.raises(ValueError, match="JSON"):
        write_table(tmp_path, table, ABOUT)


@pytest.mark.parametrize("plot", ["dots", "curve"])
def test_plots(tmp_path, plot):
    write_table(tmp_path, make_table(plot=plot), ABOUT)
    assert (tmp_path / "table.png").stat().st_size > 5000
