"""What a command reads only from files of the caller, not from the record of a study.

Other users may write to a shared journal. So `${env:NAME}` in a record is not replaced, code is imported only from
files of the caller, and the addresses of MLflow and of a cluster come from the caller: from the study file, an option,
or the environment.
"""

import importlib.util
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hpsearch.core.errors import BadInput, HpsearchError, StudyChanged
from hpsearch.core.ownership import is_callers
from hpsearch.core.redact import redact
from hpsearch.core.trial import ASK_AND_TELL
from hpsearch.journal import Journal, StudyRecord
from hpsearch.provenance.module_search import module_of
from hpsearch.records import find
from hpsearch.records.kept_rules import with_extension
from hpsearch.records.study_place import place_of
from hpsearch.study.definition import Study
from hpsearch.study.differences import differences
from hpsearch.study.program import Program
from hpsearch.trainer.contract import sources_of
from hpsearch.trainer.source.source_reader import Definition, SourceReader

OWN_CLUSTERS = ("local", "none", "auto")
"""Values of resources.address that name no address; "auto" reads RAY_ADDRESS."""

MLFLOW = "MLFLOW_TRACKING_URI"
NO_ADDRESSES: Mapping[str, Any] = MappingProxyType({})
REFERENCE = f"${{env:{MLFLOW}}}"


