"""Write the API pages of c3n_model from its docstrings: python docs/build_api.py OUT (what `make docs` calls)."""

import importlib
import sys
from pathlib import Path
from pkgutil import iter_modules

import pdoc

import c3n_model


def module_names() -> list[str]:
    """Return the package and its subpackages, except the command line, which `c3n --help` documents."""
    names = {module.name for module in iter_modules(c3n_model.__path__)} - {"__main__", "cli", "commands"}
    return ["c3n_model", *(f"c3n_model.{name}" for name in sorted(names))]


def build(out: Path) -> None:
    for name in c3n_model.__all__:  # pdoc does not document names that are imported on first use
        getattr(c3n_model, name)
    # On a machine's first import it lists the fonts by a program, which pdoc would not let it run.
    importlib.import_module("matplotlib.font_manager")
    # Without the source, which is in the repository and would be half of the pages.
    pdoc.render.configure(docformat="google", footer_text="c3n_ros", show_source=False)
    pdoc.pdoc(*module_names(), output_directory=out)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
