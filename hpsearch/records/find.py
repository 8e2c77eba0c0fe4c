"""Finds a recorded study by its name, file or folder, in a journal by its URL or folder."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from hpsearch.core.errors import BadInput, NotFound
from hpsearch.core.folders import expanded_url, study_home
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import Objective
from hpsearch.journal import Journal, StudyRecord, TrainingSegment
from hpsearch.records.study_place import check_same_file, place_of
from hpsearch.study.definition import Study, objective_of
from hpsearch.study.file.address_secrets import MAX_LENGTH, has_secret, keep_secrets, resolved
from hpsearch.study.file.faults import Faults
from hpsearch.study.file.kinds import MAX_STUDY_NAME_BYTES
from hpsearch.study.file.lines import Lines
from hpsearch.study.file.space import space_section
from hpsearch.study.space import Space


@dataclass(frozen=True)
class JournalStudy:
    """A study in the journal."""

    record: StudyRecord

    @property
    def objective(self) -> Objective:
        return objective_of(self.record.spec["study"], self.record.spec.get("trainer", {}))

    @property
    def metric_meanings(self) -> dict[str, str]:
        """The section [metrics]: meaning -> name of a metric."""
        return dict(self.record.spec.get("metrics", {}))

    @property
    def replicates(self) -> Replicates:
        return Replicates.recorded(self.record.spec["trainer"])

    @property
    def space(self) -> Space:
        space = space_section.parse(self.record.spec["space"], Faults("the journal", Lines()))
        assert space is not None, "what is recorded was checked before"
        return space


def is_file(study: str | None) -> bool:
    return study is not None and study.endswith(".toml")


def file_of(study: str | None) -> Study | None:
    """The study in a study file; None if `study` is a name."""
    return Study.load(study) if study is not None and is_file(study) else None


def folder_of(study: str | None) -> Path | None:
    """The folder with the journal; None if `study` is a name or a study file.

    study: the path of a home (`.hpsearch`), of the folder that has it, or of a study's own folder in it.
    """
    if study is None or is_file(study):
        return None
    path = Path(study).absolute()
    own = [path.parent.parent] if path.parent.name == "studies" else []
    return next((one for one in (path, path / ".hpsearch", *own) if (one / "journal.db").exists()), None)


def home() -> Path:
    """The home folder without a study file: HPSEARCH_HOME, or .hpsearch in the current folder."""
    return study_home(Path())


def work_folder(record: StudyRecord, segments: Sequence[TrainingSegment], *homes: Path | None) -> Path | None:
    """The folder with the checkpoints and logs of a recorded study: in one of the homes, in `home()`, or in the folder
    that it was trained in. None: not on this machine. segments: of the study, or of one of its trials."""
    trained = [Path(one.environment.document["code"]["folder"]) / ".hpsearch" for one in segments[-1:]]
    own = f"*-{record.uid[:8]}"
    places = [*filter(None, homes), home(), *trained]
    return next((folder for place in places for folder in (place / "studies").glob(own)), None)


def homes(study: str, url: str | None) -> list[Path | None]:
    """The homes to search with `work_folder`: of the study's file or folder, and of its SQLite journal.
    study, url: as for `opened`."""
    file = file_of(study)
    beside = Path(url.removeprefix("sqlite:///").partition("?")[0]).absolute().parent if url else None
    return [file.home if file else folder_of(study), beside]


def looked_up(url: str, option: str) -> str:
    """The URL of an option, with ${env:NAME} replaced. BadInput for a password in it: all users of the machine can read
    the command line."""
    if len(url) > MAX_LENGTH:
        raise BadInput(f"{option}: an address must have at most {MAX_LENGTH:,} characters, got {len(url):,}")
    if has_secret(url):
        raise BadInput(
            f"{option}: a password must not be in the address, which all users of this machine can read; write "
            "${env:NAME} in its place"
        )
    try:
        found = expanded_url(resolved(url, os.environ))
    except KeyError as missing:
        raise BadInput(f"{option}: the environment variable {missing.args[0]} is not set") from None
    keep_secrets(url, os.environ)
    return found


def journal_url(study: str | None, url: str | None = None) -> str:
    """The URL of the journal: `url` (as for `--journal`), else of the study's file or folder, else of `home()`.

    NotFound: there is none.
    """
    if url is not None:
        return looked_up(url, "journal")
    if (file := file_of(study)) is not None:
        return file.journal_url
    here = (folder_of(study) or home()) / "journal.db"
    if not here.exists():
        raise NotFound(
            f"there is no journal at {here}: name the study's file in place of its name, or the journal with "
            "--journal URL (in Python: journal=URL), or run a study first"
        )
    return f"sqlite:///{here}"


@contextmanager
def journal_of(study: str | None, url: str | None = None) -> Iterator[Journal]:
    """The journal at `journal_url`. NotFound: there is none; it is not created."""
    with Journal.open(journal_url(study, url), create=False) as journal:
        yield journal


def study_in(journal: Journal, study: str) -> JournalStudy:
    """A study by its name, its file or its folder. NotFound if it is not recorded there, with the nearest name;
    StudyChanged if the study of this name belongs to another file."""
    file = file_of(study)
    name = file.study.name if file else study
    record = journal.find(name)
    if record is None and folder_of(study) is not None:
        return JournalStudy(_only_study(journal, Path(study).absolute()))
    if record is None:
        names = [other.name for other in journal.studies()]
        near = get_close_matches(name, names, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; recorded are: {', '.join(names) or 'none'}"
        raise NotFound(f'no study "{name}" in this journal{hint}')
    if file is not None and file.path is not None:
        check_same_file(name, place_of(journal, record), str(file.path.resolve()))
    return JournalStudy(record)


def _only_study(journal: Journal, folder: Path) -> StudyRecord:
    """The study of this folder, or the only study of a home; evaluations of it do not count.

    NotFound if there are several.
    """
    records = journal.studies()
    if own := [one for one in records if folder.name.endswith(f"-{one.uid[:8]}")]:
        return own[0]
    evaluations = {evaluation_name(one) for one in records}
    searched = [one for one in records if one.name not in evaluations]
    if not searched:
        raise NotFound(f"no study is recorded in {folder}")
    if len(searched) > 1:
        names = ", ".join(one.name for one in searched)
        raise NotFound(f"{len(searched)} studies are recorded in {folder}: name one of them: {names}")
    return searched[0]


@contextmanager
def opened(study: str, url: str | None = None) -> Iterator[tuple[Journal, JournalStudy]]:
    """A study, named as for `study_in`, and its journal, as `journal_of` finds it. NotFound."""
    with journal_of(study, url) as journal:
        yield journal, study_in(journal, study)


def check_trial(journal: Journal, study: JournalStudy, number: int) -> None:
    """NotFound if the study has no trial of that number."""
    check_number(study.record.name, number, sum(journal.summary(study.record.id).trials.values()))


def check_number(name: str, number: int, count: int) -> None:
    """NotFound for a number that none of the study's `count` trials has."""
    if not 0 <= number < count:
        has = f"it has trials 0 to {count - 1}" if count else "it has none yet"
        raise NotFound(f'study "{name}" has no trial {number}: {has}')


def evaluation_name(record: StudyRecord) -> str:
    """The name of the study that trains the finalists of this one."""
    name = f"{record.name} evaluation"
    return name if len(name.encode()) <= MAX_STUDY_NAME_BYTES else f"{record.uid} evaluation"