@dataclass(frozen=True)
class CallersStudy:
    """A recorded study. file: the caller's own study file, if it still exists; else None. problem: why that
    file cannot be read now."""

    record: StudyRecord
    file: Study | None
    problem: str = ""

    @classmethod
    def of(cls, journal: Journal, record: StudyRecord) -> "CallersStudy":
        place = Path(place_of(journal, record))
        if place.suffix != ".toml" or not (is_callers(place) and is_callers(place.parent)):
            return cls(record, None)
        try:
            file = Study.load(place)
        except HpsearchError as problem:
            return cls(record, None, str(problem))
        return cls(record, file if file.study.name == record.name else None)

    def folder(self, journal: Journal) -> Path:
        """The folder from which its trainer is imported: the study file's, else the folder in which it was trained,
        else the current folder."""
        if self.file is not None:
            return self.file.folder
        trained = journal.segments(self.record.id)
        folder = Path(trained[-1].environment.document["code"]["folder"]) if trained else Path.cwd()
        return folder if folder.is_dir() else Path.cwd()

    def tracking(self, home: Path, *, option: str = "") -> str | None:
        """MLflow's address, in the form of a study file; None: the store in the home. home: the folder with the default
        store. option: text of the message about the command's option. BadInput if only the record has the address."""
        written = self.record.spec.get("tracking", {}).get("mlflow")
        if written in (None, "none"):
            return None if written is None else "none"
        if self.file is not None and self.file.tracking.mlflow == written:
            return str(written)
        if written in (os.environ.get(MLFLOW), REFERENCE):
            return REFERENCE
        if (file := _own_store(written, home)) is not None:
            return f"sqlite:///{file}"
        if self.problem:
            raise BadInput(f'the file of study "{self.record.name}" cannot be read: {self.problem}')
        raise BadInput(
            f'study "{self.record.name}" is recorded with tracking.mlflow = "{redact(written)}", and an address that '
            f"only a journal names is not used: give the study file in place of the study's name, {option}or set "
            f"{MLFLOW} to this address"
        )

    def check_code(self, study: Study) -> None:
        """study: as recorded, with the folder to import from. BadInput if its code or its cluster is not the caller's.
        Imports nothing."""
        file = self.file
        self._check_cluster(study, file.resources.address if file is not None else "")
        for name in ("search", "prune"):
            use = getattr(getattr(study, name), "use", None)  # of the user's own sampler or pruner
            if use is not None and use != getattr(getattr(file, name, None), "use", None):
                self._check_module(use, study.folder)
        own = study.trainer
        if own.from_python or own.use == ASK_AND_TELL or (file is not None and _trainer(file) == _trainer(study)):
            return
        if own.command is not None:
            raise self._refused("its trainer is a command")
        self._check_module(own.use, study.folder, own.program)

    def _check_module(self, use: str, folder: Path, program: Program | None = None) -> None:
        """use: "module:name", or the script of a program."""
        place, _, name = use.rpartition(":") if ":" in use else (use, "", "")
        file = folder / Path(place).expanduser()
        self._check_paths([folder, *([file] if file.suffix else [])])
        sources = sources_of(use, folder, program)  # may import packages from the folder
        if not sources.files and (file.exists() if file.suffix else _spec(place)):
            raise self._refused(f"{use} is not one of your files")
        self._check_paths(path for one in sources.files.values() for path in (one.parent, one))
        if name and (elsewhere := _defined_elsewhere(module_of(use, folder), name, sources.files)):
            raise self._refused(f"{use} is {elsewhere}, which is not in one of your files")

    def _check_paths(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path.exists() and not is_callers(path):
                raise self._refused(f"{path} belongs to another user, or everybody may write to it")

    def _check_cluster(self, study: Study, own: str) -> None:
        if study.resources.address not in (*OWN_CLUSTERS, own):
            raise self._refused(f'resources.address = "{redact(study.resources.address)}" is another machine')

    def _refused(self, why: str) -> BadInput:
        return BadInput(
            f'study "{self.record.name}" is not trained from its record alone: {why}, and others may have written this '
            "to the journal. Pass the path of the study file in place of the study's name"
        )


def trainable(journal: Journal, record: StudyRecord, study: str, url: str | None = None) -> Study:
    """A recorded study, to train it again: from its file, or from the journal if its name was given.

    StudyChanged: the file has changed. BadInput: see `CallersStudy`. study, url: as for `records.find.opened`.
    """
    file = find.file_of(study)
    if file is None:
        return _from_journal(journal, record, url)
    file = with_extension(file.with_recorded_rules(record.spec), journal, record)
    if changed := differences(record.identity, file.identity()):
        raise StudyChanged(
            f'study "{record.name}" is recorded with different settings:\n  ' + "\n  ".join(changed) + "\n"
            "undo the change, or give the study's name in place of its file"
        )
    return file


def _from_journal(journal: Journal, record: StudyRecord, url: str | None) -> Study:
    own = CallersStudy.of(journal, record)
    head, mark, rest = (url or f"sqlite:///{find.home() / 'journal.db'}").partition("sqlite:///")
    own_home = Path(rest).absolute().parent if mark else find.home()
    tracking = own.tracking(own_home)
    addresses = {
        "journal": {**record.spec.get("journal", {}), "url": f"{mark}{Path(rest).absolute()}" if mark else head},
        "tracking": {} if tracking is None else {"mlflow": tracking},
    }
    study = as_recorded(record, own.folder(journal), addresses)
    own.check_code(study)
    return study


def as_recorded(
    record: StudyRecord,
    folder: Path,
    addresses: Mapping[str, Any] = NO_ADDRESSES,
    environment: Mapping[str, str] = os.environ,
) -> Study:
    """The study of a record, with the caller's [journal] and [tracking], without [notify]. BadInput if the record has
    ${env:NAME} in other sections: only a study file of the caller may have it."""
    parts = {name: table for name, table in record.spec.items() if name not in ("journal", "tracking", "notify")}
    if (key := _with_reference(parts)) is not None:
        raise BadInput(f'the record of study "{record.name}" has ${{env:…}} in {key}: pass the path of the study file')
    return Study.from_dict({**parts, **addresses}, folder=folder, environment=environment)


def _with_reference(value: Any, key: str = "") -> str | None:
    """The key of a text with ${env:, or None."""
    if isinstance(value, str):
        return key if "${env:" in value else None
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    found = (_with_reference(part, f"{key}.{name}".strip(".")) for name, part in parts)
    return next((one for one in found if one is not None), None)


def _trainer(study: Study) -> Mapping[str, Any]:
    """The section [trainer] without the number of epochs."""
    return {key: value for key, value in study.spec()["trainer"].items() if key != "epochs"}


def _own_store(uri: str, home: Path) -> Path | None:
    """The path of a SQLite file in the home, or of an existing one beside it. None for any other address."""
    name = uri.removeprefix("sqlite:///")
    if name == uri or "?" in name:
        return None
    file = (home.parent / name).resolve()
    if file.is_relative_to(home.resolve()):
        return file
    beside = find.home().parent.resolve()
    file = (beside / name).resolve()
    return file if file.is_relative_to(beside) and is_callers(file) else None


def _spec(module: str) -> object:
    """None if the module is not found. Only its top package is looked up; nothing is imported."""
    with suppress(ImportError, ValueError):
        return importlib.util.find_spec(module.partition(".")[0])
    return None


def _defined_elsewhere(module: str, name: str, files: Mapping[str, Path]) -> str:
    """Such as `subprocess.getoutput`, if one of these files imports that under the name; "" if the file defines the
    name, or if its source does not show it."""
    reader = SourceReader()
    with suppress(SyntaxError, OSError):
        if (source := reader.module(module)) is not None:
            found = reader.definition(source, name)
            if isinstance(found, Definition) and found.module.name not in files:
                return f"{found.module.name}.{name}"
    return ""
