"""`c3n weights list | get | verify | path`: manage pretrained files."""

from __future__ import annotations


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser("weights", help="list, download and verify pretrained files")
    verbs = command.add_subparsers(required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="list all pretrained files, their licences and local paths")
    listing.set_defaults(run=run_list)
    fetch = verbs.add_parser("get", help="download files to the cache; resumes interrupted downloads")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="a file or a set, such as zero_shot")
    fetch.add_argument("--sha256", help="expected checksum of a single file for which none is published")
    fetch.set_defaults(run=run_get)
    verify = verbs.add_parser("verify", help="verify the checksums of local files")
    verify.add_argument("names", nargs="*", metavar="NAME", help="files or sets (default: all local files)")
    verify.set_defaults(run=run_verify)
    where = verbs.add_parser("path", help="print the path of a file")
    where.add_argument("name", metavar="NAME", help="a file or a set")
    where.set_defaults(run=run_path)


def run_list(options, _: str) -> str:
    """List all pretrained files and sets."""
    from c3n_model.weights import manifest

    rows = [("NAME", "SIZE", "CHECKSUM", "LICENCE", "WHERE")]
    for file in manifest.read_manifest().values():
        present = manifest.locate(file)
        missing = "missing" if file.urls else "missing, download by hand"
        rows.append((file.name, file.size, file.checksum_kind, file.licence, str(present or missing)))
    sets = [f"set {name}: {' '.join(members)}" for name, members in manifest.sets().items()]
    return "\n".join([*_table(rows), "", *sets])


def run_get(options, _: str) -> str:
    """Download files. Raises OSError if any fails, after trying all of them."""
    from c3n_model.progress import bar
    from c3n_model.weights import manifest

    names = manifest.expand(options.names)
    if options.sha256 and len(names) != 1:
        raise ValueError(f"--sha256 applies to a single file; got {len(names)} files: {' '.join(names)}")
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
    """Verify checksums. Raises ValueError if a file is wrong, FileNotFoundError if a named file is missing."""
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
    lines = "\n".join(_table(rows)) or "no pretrained files on this machine; see `c3n weights list`"
    if wrong:
        print(lines)
        raise ValueError(
            f"{len(wrong)} of {len(rows)} files have the wrong size or checksum: {', '.join(wrong)}; "
            "remove them and run `c3n weights get`"
        )
    for name in named:
        manifest.find(name)  # raises if it is missing
    return lines


def run_path(options, _: str) -> str:
    """Print the paths of a file or a set."""
    from c3n_model.weights import manifest

    return "\n".join(str(manifest.find(name)) for name in manifest.expand([options.name]))


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
