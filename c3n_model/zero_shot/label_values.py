"""A CSV file with some numbers for each label, as the priors and the background of `zero_shot` are kept in."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from torch import Tensor


def write_label_values(path: Path, labels: tuple[str, ...], columns: dict[str, Tensor], about: str) -> None:
    """Write a row per label with the values (labels,) of each column; `about` becomes a comment at the top. Missing folders are
    created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {line}\n" for line in about.splitlines())
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("label", *columns))
        rows = zip(labels, *(values.tolist() for values in columns.values()), strict=True)
        writer.writerows((label, *(f"{value:.3f}" for value in values)) for label, *values in rows)


def read_label_values(path: Path, labels: tuple[str, ...], columns: tuple[str, ...]) -> tuple[Tensor, list[list[str]]]:
    """Read a file of `write_label_values` with exactly these labels, in this order.

    Returns the finite values float32 (labels, columns), and the words of each comment.

    Raises:
        FileNotFoundError: no such file. ValueError: not such a file, other labels, or an invalid number.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}; expected a CSV file of label, {', '.join(columns)}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
        found = tuple(row["label"] for row in rows)
        values = torch.tensor([[float(row[column]) for column in columns] for row in rows]).reshape(-1, len(columns))
    except (UnicodeDecodeError, csv.Error, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a CSV file of label, {', '.join(columns)}: {error!r}") from error
    if found != labels:
        raise ValueError(
            f"{path} has {len(found)} classes that differ from the model's {len(labels)}, or are in another order: it was "
            "measured with another model; measure it again with this one"
        )
    if not values.isfinite().all():
        raise ValueError(f"{path} must have finite numbers; measure it again")
    return values, [line.removeprefix("#").split() for line in lines if line.startswith("#")]
