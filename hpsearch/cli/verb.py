"""The answer of a verb, and arguments that several verbs have."""

import shlex
from argparse import ArgumentParser, ArgumentTypeError, Namespace
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


JOURNAL_DEFAULT = "default: journal.db in the home folder, which `hpsearch config` shows"


def study_file(parser: ArgumentParser) -> None:
    _file(parser, _path, "the study file")


def study_text(parser: ArgumentParser) -> None:
    """A study file or standard input, for commands that only read it."""
    _file(parser, _study_path, "the study file; - reads standard input")


def _path(word: str) -> Path:
    if word == "-":
        raise ArgumentTypeError("standard input can be checked (`hpsearch check -`), but a study needs a file")
    return _study_path(word)


def _study_path(word: str) -> Path:
    try:
        is_new = not Path(word).exists()
    except OSError as problem:
        raise ArgumentTypeError(f"this path cannot be used: {problem.strerror}") from None
    if "." not in word and is_new and (file := _recorded_file(word)):
        raise ArgumentTypeError(f'"{word}" is the name of a recorded study; its file is {file}')
    return Path(word)


def _recorded_file(name: str) -> str:
    """The study file of a recorded study; "" where there is no such study."""
    from hpsearch.core.errors import HpsearchError
    from hpsearch.records.find import opened
    from hpsearch.records.study_place import place_of

    try:
        with opened(name, None) as (journal, found):
            return place_of(journal, found.record) if found.record.name == name else ""
    except HpsearchError:
        return ""


def trial_number(word: str) -> int:
    if not word.lstrip("-").isdecimal():
        raise ArgumentTypeError(
            f"must be the number of a trial, such as 7, got {word!r}; `hpsearch best STUDY` shows the best trial"
        )
    return int(word)


def _file(parser: ArgumentParser, kind: Callable[[str], Path], what: str) -> None:
    parser.add_argument("file", type=kind, metavar="study.toml", help=what)
    overrides(parser)


def overrides(parser: ArgumentParser) -> None:
    change = "override one key of the file, such as space.lr.low=1e-4; may be repeated"
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE", help=change)


def recorded_study(parser: ArgumentParser, optional: bool = False) -> None:
    which = "name or file of the study" + "; default: all studies" * optional
    parser.add_argument("study", nargs="?" if optional else None, help=which)
    journal(parser)


def same_study(args: Namespace, command: str, *words: str) -> str:
    """The line of another command for the study of these arguments: it is named as in this call, so that the command
    finds it from the same folder."""
    journal = ["--journal", args.journal] if args.journal else []
    return shlex.join(["hpsearch", command, args.study, *words, *journal])


def journal(parser: ArgumentParser) -> None:
    where = "URL of the journal, with a password as ${env:NAME}; " + JOURNAL_DEFAULT
    parser.add_argument("--journal", metavar="URL", help=where)
