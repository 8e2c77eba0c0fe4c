"""Arguments that several verbs take."""

from argparse import ArgumentParser
from pathlib import Path


def study_file(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="study.toml")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="change one key of the file, such as space.lr.low=1e-4; may be repeated",
    )


def recorded_study(parser: ArgumentParser, optional: bool = False) -> None:
    parser.add_argument(
        "study", nargs="?" if optional else None, help="a study's name, or its file" + "; all, without" * optional
    )
    journal(parser)


def journal(parser: ArgumentParser) -> None:
    where = "where it is recorded, a password as ${env:NAME}; default: .hpsearch/journal.db here"
    parser.add_argument("--journal", metavar="URL", help=where)
