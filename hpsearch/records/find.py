"""Finding what a reader asks for: a study by its name or its file, in a journal by its URL or its place."""

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput, NotFound, StudyChanged
from hpsearch.core.trial import Objective
from hpsearch.journal import Journal, StudyRecord
from hpsearch.study.definition import Study, differences, load, recorded
from hpsearch.study.file import space_section
from hpsearch.study.file.faults import Faults
from hpsearch.study.file.lines import Lines
from hpsearch.study.file.reading import resolved
from hpsearch.study.space import Space


@dataclass(frozen=True)
class Recorded:
    """A study as the journal has it."""

    record: StudyRecord

    @property
    def objective(self) -> Objective:
        about = self.record.spec["study"]
        return Objective(about["metric"], about["goal"], about["at"])

    @property
    def space(self) -> Space:
        space = space_section.parse(self.record.spec["space"], Faults("the journal", Lines()))
        assert space is not None, "what is recorded was checked before"
        return space


def is_file(study: str | None) -> bool:
    return study is not None and study.endswith(".toml")


def home() -> Path:
    """Where everything embedded lives when no study file says so: HPSEARCH_HOME, or .hpsearch here."""
    return Path(os.environ.get("HPSEARCH_HOME") or ".hpsearch").absolute()


def file_of(args: Namespace) -> Study | None:
    return load(Path(args.study)) if is_file(args.study) else None


def looked_up(url: str, option: str) -> str:
    """The URL that an option gives: ${env:NAME} stands for a password, which on a command line everybody could read."""
    try:
        return resolved(url, os.environ)
    except KeyError as missing:
        raise BadInput(f"{option}: the environment variable {missing.args[0]} is not set") from None


@contextmanager
def journal_of(args: Namespace) -> Iterator[Journal]:
    """The journal that the arguments name; nothing is made where there is none. NotFound."""
    study, here = file_of(args), home() / "journal.db"
    if args.journal is None and study is None and not here.exists():
        raise NotFound(
            f"there is no journal at {here}: name the study's file in place of its name, or the journal with "
            "--journal URL, or make one with `hpsearch run`"
        )
    own = study.journal_url if study else f"sqlite:///{here}"
    url = looked_up(args.journal, "--journal") if args.journal else own
    with Journal.open(url, create=False) as journal:
        yield journal


def opened(journal: Journal, args: Namespace) -> Recorded:
    """NotFound for a study that is not recorded there, with the nearest name that is."""
    study = file_of(args)
    name = study.study.name if study else args.study
    record = journal.find(name)
    if record is None:
        names = [other.name for other in journal.studies()]
        near = get_close_matches(name, names, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; recorded are: {', '.join(names) or 'none'}"
        raise NotFound(f'no study "{name}" in this journal{hint}')
    return Recorded(record)


def trainable(args: Namespace, journal: Journal, record: StudyRecord) -> Study:
    """A recorded study to train with again: as its file has it, or where its name was given as the journal has it.

    Then its trainer is looked for where it was when it was trained, or here. StudyChanged: the file is another by now.
    """
    file = file_of(args)
    if file is None:
        return recorded(_spec(args, record), _folder(journal, record) / f"{record.name}.toml")
    if changed := differences(record.identity, file.identity()):
        raise StudyChanged(
            f'study "{record.name}" is recorded with other content:\n  ' + "\n  ".join(changed) + "\n"
            "put it back, or give the study's name in place of its file"
        )
    return file


def _folder(journal: Journal, record: StudyRecord) -> Path:
    trained = journal.segments(record.id)
    folder = Path(trained[-1].environment.document["code"]["folder"]) if trained else Path.cwd()
    return folder if folder.is_dir() else Path.cwd()


def _spec(args: Namespace, record: StudyRecord) -> Mapping[str, Any]:
    """With the journal that it was found in."""
    head, mark, rest = (args.journal or f"sqlite:///{home() / 'journal.db'}").partition("sqlite:///")
    url = f"{mark}{Path(rest).absolute()}" if mark else head
    return {**record.spec, "journal": {**record.spec["journal"], "url": url}}


def check_trial(journal: Journal, study: Recorded, number: int) -> None:
    """NotFound where the study has no trial of that number."""
    count = sum(journal.summary(study.record.id).trials.values())
    if not 0 <= number < count:
        has = f"it has trials 0 to {count - 1}" if count else "it has none yet"
        raise NotFound(f'study "{study.record.name}" has no trial {number}: {has}')
