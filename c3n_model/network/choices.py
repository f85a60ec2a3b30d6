"""Options that take one of a few words."""

from __future__ import annotations

from collections.abc import Sequence


def check_choice(option: str, value: str, choices: Sequence[str]) -> None:
    """Raises ValueError unless `value`, given for `option`, is one of `choices`."""
    if value not in choices:
        raise ValueError(f"{option} is {value!r}; expected one of {', '.join(choices)}")
