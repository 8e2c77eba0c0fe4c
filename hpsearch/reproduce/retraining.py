"""One trial trained again from its record, and its curves compared, bit for bit."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hpsearch.core.errors import BadInput, DiskError
from hpsearch.core.logs import hold
from hpsearch.core.messages import Advance, Failure, Lost, Provenance, Reported, Start
from hpsearch.core.stopping import stoppable
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.journal import Journal, TrainingSegment
from hpsearch.orchestrator import build
from hpsearch.provenance import environment
from hpsearch.records.find import JournalStudy, check_trial
from hpsearch.reproduce.reproduction import Reproduction
from hpsearch.study.definition import Study, differences
from hpsearch.workers.pools.base import Pool


def reproduce(
    journal: Journal, study: JournalStudy, number: int, say: Callable[[str], None], folder: Path | None = None
) -> Reproduction:
    """On the kind of pool that the study is run on, so that a worker is what it was; nothing of the study is changed.

    say: what is different now, as soon as it is known. folder: where the trainer is looked for first, in place of where
    it was. NotFound, BadInput: there is no such trial, or nothing of it to compare with. TrainerError, PoolError, ...
    """
    check_trial(journal, study, number)
    trial, segments = journal.trial(study.record.id, number), journal.segments(study.record.id, number)
    if not trial.curve and trial.state is not State.FAILED:
        raise BadInput(f"trial {trial.number} is {trial.state} and has no epoch to compare with yet")
    hold()
    with (
        _elsewhere(study.record.spec, folder or _folder(segments)) as its,
        stoppable("nothing of the study was changed"),
        build.one_worker(its, study.record.uid) as pool,
    ):
        changes = Changes(segments, environment.code(its.trainer.use, its.folder), say)
        curve, failure, cause = _trained(pool, trial, its.trainer.epochs, changes)
    return Reproduction(study, trial, curve, failure, cause, changes.lines, bool(segments))


def _folder(segments: Sequence[TrainingSegment]) -> Path:
    """Where its trainer was when it was trained, else here."""
    folder = Path(segments[-1].environment.document["code"]["folder"]) if segments else Path.cwd()
    if not folder.is_dir():
        raise BadInput(
            f"the study's folder {folder} is not here: name the study's file in place of its name, and its trainer is "
            "looked for beside that"
        )
    return folder


@contextmanager
def _elsewhere(spec: Mapping[str, Any], folder: Path) -> Iterator[Study]:
    """The study as it is recorded, with a home of its own: nothing of what it has is touched.

    The home is a folder in its own, which all workers reach, and goes in the end.
    """
    home = Path(os.environ.get("HPSEARCH_HOME") or folder / ".hpsearch").absolute()
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="reproduce-", dir=home, ignore_cleanup_errors=True) as own:
        parts = {name: table for name, table in spec.items() if name not in ("journal", "tracking")}
        yield Study.from_dict(parts, folder=folder, environment={**os.environ, "HPSEARCH_HOME": own})


class Changes:
    """What is different from when the trial was trained, a line each; said as soon as the worker has said where it is.

    segments: where the trial was trained then. code: what the driver sends to the worker now.
    """

    def __init__(self, segments: Sequence[TrainingSegment], code: Mapping[str, Any], say: Callable[[str], None]):
        self._segments, self._code, self._say = segments, code, say
        self.lines: tuple[str, ...] = ()

    def add(self, now: Provenance) -> None:
        is_now = environment.comparable({"environment": now.environment, "code": self._code}, now.data)
        lines = [
            line
            for segment in self._segments
            for line in differences(environment.comparable(segment.environment.document, segment.data), is_now)
        ]
        fresh = [line for line in dict.fromkeys(lines) if line not in self.lines]
        self.lines = (*self.lines, *fresh)
        for line in fresh:
            self._say(f"since it was trained: {line}")


def _trained(
    pool: Pool, trial: Trial, epochs: int, changes: Changes
) -> tuple[list[Report], Failure | None, Cause | None]:
    """The curve, and why it goes no further: to the epoch that the trial had come to, or in which it failed."""
    until = min(trial.epoch + (trial.state is State.FAILED), epochs)
    pool.do(Start(trial.number, trial.params, trial.seed, until, epochs))
    curve: list[Report] = []
    while True:
        for event in pool.events(0.5):
            match event:
                case Lost(_, reason, traceback, cause):
                    return curve, Failure("error", reason, traceback), cause
                case Reported(failure=Failure("disk", summary)):
                    raise DiskError(f"{summary}; put that right and run again")
            if event.provenance is not None:
                changes.add(event.provenance)
            curve += event.reports
            if event.failure is not None:
                oom = event.failure.kind == "oom"
                return curve, event.failure, Cause.OUT_OF_MEMORY if oom else Cause.TRAINER_RAISED
            if event.ended or len(curve) >= until:
                return curve, None, None
            pool.do(Advance(trial.number))
