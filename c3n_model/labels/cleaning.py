"""Cleaning rules: convert a label to the phrases that are embedded. Neither the paper nor its code defines such a rule.

A label is a comma-separated list of synonyms, sometimes with a qualifier in parentheses: "violin, fiddle", "Wind noise
(microphone)".

| rule | phrases of a label | similarity of two labels |
|---|---|---|
| `whole` | the unchanged string: synonyms, commas and parentheses are averaged, as in spaCy's Doc.vector; closest to the paper | the cosine |
| `first_synonym` | the text before the first comma, without parentheses | the cosine |
| `best_synonym` | each synonym, without parentheses | the highest cosine over the synonyms of both |
"""

from __future__ import annotations

import re


def whole(label: str) -> tuple[str, ...]:
    """Return the label unchanged."""
    return (label,)


def first_synonym(label: str) -> tuple[str, ...]:
    """Return the first synonym: "violin" of "violin, fiddle"."""
    return best_synonym(label)[:1]


def best_synonym(label: str) -> tuple[str, ...]:
    """Return all synonyms; the unchanged label if it consists of parentheses and commas only."""
    synonyms = (part.strip() for part in re.sub(r"\([^)]*\)", " ", label).split(","))
    return tuple(" ".join(synonym.split()) for synonym in synonyms if synonym) or (label,)


RULES = {rule.__name__: rule for rule in (whole, first_synonym, best_synonym)}
