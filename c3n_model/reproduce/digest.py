"""Short names of settings, for files."""

from __future__ import annotations

import hashlib
import json


def digest(about: dict) -> str:
    """Eight hexadecimal digits that change with `about`, which JSON can hold."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:8]
