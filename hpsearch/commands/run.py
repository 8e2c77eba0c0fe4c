"""`hpsearch run`: one study, from where it stands to its end."""

import shutil
import signal
import sys
import time
import uuid
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from hpsearch import wire
from hpsearch.commands import Answer
from hpsearch.errors import InfrastructureError, NotFound, StudyBusy, StudyChanged
from hpsearch.history import History
from hpsearch.journal import Batch, Heartbeat, Journal, Lease, Owner, StudyRecord
from hpsearch.log import quiet
from hpsearch.loop import Loop
from hpsearch.plan import proposals
from hpsearch.rules import Totals
from hpsearch.screen import Screen, duration, params_line
from hpsearch.study import Study, differences, load
from hpsearch.trackers.base import Sync
from hpsearch.trial import Decision, Report, State, Trial

GRACE = {signal.SIGINT: 30.0, signal.SIGTERM: 20.0}
"""Seconds that running trials have to end their epoch; Slurm and Kubernetes allow 30 from SIGTERM to SIGKILL."""

FLUSH = 10.0
"""Seconds that MLflow has to catch up at the end of a run."""


def run(args: Namespace) -> Iterator[Answer]:
    study = load(args.file, args.overrides)
    origin = study.study.name if args.fork else None
    if args.fork:
        study = study.renamed(args.fork)
    quiet(study.home / "hpsearch.log")
    console = Console(stderr=True)
    with ExitStack() as stack:
        lines = sys.stdout if args.jsonl else None
        screen = stack.enter_context(Screen(console, study.study.name, proposals(study), args.quiet, lines))
        outcome = _Run(study, origin, screen, stack).run()
    yield Answer(outcome.data(), outcome.text, outcome.exit_code)


class _Run:
    """Everything between a study that has been read and its outcome; what is opened is closed by `stack`."""

    def __init__(self, study: Study, origin: str | None, screen: Screen, stack: ExitStack):
        self.study, self.origin, self.screen, self.stack = study, origin, screen, stack
        self.signal: signal.Signals | None = None
        self.began = time.monotonic()

    def run(self) -> "Outcome":
        """Bad input is found before anything is written: the pool has tried the trainer when the study is recorded."""
        study = self.study
        parts = wire.rules(study), wire.sampler(study), wire.pruner(study), wire.early_stopping(study)
        recorded = self._recorded()
        uid = recorded[1].uid if recorded else uuid.uuid4().hex
        with Heartbeat(recorded[0], recorded[2]) if recorded else nullcontext():
            pool, notes = wire.pool(self.study, uid)
        pool_closed = self.stack.enter_context(ExitStack())
        pool_closed.callback(pool.close)
        journal, record, lease = recorded or self._record(uid)
        history = History(self.study.objective, journal.trials(record.id), self._evidence(journal, record))
        ledger = _Ledger(journal, lease, self.study)
        tracker = wire.tracker(self.study, record)
        tracker.start()
        for note in notes:
            self.screen.say(f"note: {note}")
        loop = Loop(*parts, pool, ledger, history, watch=self.screen.watch)
        self._listen_to_signals(loop)
        ledger.state("RUNNING")
        try:
            loop.run()
        except BaseException as problem:
            with suppress(InfrastructureError):
                ledger.state("STOPPED")
            tracker.close(0.0)
            if isinstance(problem, KeyboardInterrupt) and self.signal is not None:
                return self._outcome(loop, history, Sync(0, 0))
            raise
        ledger.state("STOPPED" if loop.ending else "COMPLETE")
        pool_closed.close()
        return self._outcome(loop, history, tracker.close(FLUSH))

    # The record ─────────────────────────────────────────────────────────────────────────────────

    def _recorded(self) -> tuple[Journal, StudyRecord, Lease] | None:
        """The study as it was left, ours to write; None where this is its first run."""
        try:
            journal = self._open(create=False)
        except NotFound:
            return None
        record = journal.find(self.study.study.name)
        if record is None:
            return None
        if changed := differences(dict(record.identity), self.study.identity()):
            raise StudyChanged(
                f'study "{record.name}" is recorded with other content:\n  ' + "\n  ".join(changed) + "\n"
                "put it back to go on, or run with --fork NEW_NAME to start a new study that learns from this one"
            )
        lease = self._acquire(journal, record)
        journal.respec(lease, self.study.spec())
        return journal, record, lease

    def _record(self, uid: str) -> tuple[Journal, StudyRecord, Lease]:
        journal = self._open()
        record = journal.create(
            self.study.study.name,
            self.study.spec(),
            self.study.identity(),
            at=int(time.time() * 1000),
            forked_from=self.origin,
            uid=uid,
        )
        if record.uid != uid:
            raise StudyBusy(f'study "{record.name}" has just been started by another process')
        return journal, record, self._acquire(journal, record)

    def _open(self, create: bool = True) -> Journal:
        journal = Journal.open(self.study.journal_url, create=create)
        self.stack.callback(journal.close)
        return journal

    def _acquire(self, journal: Journal, record: StudyRecord) -> Lease:
        lease = journal.acquire(record.id, Owner.current())
        self.stack.callback(journal.release, lease)
        return lease

    def _evidence(self, journal: Journal, record: StudyRecord) -> list[Trial]:
        """The settled trials of the study that this one was forked from."""
        origin = journal.find(record.forked_from) if record.forked_from else None
        return [] if origin is None else [trial for trial in journal.trials(origin.id) if trial.state.is_settled]

    # Signals ────────────────────────────────────────────────────────────────────────────────────

    def _listen_to_signals(self, loop: Loop) -> None:
        """Once: end in good order. Twice: now. A closed terminal ends nothing: progress goes on into the journal."""

        def heard(number: int, _frame: FrameType | None) -> None:
            if self.signal is not None:
                raise KeyboardInterrupt
            self.signal = signal.Signals(number)
            grace = GRACE[self.signal]
            loop.stop(f"stopped by {self.signal.name}", grace)
            self.screen.say(f"stopping: running trials end their epoch (at most {grace:.0f} s); again to stop at once")

        for number in GRACE:
            before = signal.signal(number, heard)
            self.stack.callback(signal.signal, number, before)
        if hasattr(signal, "SIGHUP"):
            self.stack.callback(signal.signal, signal.SIGHUP, signal.signal(signal.SIGHUP, signal.SIG_IGN))

    def _outcome(self, loop: Loop, history: History, sync: Sync) -> "Outcome":
        return Outcome(self.study, history, loop.totals, loop.ending, sync, time.monotonic() - self.began, self.signal)


