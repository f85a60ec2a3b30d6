"""From a label to the phrases that are embedded. Neither the paper nor its code says how its labels were cleaned.

A label is a list of synonyms between commas, at times with a qualifier in parentheses: "violin, fiddle", "Wind noise
(microphone)".

| rule | phrases of a label | closeness of two labels |
|---|---|---|
| `whole` | the string as it is: synonyms, commas and parentheses are averaged together, as spaCy's Doc.vector does; the closest to the paper | the cosine |
| `first_synonym` | what stands before the first comma, without parentheses | the cosine |
| `best_synonym` | each synonym, without parentheses | the highest cosine over the synonyms of both |
"""

from __future__ import annotations

import re


def whole(label: str) -> tuple[str, ...]:
    """The label as it is."""
    return (label,)


def first_synonym(label: str) -> tuple[str, ...]:
    """The first synonym: "violin" of "violin, fiddle"."""
    return best_synonym(label)[:1]


def best_synonym(label: str) -> tuple[str, ...]:
    """Every synonym; the label as it is where nothing but parentheses and commas would be left."""
    synonyms = (part.strip() for part in re.sub(r"\([^)]*\)", " ", label).split(","))
    return tuple(" ".join(synonym.split()) for synonym in synonyms if synonym) or (label,)


RULES = {rule.__name__: rule for rule in (whole, first_synonym, best_synonym)}
