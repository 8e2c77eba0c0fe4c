"""`hpsearch export`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study
from hpsearch.core.errors import BadInput


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("--format", choices=["json", "csv", "parquet", "optuna"], default="json")
    parser.add_argument("-o", "--output", type=Path, help="the file to write; json and csv go to stdout without")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.core.format import json_text
    from hpsearch.records import export
    from hpsearch.records.find import opened

    _check(args)
    with opened(args.study, args.journal) as (journal, study):
        record, objective, trials = study.record, study.objective, journal.trials(study.record.id)
        if args.format == "json":
            document = export.as_document(
                record,
                objective,
                trials,
                journal.decisions(record.id),
                journal.documents(record.id),
                journal.segments(record.id),
            )
    what = ""
    match args.format:
        case "json" | "csv":
            text = json_text(document, indent=2) if args.format == "json" else export.as_csv(objective, trials)
            if args.output is None:
                yield Answer(document if args.format == "json" else None, lambda: text)
                return
            args.output.write_text(text + "\n", encoding="utf-8")
        case "parquet":
            export.as_parquet(objective, trials, args.output)
            what = f"{len(trials)} trials "
        case "optuna":
            from hpsearch.samplers.optuna.study_file import write_study

            what = f"{write_study(args.output, record.name, objective, study.space, trials)} settled trials "
    yield Answer({"written": str(args.output)}, lambda: f"{what}written to {args.output}")


def _check(args: Namespace) -> None:
    if args.format in ("parquet", "optuna") and args.output is None:
        raise BadInput(f"--format {args.format} writes a file: say which with -o FILE")
    if args.format == "csv" and args.json and args.output is None:
        raise BadInput("--format csv prints CSV and --json an object: leave one out, or name a file with -o FILE")
    if args.output is not None and not args.output.parent.is_dir():
        raise BadInput(f"-o {args.output}: there is no folder {args.output.parent}")
