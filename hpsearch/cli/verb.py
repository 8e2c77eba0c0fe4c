"""The answer of a verb, and arguments that several verbs have."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """Printed by `hpsearch.cli.main`. data: for `--json`. text: for the screen, computed only where it is printed."""

    data: Any
    text: Callable[[], str]
    exit_code: int = 0


def study_file(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="study.toml", help="the study file")
    change = "override one key of the file, such as space.lr.low=1e-4; may be repeated"
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE", help=change)


def recorded_study(parser: ArgumentParser, optional: bool = False) -> None:
    which = "name or file of the study" + "; default: all studies" * optional
    parser.add_argument("study", nargs="?" if optional else None, help=which)
    journal(parser)


def journal(parser: ArgumentParser) -> None:
    where = "URL of the journal, with a password as ${env:NAME}; default: .hpsearch/journal.db here"
    parser.add_argument("--journal", metavar="URL", help=where)
