"""Print the licences of what is installed, as one table: what `make licences` calls, with the environment's Python.

The licence is what a package states of itself: its SPDX expression, else its classifiers, else the first line of its free text, else its
package.xml. Wheels may contain libraries under other licences; those in `GPL_LIBRARIES` are shown with their package.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

LONGEST = 60  # characters of a free text; some packages state their whole licence
NOT_STATED = "not stated"
GPL_LIBRARIES = ("libx264", "libx265", "libxvidcore", "libpostproc")


def licence_of(package: metadata.Distribution, prefix: Path = Path(sys.prefix)) -> str:
    """Return what a package states of its licence, and the GPL's libraries that it contains; `prefix` has ROS's share/."""
    fields = package.metadata
    classifiers = [text.split(" :: ")[-1] for text in fields.get_all("Classifier") or () if text.startswith("License")]
    stated = ", ".join(sorted({name for name in classifiers if name != "OSI Approved"}))
    free = next((line.strip() for line in (fields.get("License") or "").splitlines() if line.strip()), "")
    free = free if len(free) <= LONGEST else f"{free[:LONGEST]}..."
    licence = fields.get("License-Expression") or stated or free or _of_package_xml(package, prefix) or NOT_STATED
    files = {Path(file).name for file in package.files or ()}
    contained = sorted(library for library in GPL_LIBRARIES if any(file.startswith(library) for file in files))
    return f"{licence}; contains {', '.join(contained)} (GPL)" if contained else licence


def _of_package_xml(package: metadata.Distribution, prefix: Path) -> str:
    """Return the licences in the package.xml of a ROS package, "" if it has none. Wheels are called ros-NAME, packages NAME."""
    name = package.metadata["Name"].replace("-", "_")
    names = (name, name.removeprefix("ros_"), name.removeprefix("ros_jazzy_"))
    files = (prefix / "share" / each / "package.xml" for each in names)
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return ""
    return ", ".join(entry.text or "" for entry in ElementTree.parse(file).getroot().iter("license"))


def rows(packages: Iterable[metadata.Distribution], prefix: Path = Path(sys.prefix)) -> list[tuple[str, str, str]]:
    """Return (name, version, licence) of each package once, by name."""
    found: dict[str, tuple[str, str, str]] = {}
    for package in packages:
        if name := package.metadata.get("Name"):
            key = re.sub(r"[-_.]+", "-", name).lower()
            found.setdefault(key, (name, package.version, licence_of(package, prefix)))
    return [found[key] for key in sorted(found)]


def table(entries: list[tuple[str, str, str]]) -> str:
    """Return the table as text."""
    header = ("package", "version", "licence")
    widths = [max(len(entry[column]) for entry in [header, *entries]) for column in (0, 1)]
    lines = [f"{name:<{widths[0]}}  {version:<{widths[1]}}  {licence}" for name, version, licence in [header, *entries]]
    unstated = sum(licence == NOT_STATED for *_, licence in entries)
    return "\n".join([*lines, "", f"{len(entries)} packages, {unstated} without a statement"])


if __name__ == "__main__":
    print(table(rows(metadata.distributions())))
