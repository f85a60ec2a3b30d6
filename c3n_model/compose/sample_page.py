"""A page of composed clips to look at: frames with the true masks, what sounds in which second, and the sound itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from c3n_model.complete_file import write_complete
from c3n_model.compose.writer import read_sources
from c3n_model.data.avsbench_object import FOLDERS, clip_paths
from c3n_model.data.clip_files import read_mask
from c3n_model.pictures.overlay import contact_sheet, draw_mask, write_png
from c3n_model.sources.picture_files import read_picture

SAMPLES = 24
PAGE = "samples.html"


def write_samples(out: Path, roots: Sequence[Path], count: int = SAMPLES) -> Path:
    """Write OUT/samples.html and its pictures, of up to `count` clips that are evenly spaced in each of up to four folders."""
    rows = []
    for root in roots[:: max(1, len(roots) // 4)][:4]:
        records = list(read_sources(root))
        chosen = np.unique(np.linspace(0, len(records) - 1, max(1, count // min(len(roots), 4))).astype(int))
        rows += [_row(out, root, records[index]) for index in chosen]
    style = "body{font:14px sans-serif;margin:24px;max-width:1180px}img{width:100%}li{list-style:none;margin:0 0 28px}ul{padding:0}"
    head = f"<!doctype html><meta charset='utf-8'><title>Composed clips</title><style>{style}</style>"
    body = f"<h1>Composed clips</h1><p>{len(rows)} of the clips in this folder; orange: what sounds.</p>"
    write_complete(out / PAGE, f"{head}{body}<ul>{''.join(rows)}</ul>")
    return out / PAGE


def _row(out: Path, root: Path, record: dict[str, Any]) -> str:
    setting = record["name"].split("_")[0]
    paths = clip_paths(root / FOLDERS[setting], setting, record["name"], record["split"], record["category"])
    pictures, captions = [], []
    for number, frame in enumerate(paths.frames):
        rgb = read_picture(frame)
        state, nouns = record["timeline"][number]
        captions.append(" and ".join(nouns) if nouns else state)
        if number < len(paths.masks):
            pictures.append(draw_mask(rgb, read_mask(paths.masks[number])))
        else:
            pictures.append(rgb)
            captions[-1] += " (no mask in this split)"
    picture = out / "samples" / f"{record['name']}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    write_png(picture, contact_sheet(pictures, captions, columns=5, cell_width=224))
    made_of = "; ".join(
        f"{s['noun']} ({'pasted from ' if s['pasted'] else 'in '}{s['picture']}, sound {s['sound']})"
        for s in record["sources"]
    )
    silent = ", ".join(thing["noun"] for thing in record["silent"]) or "nothing"
    other = "; ".join(f"{state}: {sound}" for state, sound in record["other_sounds"].items())
    text = f"background {record['background']}; sources: {made_of or 'none'}; silent: {silent}{'; ' + other if other else ''}"
    return (
        f"<li><b>{escape(record['name'])}</b> {escape(text)}<br><img src='samples/{escape(picture.name)}' alt=''>"
        f"<audio controls preload='none' src='{escape(paths.wav.relative_to(out).as_posix())}'></audio></li>"
    )
