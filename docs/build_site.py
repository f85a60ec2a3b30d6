"""Write README.md and docs/ as a site of HTML pages: python docs/build_site.py OUT (what `make docs` calls)."""

import html
import re
import shutil
import sys
from pathlib import Path

import markdown2

ROOT = Path(__file__).resolve().parents[1]
GUIDES = ("first_steps", "live", "robot", "bags", "training", "encoders", "packaging")
MORE = ("zero_shot", "direction", "demo_model", "parameters", "architecture", "results/README")
EXTRAS = ("fenced-code-blocks", "tables", "header-ids", "code-friendly")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ margin: 0; font: 16px/1.55 system-ui, sans-serif; color: #1d2129; display: grid; grid-template-columns: 15rem minmax(0, 1fr); }}
nav {{ padding: 1.5rem 1rem; background: #f3f4f6; min-height: 100vh; }} nav a {{ display: block; padding: .15rem 0; }}
main {{ padding: 1rem 2rem 4rem; max-width: 60rem; }} img {{ max-width: 100%; }}
pre {{ background: #f3f4f6; padding: .8rem; overflow-x: auto; }} code {{ font-size: .9em; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }} td, th {{ border: 1px solid #d5d9e0; padding: .3rem .6rem; }}
@media (max-width: 50rem) {{ body {{ display: block; }} nav {{ min-height: 0; }} }}
</style></head><body><nav>{navigation}</nav><main>{body}</main></body></html>
"""


def pages() -> dict[Path, str]:
    """Source of each page -> its name in the site."""
    guides = {ROOT / f"docs/guide/{name}.md": f"guide/{name}.html" for name in GUIDES}
    return {
        ROOT / "README.md": "index.html",
        **guides,
        **{ROOT / f"docs/{name}.md": f"docs/{name}.html" for name in MORE},
    }


def title_of(text: str) -> str:
    """The first heading of a page."""
    return re.search(r"^# (.+)$", text, re.M)[1]


def build(out: Path) -> None:
    """Write the pages and the pictures that they show."""
    names = pages()
    titles = {name: title_of(path.read_text(encoding="utf-8")) for path, name in names.items()}
    for path, name in names.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        up = "../" * name.count("/")
        links = [f'<a href="{up}{other}">{html.escape(title)}</a>' for other, title in titles.items()]
        links.append(f'<a href="{up}../c3n_model.html">API</a>')
        body = str(markdown2.markdown(path.read_text(encoding="utf-8"), extras=list(EXTRAS)))
        parts = re.split(r'(?<=href=")([^"]+)|(?<=src=")([^"]+)', body)
        body = "".join(
            part if index % 3 == 0 else link(part, path, name, out) for index, part in enumerate(parts) if part
        )
        page = PAGE.format(title=html.escape(titles[name]), navigation="".join(links), body=body)
        target.write_text(page, encoding="utf-8")


def link(address: str, path: Path, name: str, out: Path) -> str:
    """The address of a link of the page `path` in the site; files that are shown are copied into it."""
    target, _, anchor = address.partition("#")
    if not target or ":" in target:
        return address
    source, up = (path.parent / target).resolve(), "../" * name.count("/")
    known = pages().get(source)
    if known is None and source.exists():
        known = str(source.relative_to(ROOT))
        (out / known).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, out / known, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, out / known)
    return address if known is None else f"{up}{known}{'#' if anchor else ''}{anchor}"


if __name__ == "__main__":
    build(Path(sys.argv[1]))
