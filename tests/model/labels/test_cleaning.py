"""Each cleaning rule on all forms of labels."""

import pytest

from c3n_model.labels.cleaning import RULES

FORMS = ["violin, fiddle", "Wind noise (microphone)", "Roaring cats (lions, tigers)", "dog", "(unknown)", "a,, b ,"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("whole", [(label,) for label in FORMS]),
        ("first_synonym", [("violin",), ("Wind noise",), ("Roaring cats",), ("dog",), ("(unknown)",), ("a",)]),
        (
            "best_synonym",
            [("violin", "fiddle"), ("Wind noise",), ("Roaring cats",), ("dog",), ("(unknown)",), ("a", "b")],
        ),
    ],
)
def test_rules_by_example(rule, expected):
    assert [RULES[rule](label) for label in FORMS] == expected
