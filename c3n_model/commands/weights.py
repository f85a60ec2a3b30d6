"""`c3n weights list | get | verify | path`: the pretrained files."""

from __future__ import annotations


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("weights", help="list, fetch and verify pretrained files")
    verbs = command.add_subparsers(required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="every pretrained file, its licence, and whether it lies on this machine")
    listing.set_defaults(run=run_list)
    fetch = verbs.add_parser("get", help="download files into the cache; an interrupted download goes on")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="a file or a set, such as zero_shot")
    fetch.add_argument("--sha256", help="of a single file for which the list names no checksum")
    fetch.set_defaults(run=run_get)
    verify = verbs.add_parser("verify", help="compare checksums of what is here; fails if any is wrong")
    verify.add_argument("names", nargs="*", metavar="NAME", help="files or sets (default: whatever is here)")
    verify.set_defaults(run=run_verify)
    where = verbs.add_parser("path", help="where a file lies")
    where.add_argument("name", metavar="NAME", help="a file or a set")
    where.set_defaults(run=run_path)


def run_list(options, _: str) -> str:
    """`c3n weights list`."""
    from c3n_model.weights import manifest

    rows = [("NAME", "SIZE", "CHECKSUM", "LICENCE", "WHERE")]
    for file in manifest.read_manifest().values():
        present = manifest.locate(file)
        missing = "missing" if file.urls else "missing, to be put there by hand"
        rows.append((file.name, file.size, file.checksum_kind, file.licence, str(present or missing)))
    sets = [f"set {name}: {' '.join(members)}" for name, members in manifest.sets().items()]
    return "\n".join([*_table(rows), "", *sets])


def run_get(options, _: str) -> str:
    """`c3n weights get`. One that fails does not keep the others from coming; then it raises OSError."""
    from c3n_model.progress import bar
    from c3n_model.weights import manifest

    names = manifest.expand(options.names)
    if options.sha256 and len(names) != 1:
        raise ValueError(f"--sha256 is of one file; {' '.join(options.names)} are {len(names)}")
    lines, failures = [], []
    for name in names:
        try:
            lines.append(f"{name}: {manifest.get(name, bar, sha256=options.sha256)}")
        except (OSError, ValueError) as error:
            failures.append(str(error))
    if failures:
        print("\n".join(lines))
        raise OSError("; ".join(failures))
    return "\n".join(lines)


def run_verify(options, _: str) -> str:
    """`c3n weights verify`. Raises ValueError if a file is wrong, FileNotFoundError if a named one is missing."""
    from c3n_model.progress import bar
    from c3n_model.weights import manifest

    named = manifest.expand(options.names)
    present = {name: manifest.locate(manifest.entry(name)) for name in named or manifest.read_manifest()}
    rows, wrong = [], []
    for name, path in bar([item for item in present.items() if item[1]], "verify"):
        file = manifest.entry(name)
        fault = manifest.fault(file, path)
        good = (
            f"good {file.checksum_kind}" if file.checksum else f"no checksum known; sha256 {manifest.checksum_of(path)}"
        )
        rows.append((name, f"WRONG {fault}" if fault else good, str(path)))
        wrong += [name] if fault else []
    lines = "\n".join(_table(rows)) or "no pretrained file is on this machine; `c3n weights list` names them all"
    if wrong:
        print(lines)
        raise ValueError(f"{len(wrong)} of {len(rows)} files are not what they should be: {', '.join(wrong)}")
    for name in named:
        manifest.find(name)  # raises for what is missing
    return lines


def run_path(options, _: str) -> str:
    """`c3n weights path`."""
    from c3n_model.weights import manifest

    return "\n".join(str(manifest.find(name)) for name in manifest.expand([options.name]))


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
