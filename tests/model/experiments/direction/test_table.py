"""The cells of the bench's tables, counted by hand."""

from c3n_model.experiments.direction.bench import Conditions, Scene
from c3n_model.experiments.direction.table import shares, table


def test_shares_by_hand():
    assert shares(["right", "right", "right", "wrong"]) == "0.75 / 0.00 / 0.25 (0.75)"
    assert shares(["right", "undecided"]) == "0.50 / 0.50 / 0.00 (1.00)"
    assert shares(["undecided"]) == "0.00 / 1.00 / 0.00 (-)"
    assert shares([]) == "-"


def test_rows_divide_the_scenes():
    scenes = [
        Scene(0.2, 5.0, 1.0, "microphones", 1.0, {10: "right", 45: "right"}),
        Scene(0.7, 5.0, 1.0, "all sides", 3.0, {10: "wrong"}),
    ]
    lines = table(
        "four", scenes, [Scene(0.2, 5.0, 1.0, "all sides", 0.0, outside="right")], Conditions(snr_db=(5.0, 5.0))
    )
    assert lines[0] == "| four, scenes | error, median and 90 % | 10° apart | 45° apart |"
    assert lines[2] == "| all, 2 | 2.0°, 2.8° | 0.50 / 0.00 / 0.50 (0.50) | 1.00 / 0.00 / 0.00 (1.00) |"
    labels = [line.split(" | ")[0] for line in lines[3:7]]
    assert labels == [
        "| RT60 0.1 to 0.33 s, 1",
        "| RT60 0.57 to 0.8 s, 1",
        "| noise: microphones, 1",
        "| noise: all sides, 1",
    ]
    assert "outside the picture: 1.00 / 0.00 / 0.00 (1.00)" in lines[-2]
