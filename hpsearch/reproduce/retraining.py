"""`hpsearch reproduce`: one trial trained again from its record, and its curves compared, bit for bit."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hpsearch.cli.answer import Answer
from hpsearch.cli.text.reproduce import Again, Outcome
from hpsearch.core.errors import BadInput, DiskError
from hpsearch.core.logs import hold
from hpsearch.core.messages import Advance, Event, Failure, Lost, Provenance, Reported, Start
from hpsearch.core.stopping import stoppable
from hpsearch.core.trial import Report, State, Trial
from hpsearch.journal import TrainingSegment
from hpsearch.orchestrator import build
from hpsearch.progress.terminal import Screen
from hpsearch.provenance import environment
from hpsearch.records.find import check_trial, is_file, opened
from hpsearch.study.definition import Study, differences, recorded
from hpsearch.workers.pools.base import Pool

Say = Callable[[str], None]


def reproduce(args: Namespace) -> Iterator[Answer]:
    with opened(args.study, args.journal) as (journal, study):
        check_trial(journal, study, args.trial)
        trial = journal.trial(study.record.id, args.trial)
        segments = journal.segments(study.record.id, args.trial)
    if not trial.curve and trial.state is not State.FAILED:
        raise BadInput(f"trial {trial.number} is {trial.state} and has no epoch to compare with yet")
    say = Screen(study.record.name, None, quiet=args.quiet, live=False).say
    hold()
    with _elsewhere(study.record.spec, _folder(args, segments)) as its:
        again = _train_on_a_pool(its, study.record.uid, trial, segments, say)
    yield Outcome(study, trial, segments, again).answer()


def _folder(args: Namespace, segments: Sequence[TrainingSegment]) -> Path:
    """Where its trainer is looked for first: beside its file, else where that was when it was trained, else here."""
    if is_file(args.study):
        return Path(args.study).absolute().parent
    folder = Path(segments[-1].environment.document["code"]["folder"]) if segments else Path.cwd()
    if not folder.is_dir():
        raise BadInput(
            f"the study's folder {folder} is not here: name the study's file in place of its name, and its trainer is "
            "looked for beside that"
        )
    return folder


@contextmanager
def _elsewhere(spec: Mapping[str, Any], folder: Path) -> Iterator[Study]:
    """The study as it is recorded, on one worker, with a home of its own: nothing of what it has is touched.

    The home is a folder in its own, which all workers reach, and goes in the end.
    """
    home = Path(os.environ.get("HPSEARCH_HOME") or folder / ".hpsearch").absolute()
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="reproduce-", dir=home, ignore_cleanup_errors=True) as own:
        parts = {name: table for name, table in spec.items() if name not in ("journal", "tracking")}
        study = recorded(parts, folder / "study.toml", {**os.environ, "HPSEARCH_HOME": own})
        yield study.model_copy(update={"resources": study.resources.model_copy(update={"workers": 1})})


def _train_on_a_pool(study: Study, uid: str, trial: Trial, segments: Sequence[TrainingSegment], say: Say) -> Again:
    """On the kind of pool that the study is run on, so that a worker is what it was. TrainerError, PoolError, …"""
    # What the trainer prints is no data of ours.
    with redirect_stdout(sys.stderr), stoppable("nothing of the study was changed"):
        pool, _ = build.pool(study, uid)
        with closing(pool):
            code = environment.code(study.trainer.use, study.folder)
            return _train(pool, trial, study.trainer.epochs, Watch(segments, code, say))


class Watch:
    """Says what is different now, as soon as the worker has said where it is."""

    def __init__(self, segments: Sequence[TrainingSegment], code: Mapping[str, Any], say: Say):
        self._stretches, self._code, self._say = segments, code, say
        self.since: tuple[str, ...] = ()

    def hear(self, now: Provenance) -> None:
        is_now = environment.comparable({"environment": now.environment, "code": self._code}, now.data)
        lines = [
            line
            for segment in self._stretches
            for line in differences(environment.comparable(segment.environment.document, segment.data), is_now)
        ]
        fresh = [line for line in dict.fromkeys(lines) if line not in self.since]
        self.since = (*self.since, *fresh)
        for line in fresh:
            self._say(f"since it was trained: {line}")


def _train(pool: Pool, trial: Trial, epochs: int, watch: Watch) -> Again:
    """To the epoch that it had come to; one that failed, to the one in which it did."""
    until = min(trial.epoch + (trial.state is State.FAILED), epochs)
    pool.do(Start(trial.number, trial.params, trial.seed, until, epochs))
    curve: tuple[Report, ...] = ()
    while True:
        for event in pool.events(0.5):
            if isinstance(event, Reported) and event.provenance is not None:
                watch.hear(event.provenance)
            curve, failure, over = _heard(event, curve, until)
            if over:
                return Again(curve, failure, watch.since)
            pool.do(Advance(trial.number))


def _heard(event: Event, curve: tuple[Report, ...], until: int) -> tuple[tuple[Report, ...], Failure | None, bool]:
    """The curve so far, why it goes no further, and whether that was all."""
    match event:
        case Lost(_, reason, traceback):
            return curve, Failure("error", reason, traceback), True
        case Reported(failure=Failure("disk", summary)):
            raise DiskError(f"{summary}; put that right and run again")
        case Reported():
            curve = (*curve, *event.reports)
            return curve, event.failure, event.failure is not None or event.ended or len(curve) >= until
