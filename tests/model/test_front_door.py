"""`import c3n_model`: what it offers, what it costs, and what a missing extra says."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import c3n_model
from c3n_model.cli import main
from c3n_model.commands import EXTRAS
from c3n_model.loading import load_model
from c3n_model.sources import open_source
from c3n_model.streaming.segment import segment
from c3n_model.streaming.session import Session

ROOT = Path(__file__).resolve().parents[2]


def normalized(names):
    """Names of distributions as PEP 503 compares them: a wheel may write huggingface_hub, an index huggingface-hub."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def declared(table):
    """Normalized names of distributions that pyproject.toml requires in one array `table = [...]`."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    array = re.search(rf"^{table} = (\[.*?\])(?: *#.*)?$", text, re.M | re.S).group(1)
    return normalized(re.match(r"[\w.-]+", requirement).group(0) for requirement in ast.literal_eval(array))


def loaded_after(code):
    """The top-level modules that a fresh interpreter has after `code`."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_package_exports_the_names_of_its_modules():
    assert c3n_model.load_model is load_model
    assert c3n_model.open_source is open_source
    assert c3n_model.Session is Session
    assert c3n_model.segment is segment
    assert set(c3n_model.__all__) <= set(dir(c3n_model))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = c3n_model.no_such_name


def test_import_alone_loads_no_large_package():
    third_party = set(importlib.metadata.packages_distributions()) - set(sys.stdlib_module_names)
    new = loaded_after("import c3n_model") - loaded_after("")
    assert new & third_party <= {"c3n_model"}


def test_loading_a_model_loads_no_extra():
    loaded = loaded_after("import c3n_model; c3n_model.load_model('demo')")
    assert "torch" in loaded
    assert not loaded & EXTRAS.keys()


def test_extras_are_those_of_pyproject():
    """Every package of an extra that the code can meet is named; what everybody has is not."""
    distributions = importlib.metadata.packages_distributions()
    for module, extra in EXTRAS.items():
        names = distributions.get(module, [module])  # transformers' newest releases are not for Python 3.10
        assert normalized(names) & declared(extra), f"{module} is not of {extra}"
    assert not normalized(name for module in EXTRAS for name in distributions.get(module, [])) & declared(
        "dependencies"
    )


def imported_modules():
    """(file, top-level module) of every absolute import in both packages."""
    for path in [*ROOT.glob("c3n_model/**/*.py"), *ROOT.glob("c3n_ros/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.partition(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield path, node.module.partition(".")[0]


def test_every_import_is_declared():
    """What is imported is a dependency, of an extra that EXTRAS knows, or a ROS package of package.xml."""
    distributions = importlib.metadata.packages_distributions()
    core = declared("dependencies")
    ros = set(re.findall(r"<(?:exec_)?depend>(\w+)<", (ROOT / "package.xml").read_text(encoding="utf-8")))
    for path, module in imported_modules():
        if (
            module in sys.stdlib_module_names
            or module in ("c3n_model", "c3n_ros")
            or module in distributions.keys() & ros
        ):
            continue
        names = normalized(distributions.get(module, []))
        optional = path.relative_to(ROOT).parts[0] == "c3n_ros" and not names  # of a distribution, as cv_bridge
        assert module in EXTRAS or names & core or optional, f"{path}: {module} ({names}) is declared nowhere"


@pytest.mark.parametrize(
    ("module", "extra", "command"),
    [
        ("tensorboard", "train", "train DATA --config config/demo.yaml --classifiers nothing -o out"),
        ("matplotlib", "report", "explain clip.mp4 -o out"),
        ("jinja2", "report", "evaluate demo DATA"),
        ("crc32c", "train", "train-vggish-head nothing -o out"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_remedy(module, extra, command):
    """In a fresh interpreter in which `module` cannot be imported, as if it were not installed."""
    code = f"import sys; sys.modules[{module!r}] = None; from c3n_model.cli import main; main({command.split()!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert module in line and f'pip install ".[{extra}]"' in line


def test_a_broken_installation_is_not_hidden(monkeypatch):
    """A module that no extra has is a fault of ours and keeps its traceback."""
    monkeypatch.setitem(sys.modules, "c3n_model.sources", None)
    with pytest.raises(ModuleNotFoundError):
        main(["segment", "clip.mp4", "-o", "out"])
