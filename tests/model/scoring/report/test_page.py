"""The page is self-contained and shows the numbers of metrics.json."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from bright_model import Clips, make_bright_model, make_clip, rows

from c3n_model.progress import silent
from c3n_model.scoring.evaluate import evaluate
from c3n_model.scoring.report.gallery import make_gallery
from c3n_model.scoring.report.page import figure, write_report

CPU = torch.device("cpu")
HOSTILE = '<script src="http://x">'


class Page(HTMLParser):
    """Collect the page's numbers by path, its links, and its table cells."""

    def __init__(self, text):
        super().__init__()
        self.numbers, self.references, self.rows, self.scripts, self._path = {}, [], [], 0, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self._path = attributes.get("data-metric")
        self.references += [
            value for name, value in attributes.items() if name in ("src", "href", "srcset", "xlink:href")
        ]
        self.scripts += tag == "script"
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        if self._path:
            self.numbers[self._path] = data
            self._path = None
        elif self.rows and data.strip():
            self.rows[-1].append(data.strip())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "out"
    model = make_bright_model()
    random = np.random.default_rng(0)
    parts = []
    for setting, categories in (("s4", ("bell", "fan")), ("ms3", ("", ""))):
        heights = random.integers(0, 20, (4, 2, 3))
        clips = [
            make_clip(f"{HOSTILE}{k}", rows(*heights[k, 0]), rows(*(heights[k, 1] * (k != 1))), categories[k % 2])
            for k in range(4)
        ]
        parts.append(Clips(clips, setting))
    found = [evaluate(model, part, CPU, silent) for part in parts]
    galleries = [make_gallery(model, part, done, CPU, silent) for part, done in zip(parts, found, strict=True)]
    about = {
        "command": "c3n evaluate",
        "model": {"name": HOSTILE, "parameters": 1234, "note": "a note", "commands": ["c3n train"], "config": {"a": 1}},
        "split": "test",
        "device": "cpu",
    }
    write_report(out, about, found, galleries, batch_size=3)
    return out, (out / "report.html").read_text(encoding="utf-8"), json.loads((out / "metrics.json").read_text())


def test_page_is_self_contained(written):
    _, text, _ = written
    page = Page(text)
    outside = [part for part in page.references if not part.startswith(("data:image/jpeg;base64,", "#"))]
    assert not outside
    assert len(page.references) > 10
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest", text)


def test_names_are_text_not_markup(written):
    _, text, _ = written
    assert Page(text).scripts == 1
    assert "&lt;script src=" in text


def test_numbers_are_those_of_the_json(written):
    _, text, metrics = written
    numbers = Page(text).numbers
    assert len(numbers) == 2 * 7 + 2 * 2
    for path, shown in numbers.items():
        value = metrics
        for key in path.split("."):
            value = value[key]
        assert shown == figure(value)
    assert metrics["settings"]["ms3"]["summary"]["official"]["batch_size"] == 3


def test_table_has_every_clip(written):
    _, text, _ = written
    body = [row for row in Page(text).rows if row[0].startswith(HOSTILE)]
    assert len(body) == 8
    assert [row[0] for row in body[:4]] == [f"{HOSTILE}{k}" for k in range(4)]
    assert [row[1] for row in body[:4]] == ["bell", "fan", "bell", "fan"]
    assert all(row[1] == "ring ~ bell" for row in body[4:])  # MS3 has no categories, and no column of them


def test_curves_are_drawn_inside_their_axes(written):
    _, text, _ = written
    lines = re.findall(r'<polyline points="([^"]*)"', text)
    assert len(lines) == 4
    for line in lines:
        points = np.array([point.split(",") for point in line.split()], float)
        assert points.shape == (255, 2)
        assert (points >= (44, 10)).all()
        assert (points <= (384, 222)).all()


def test_files_next_to_the_page(written):
    out, _, metrics = written
    assert sorted(path.name for path in out.iterdir()) == ["clips.csv", "frames.csv", "metrics.json", "report.html"]
    assert len((out / "clips.csv").read_text().splitlines()) == 1 + 8
    assert len((out / "frames.csv").read_text().splitlines()) == 1 + 24
    assert list(metrics) == ["command", "model", "split", "device", "settings"]


def test_figure():
    assert (figure(0.12345), figure(None)) == ("0.123", "–")
