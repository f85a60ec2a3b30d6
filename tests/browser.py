"""A headless Chromium for tests of pages; tests that use it carry the marker `browser`."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

OUTPUT = Path(__file__).resolve().parents[1] / "out" / "tests"  # screenshots
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing but the page itself is asked for.
_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync")  # fmt: skip


@contextmanager
def open_page(address: str, *, width: int = 1280, height: int = 1000):
    """Yield a page of playwright at an address, and after it check that no script failed."""
    api = pytest.importorskip("playwright.sync_api", reason='playwright is not installed: pip install ".[test]"')
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    errors = []
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=list(_QUIET))
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address, wait_until="domcontentloaded")  # `load` never comes: the picture is a stream
        yield page
        browser.close()
    assert errors == []


def screenshot(page, name: str) -> Path:
    """Write out/tests/NAME.png and return its path."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / f"{name}.png"
    page.screenshot(path=path)
    return path
