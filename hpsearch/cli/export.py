"""`hpsearch export`."""

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.verb import Answer, recorded_study
from hpsearch.core.errors import BadInput


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    formats, what = (
        ["json", "csv", "parquet", "optuna", "requirements"],
        "default: json; requirements: for pip install -r",
    )
    parser.add_argument("--format", choices=formats, default="json", help=what)
    parser.add_argument("-o", "--output", type=Path, help="file to write; default for json, csv, requirements: stdout")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.api import write_export
    from hpsearch.core.format import json_text, many
    from hpsearch.records.export import export
    from hpsearch.records.find import opened

    _check(args)
    with opened(args.study, args.journal) as (journal, study):
        found = export(journal, study)
    if args.format == "requirements":
        yield _requirements(found.requirements(), args.output)
        return
    if args.output is None:
        document = found.document() if args.format == "json" else None
        text = json_text(document, indent=2) if document else found.csv()
        yield Answer(document, lambda: text)
        return
    count = write_export(found, args.format, args.output)
    yield Answer({"written": str(args.output)}, lambda: f"{many(count, 'trial')} written to {args.output}")


def _requirements(text: str, output: Path | None) -> Answer:
    if output is None:
        return Answer({"requirements": text.splitlines()}, lambda: text)
    output.write_text(f"{text}\n", encoding="utf-8")
    return Answer({"written": str(output)}, lambda: f"written to {output}; pip install -r {shlex.quote(str(output))}")


def _check(args: Namespace) -> None:
    if args.format in ("parquet", "optuna") and args.output is None:
        raise BadInput(f"--format {args.format} writes a file: name it with -o FILE")
    if args.format == "csv" and args.json and args.output is None:
        raise BadInput("--format csv prints CSV and --json an object: leave one out, or name a file with -o FILE")
    if args.output is not None and not args.output.parent.is_dir():
        raise BadInput(f"-o {args.output}: there is no folder {args.output.parent}")
