"""Retrains one trial from its record, and compares the curves bit for bit."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hpsearch.core.errors import BadInput, DiskError
from hpsearch.core.folders import make_private, study_home
from hpsearch.core.logs import buffer_library_logs
from hpsearch.core.messages import Advance, Failure, Lost, Provenance, Queued, Reported, Start
from hpsearch.core.stopping import stoppable
from hpsearch.core.trial import Cause, Report, Trial
from hpsearch.journal import Journal, TrainingSegment
from hpsearch.orchestrator import build
from hpsearch.provenance import environment
from hpsearch.records.callers_files import CallersStudy, as_recorded
from hpsearch.records.find import JournalStudy, check_trial
from hpsearch.reproduce.reproduction import INTERRUPTED_BY_FAILURE, Reproduction
from hpsearch.study.definition import Study
from hpsearch.study.differences import differences
from hpsearch.workers.pools.base import Pool
from hpsearch.workers.worker import HASH_SEED

CAUSES = {"oom": Cause.OUT_OF_MEMORY, "infeasible": Cause.INFEASIBLE, "terminated": Cause.WORKER_LOST}
"""The cause by the kind of a failure; TRAINER_RAISED for other kinds."""

NOTIFIED = 8
"""Maximum number of changes that are shown during the training: a new environment may change a hundred
distributions."""


def reproduce(
    journal: Journal, study: JournalStudy, number: int, notify: Callable[[str], None], file: Study | None = None
) -> Reproduction:
    """Retrain a trial on the same kind of pool as in the study. The study is not changed.

    notify: receives the changes since the trial was trained, as soon as they are known. file: the study's file, if the
    caller named it; the trainer is imported from its folder. NotFound, BadInput: there is no such trial, it has no
    epoch to compare, or its code is not the caller's (`records.callers_files`). TrainerError, PoolError, ...
    """
    check_trial(journal, study, number)
    trial, segments = journal.trial(study.record.id, number), journal.segments(study.record.id, number)
    if not trial.curve and trial.state not in INTERRUPTED_BY_FAILURE:
        raise BadInput(f"trial {trial.number} is {trial.state} and has no epoch to compare yet")
    own = CallersStudy(study.record, file) if file is not None else CallersStudy.of(journal, study.record)
    folder = own.file.folder if own.file is not None else _folder(segments)
    buffer_library_logs()
    with (
        _in_temporary_home(own, folder) as its,
        stoppable("nothing of the study was changed"),
        build.one_worker(its, study.record.uid, _hash_seed(segments)) as pool,
    ):
        changes = Changes(segments, environment.code(its.trainer.use, its.folder), notify)
        curve, failure, cause = _trained(pool, trial, its.trainer.epochs, changes)
    return Reproduction(study, trial, curve, failure, cause, changes.lines, bool(segments), changes.other_distributions)


def _folder(segments: Sequence[TrainingSegment]) -> Path:
    """The folder that the trainer was imported from, else the working directory."""
    folder = Path(segments[-1].environment.document["code"]["folder"]) if segments else Path.cwd()
    if not folder.is_dir():
        raise BadInput(
            f"the study's folder {folder} does not exist: pass the path of the study file in place of the study's "
            "name, and the trainer is imported from its folder"
        )
    return folder


def _hash_seed(segments: Sequence[TrainingSegment]) -> str:
    """PYTHONHASHSEED as recorded; the default if none is recorded, as for trials without Ray."""
    settings = segments[-1].environment.document["environment"]["settings"] if segments else {}
    recorded = str(settings.get("PYTHONHASHSEED", ""))
    return recorded if recorded.isdecimal() else HASH_SEED


@contextmanager
def _in_temporary_home(own: CallersStudy, folder: Path) -> Iterator[Study]:
    """The study as recorded, with a separate home, so that the files of the study are not changed.

    The home is a temporary folder within the study's home, which all workers can reach.
    """
    home = study_home(folder)
    make_private(home)
    with TemporaryDirectory(prefix="reproduce-", dir=home, ignore_cleanup_errors=True) as temporary:
        study = as_recorded(own.record, folder, environment={**os.environ, "HPSEARCH_HOME": temporary})
        own.check_code(study)
        yield study


class Changes:
    """Changes since the trial was trained, one line each, reported as soon as the worker has sent its environment.

    segments: the recorded environments of the trial. code: the code that the driver sends to the worker now.
    """

    def __init__(self, segments: Sequence[TrainingSegment], code: Mapping[str, Any], notify: Callable[[str], None]):
        self._segments, self._code, self._notify = segments, code, notify
        self.lines: tuple[str, ...] = ()
        self.other_distributions = False

    def add(self, now: Provenance) -> None:
        is_now = environment.comparable({"environment": now.environment, "code": self._code}, now.data)
        lines = [
            line
            for segment in self._segments
            for line in differences(environment.comparable(segment.environment.document, segment.data), is_now)
        ]
        packages = [
            f"distributions.{line}"
            for segment in self._segments
            for line in environment.changed(segment.environment.document["code"], self._code)
        ]
        self.other_distributions = bool(packages)
        lines += packages
        fresh = [line for line in dict.fromkeys(lines) if line not in self.lines]
        self.lines = (*self.lines, *fresh)
        for line in fresh[:NOTIFIED]:
            self._notify(f"changed since the trial was trained: {line}")
        if len(fresh) > NOTIFIED:
            self._notify(f"changed since the trial was trained: {len(fresh) - NOTIFIED} more, listed with the result")


def _trained(
    pool: Pool, trial: Trial, epochs: int, changes: Changes
) -> tuple[list[Report], Failure | None, Cause | None]:
    """The curve up to the trial's last epoch, or to the one in which it failed, and the failure with its cause."""
    until = min(trial.epoch + (trial.state in INTERRUPTED_BY_FAILURE), epochs)
    pool.execute(Start(trial.number, trial.params, trial.seed, until, epochs))
    curve: list[Report] = []
    while True:
        for event in pool.events(0.5):
            match event:
                case Queued():
                    continue
                case Lost(_, reason, traceback, cause):
                    return curve, Failure("error", reason, traceback), cause
                case Reported(failure=Failure("disk", summary)):
                    raise DiskError(f"{summary}; fix this and run again")
            if event.provenance is not None:
                changes.add(event.provenance)
            curve += event.reports
            if event.failure is not None:
                return curve, event.failure, CAUSES.get(event.failure.kind, Cause.TRAINER_RAISED)
            if event.ended or (curve and curve[-1].step >= until):
                return curve, None, None
            pool.execute(Advance(trial.number))