class _Ledger:
    """The loop's view of the journal."""

    def __init__(self, journal: Journal, lease: Lease, study: Study):
        self._writer = journal.writer(lease, study.objective)

    def write(
        self, trials: Iterable[Trial], reports: Iterable[tuple[int, Report]], decisions: Iterable[Decision]
    ) -> None:
        self._writer.write(Batch(tuple(trials), tuple(reports), tuple(decisions)))

    def renew(self) -> None:
        self._writer.renew()

    def state(self, state: str) -> None:
        self._writer.write(Batch(study_state=state))


@dataclass(frozen=True)
class Outcome:
    """What a run came to, for a script (`data`) and for a person (`text`)."""

    study: Study
    history: History
    totals: Totals
    ending: str
    sync: Sync
    seconds: float
    signal: signal.Signals | None

    @property
    def exit_code(self) -> int:
        if self.signal is not None:
            return 128 + self.signal
        return 0 if self.history.best() is not None else 3

    def count(self, state: State) -> int:
        return sum(trial.state is state for trial in self.history)

    def data(self) -> dict[str, Any]:
        return {
            "study": self.study.study.name,
            "state": "STOPPED" if self.ending else "COMPLETE",
            "reason": self.ending,
            "trials": {state.lower(): self.count(state) for state in State if state is not State.RUNNING},
            "best": best_data(self.history),
            "epochs_trained": self.history.epochs,
            "wall_seconds": round(self.seconds, 3),
            "busy_fraction": round(self.totals.busy_fraction, 4),
            "journal": self.study.journal_display,
            "tracking_uri": self.study.tracking_display,
        }

    def text(self) -> str:
        counts = ", ".join(f"{self.count(state)} {state.lower()}" for state in State if self.count(state))
        head = f"stopped ({self.ending})" if self.ending else "done"
        rows = [
            f"{self.study.study.name}: {head}",
            f"{len(self.history)} trials ({counts}), {self.history.epochs} epochs, {duration(self.seconds)}, "
            f"workers busy {self.totals.busy_fraction:.0%}",
            "",
            *self._best_rows(),
            "",
            f"  journal    {_nearby(self.study.journal_display)}",
            f"  dashboard  {command('ui', self.study.home)}",
        ]
        if self.sync.pending:
            again = command("sync", self.study.path)
            rows.append(f"{self.sync.pending} events are not in MLflow yet; {again} sends them. {self.sync.problem}")
        if self.ending:
            rows.append("run the same command again to go on")
        return "\n".join(rows)

    def _best_rows(self) -> list[str]:
        best = self.history.best()
        if best is None:
            why = next((t.reason for t in reversed(list(self.history)) if t.reason), "no trial was trained")
            return [f"no trial succeeded; the last one: {why}"]
        report = self.study.objective.judged(best)
        assert report is not None
        value = report.metrics[self.study.objective.metric]
        return [
            f"best: trial {best.number}, {self.study.objective.metric} {value:.4f} at epoch {report.step}",
            f"      {params_line(best.params)}",
        ]


def best_data(history: History) -> dict[str, Any] | None:
    best = history.best()
    report = history.objective.judged(best) if best is not None else None
    if best is None or report is None:
        return None
    value = report.metrics[history.objective.metric]
    return {"trial": best.number, "value": value, "epoch": report.step, "params": dict(best.params)}


def command(name: str, path: Path) -> str:
    """How this user calls us from where they are, such as `.venv/bin/hpsearch ui --home studies/.hpsearch`."""
    called = Path(sys.argv[0])
    program = "hpsearch" if shutil.which("hpsearch") == str(called.absolute()) else _nearby(str(called.absolute()))
    if name == "ui":
        return f"{program} ui" if path == Path(".hpsearch").absolute() else f"{program} ui --home {_nearby(str(path))}"
    return f"{program} {name} {_nearby(str(path))}"


def _nearby(place: str) -> str:
    """A path, or the path in an SQLite URL, from the current folder if it lies in it."""
    path = Path(place.removeprefix("sqlite:///"))
    if not path.is_absolute():
        return place
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
