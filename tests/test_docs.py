"""The documents: the API pages build, and every file, link and command that a document names exists."""

import re
import runpy
import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path

import pytest
from printed_commands import check, commands_in
from printed_lines import c3n_lines, printed

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/guide/*.md"), ROOT / "docs/results/README.md"]
)
each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
NOT_OURS = {
    "PVT_AVSModel_flops.py",
    "my.txt",
    "my.yaml",
    "mine.yaml",
    "names.txt",
    "data.yaml",
    "mine.txt",
}  # the authors' code, examples
# Lines that take too long as they are printed, and what runs instead.
NOT_RUN = {
    "c3n compose --images COCO/annotations/instances_train2017.json LVIS/lvis_v1_train.json --sounds "
    "FSD50K/FSD50K.ground_truth/dev.csv VGGSound/vggsound.csv -o clips --setting ms3 --train 200000 --val 2000 --test 2000 "
    "--shard 2500": "200 000 clips: tests/model/commands/test_train_real.py composes a few, test_writer.py has shards",
    "c3n train-visual-head --images COCO/annotations/instances_train2017.json --composed clips --visual pvt_v2_b2 "
    "-o head.safetensors": "101 MB of weights: tests/model/commands/test_train_real.py has MobileNetV2's",
    "c3n reproduce II --data AVSBENCH --labels labels.safetensors -o out": "ten trainings with real encoders: "
    "tests/model/commands/test_reproduce.py makes Table VII so, and Table II of synthetic scenes",
    "c3n reproduce II --seeds 3 --data synthetic --runs out/runs -o out/II": "thirty trainings: "
    "tests/model/commands/test_reproduce.py has those of one seed",
}
GENERATED = ("out/", "build/", "install/", "log/")


def code_of(path):
    """The code spans and the indented lines of a document."""
    text = path.read_text(encoding="utf-8")
    return [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^    (?=\S)(.+)$", text, re.M)]


def files_named_in(code):
    """Python, YAML and other source files, and folders: `a/{b,c}.py` names a/b.py and a/c.py."""
    for pattern in re.findall(r"(?<![\w./*-])[\w{][\w{},/.-]*(?:\.(?:py|ya?ml|txt|xml|rviz|toml)|/)(?![\w*])", code):
        choices = [part.split(",") for part in re.split(r"[{}]", pattern)]
        yield from ("".join(parts) for parts in product(*choices))


@each_document
def test_named_files_and_links_exist(path):
    """Files are relative to the repository, to c3n_model, or in a folder of files for users."""
    named = {name for code in code_of(path) for name in files_named_in(code)} - NOT_OURS
    folders = [ROOT, *(ROOT / name for name in ("c3n_model", "c3n_ros", "config", "launch"))]
    # A folder whose first part is not here belongs to a user's data.
    ours = [name for name in named if name[-1] != "/" or any((top / name.split("/")[0]).exists() for top in folders)]
    missing = [name for name in ours if not any((folder / name).exists() for folder in folders)]
    assert sorted(name for name in missing if not name.startswith(GENERATED)) == []
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@each_document
def test_named_modules_and_targets_exist(path):
    code = "\n".join(code_of(path))
    modules = re.findall(r"python3? -m (c3n_\w+(?:\.\w+)*)", code)
    sources = (".py", "/__main__.py")
    assert [
        name for name in modules if not any((ROOT / (name.replace(".", "/") + end)).exists() for end in sources)
    ] == []
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"^make ([a-z-]+)", code, re.M)) <= set(targets)


@each_document
def test_every_command_names_what_there_is(path):
    """By the command's own parser, Makefile, launch file and so on; those of the guides run in tests/test_guides.py."""
    wrong = {command: check(command, whole) for command, whole in commands_in(path.read_text(encoding="utf-8"))}
    assert {command: text for command, text in wrong.items() if text} == {}


def test_every_c3n_line_outside_of_the_guides_runs_in_a_test():
    """As it is printed, by `main(printed("..."))` or in tests/test_guides.py, with stand-ins for what is not here."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("tests/**/*.py")))
    run = {("c3n", *printed(beginning)) for beginning in re.findall(r'printed\(\s*"(c3n [^"]+)"\s*\)', tests)}
    guides = c3n_lines([ROOT / f"docs/guide/{name}.md" for name in ("bags", "training")])
    left = {" ".join(line) for line in c3n_lines() - run - guides}
    assert left == NOT_RUN.keys()


@pytest.mark.parametrize("beginning, count", [("c3n nothing", 0), ("c3n segment", "[1-9]")])
def test_what_begins_no_line_or_several_is_refused(beginning, count):
    with pytest.raises(AssertionError, match=f"begins {count}"):
        printed(beginning)


@pytest.mark.parametrize(
    "command, fault",
    [
        ("c3n segment clip.mp4 -o out --modle demo", "unrecognized arguments"),
        ("c3n train clips --config config/nowhere.yaml --labels sources -o a", "no file"),
        ("make demoo", "no target"),
        ("make setup EXTRA=live", "no variable"),
        ("make setup EXTRAS=zero_shot", "no extra"),
        ("ros2 launch c3n_ros robot.launch.py presets:=zed", "no argument presets"),
        ("ros2 launch c3n_ros robot.launch.py preset:=zedd", "no preset zedd"),
        ("ros2 run c3n_ros microphone", "no such node"),
        ('ros2 service call /segmentation/set_classes c3n_ros/srv/SetClasses "{class: [dog]}"', "has no class"),
        ("ros2 service call /segmentation/enabled std_srvs/srv/SetBool", "no service"),
        ("ros2 param set /segmentation treshold 0.5", "no parameter"),
        ("ros2 topic echo /sounding_object/objects --field reasons", "has no reasons"),
        ("python -m c3n_ros.rig.load_test --second 60", "no option --second"),
        ("docker compose -f docker/compose.yaml up robots", "no such service"),
        ("curl example.org", "nobody checks"),
    ],
)
def test_a_command_that_is_wrong_is_noticed(command, fault):
    assert fault in check(command, whole=True)


def test_api_pages_build(tmp_path):
    pytest.importorskip("pdoc", reason='pdoc is not installed: pip install ".[docs]"')
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        runpy.run_path(str(ROOT / "docs/build_api.py"))["build"](tmp_path)
    front = (tmp_path / "c3n_model.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in front for name in ("Session", "load_model", "open_source", "segment"))
    assert "Segment the newest window" in (tmp_path / "c3n_model/streaming/session.html").read_text(encoding="utf-8")
    assert (tmp_path / "c3n_model/network/c3n.html").exists()
    assert not (tmp_path / "c3n_model/commands").exists()


def test_the_site_has_every_document_and_no_broken_link(tmp_path):
    pytest.importorskip("markdown2", reason='markdown2 is not installed: pip install ".[docs]"')
    command = [sys.executable, "docs/build_site.py", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    built = sorted(tmp_path.rglob("*.html"))
    guides = {path.stem for path in ROOT.glob("docs/guide/*.md")}
    assert {path.stem for path in built} >= guides | {"index", "zero_shot", "architecture"}
    for page in built:
        links = re.findall(r'(?:href|src)="([^"#:]+)[#"]', page.read_text(encoding="utf-8"))
        links = [link for link in links if not link.endswith("/c3n_model.html")]  # build_api.py writes it
        assert [link for link in links if not (page.parent / link).exists()] == [], page
