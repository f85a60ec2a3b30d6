"""Options that take one of a few words."""

from __future__ import annotations

from typing import Any, get_args


def check_choice(option: str, value: str, kind: Any) -> None:
    """Raise ValueError unless `value`, given for `option`, is one of the values of `kind`, a `Literal`."""
    if value not in get_args(kind):
        raise ValueError(f"{option} is {value!r}; expected one of {', '.join(get_args(kind))}")
