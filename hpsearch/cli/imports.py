"""`hpsearch import`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from hpsearch.cli.verb import Answer, overrides


def arguments(parser: ArgumentParser) -> None:
    what = "CSV or Parquet file, Optuna storage (URL or file), mlflow:EXPERIMENT, or folder of a Ray Tune experiment"
    parser.add_argument("source", metavar="SOURCE", help=what)
    parser.add_argument("--into", required=True, type=Path, metavar="study.toml", help="the study that learns from it")
    overrides(parser)
    same = "confirm that the results come from the study's trainer and data; without it nothing is imported"
    parser.add_argument("--same-trainer", action="store_true", help=same)
    names = "the names in the source: lr=learning_rate,val_loss=loss; step=COLUMN and trial=COLUMN for curves"
    parser.add_argument("--columns", action="append", default=[], metavar="NAME=COLUMN,…", help=names)
    parser.add_argument("--study", metavar="NAME", help="the study in an Optuna storage that has several")
    parser.add_argument("--mlflow", metavar="URI", help="URI of MLflow; default: the study's")
    parser.add_argument("--encoding", metavar="NAME", help="encoding of a CSV file; default: UTF-8")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.imports import columns, text
    from hpsearch.orchestrator.evidence.import_results import Request, import_results
    from hpsearch.study.definition import Study

    study = Study.load(args.into, args.overrides)
    named = columns(args.columns)
    asked = Request(args.source, named, args.study, args.mlflow, args.encoding, args.same_trainer)
    result = import_results(study, asked)
    yield Answer(result.document(), partial(text, result, str(args.into)))
