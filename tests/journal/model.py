"""What a journal must say about one study: the same facts in plain dicts, against which the real one is held."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hpsearch.core.decisions import Decision
from hpsearch.core.history import BestTrial
from hpsearch.core.trial import Report, State, Trial
from hpsearch.journal import Batch, Changes, Summary

NEVER = -math.inf


class Refused(Exception):
    """A batch that contradicts what is recorded."""


@dataclass
class Clocks:
    """wall: the database's, which somebody may set. boot: of every machine here, which only runs on."""

    wall: float = 1_700_000_000.0
    boot: float = 1000.0


@dataclass(frozen=True)
class Machine:
    """From where a process looks. pids are seen within one `space` of one `boot` only."""

    boot: str
    space: str


@dataclass
class Holder:
    """Who has the lease, with its last sign of life."""

    uid: str
    pid: int
    machine: Machine
    ttl: float
    wall: float = NEVER
    boot: float = NEVER
    alive: bool = True

    def beat(self, clocks: Clocks) -> None:
        self.wall, self.boot = clocks.wall, clocks.boot

    def blocks(self, uid: str, machine: Machine, clocks: Clocks) -> bool:
        if uid == self.uid or (machine == self.machine and not self.alive):
            return False
        silent = clocks.boot - self.boot if machine.boot == self.machine.boot else clocks.wall - self.wall
        return silent < self.ttl


@dataclass
class Model:
    """One study. Its metric is `loss`, minimized, at the best epoch.

    rows: number -> (revision of its last change, the trial without its curve).
    points: (number, step) -> (revision, report).
    stop: the token that was asked to end.
    """

    revision: int = 0
    token: int = 0
    state: str = "NEW"
    holder: Holder | None = None
    stop: int | None = None
    rows: dict[int, tuple[int, Trial]] = field(default_factory=dict)
    points: dict[tuple[int, int], tuple[int, Report]] = field(default_factory=dict)
    log: list[tuple[int, Decision]] = field(default_factory=list)

    def take(self, by: Holder, clocks: Clocks) -> int | None:
        """The new token; None where this one is kept out. A sign of life from the future counts from now on."""
        if self.holder is not None:
            self.holder.wall = min(self.holder.wall, clocks.wall)
        if self.holder is not None and self.holder.blocks(by.uid, by.machine, clocks):
            return None
        self.token, self.stop, self.holder = self.token + 1, None, by
        self.holder.beat(clocks)
        return self.token

    def write(self, batch: Batch) -> None:
        """All of it or, where it is Refused, nothing."""
        new = {(number, report.step): report for number, report in batch.reports}
        known = self.rows.keys() | {trial.number for trial in batch.trials}
        if len(new) < len(batch.reports) or new.keys() & self.points.keys() or {number for number, _ in new} - known:
            raise Refused
        self.revision += 1
        self.rows |= {trial.number: (self.revision, replace(trial, curve=())) for trial in batch.trials}
        self.points |= {place: (self.revision, report) for place, report in new.items()}
        self.log += [(self.revision, decision) for decision in batch.decisions]
        self.state = batch.study_state or self.state

    # What it answers ────────────────────────────────────────────────────────────────────────────

    def trials(self) -> list[Trial]:
        return [replace(self.rows[number][1], curve=self.curve(number)) for number in sorted(self.rows)]

    def curve(self, number: int) -> tuple[Report, ...]:
        return tuple(self.points[place][1] for place in sorted(self.points) if place[0] == number)

    def decisions(self, number: int | None = None) -> list[Decision]:
        return [decision for _, decision in self.log if number is None or decision.number == number]

    def summary(self) -> Summary:
        trials = self.trials()
        return Summary(
            trials={state: sum(trial.state is state for trial in trials) for state in State},
            epochs=len(self.points),
            busy=float(sum(trial.busy for trial in trials)),
            best=min(self._candidates(trials), key=lambda best: (best.value, best.trial), default=None),
        )

    def _candidates(self, trials: Iterable[Trial]) -> Iterable[BestTrial]:
        for trial in trials:
            fit = [report for report in trial.curve if math.isfinite(report.metrics["loss"])]
            if fit and not trial.diverged:
                best = min(fit, key=lambda report: report.metrics["loss"])
                failed = trial.state is State.FAILED
                yield BestTrial(trial.number, best.metrics["loss"], best.step, trial.params, failed)

    def changes(self, since: int, limit: int) -> Changes:
        """Whole revisions, at least one, as many as have no more than `limit` reports."""
        until = self.revision
        while until > since + 1 and sum(since < own <= until for own, _ in self.points.values()) > limit:
            until -= 1
        fresh = [(own, place) for place, (own, _) in self.points.items() if since < own <= until]
        touched = {number for _, (number, _) in fresh}
        touched |= {number for number, (own, _) in self.rows.items() if since < own <= until}
        return Changes(
            revision=until,
            trials=tuple(self.rows[number][1] for number in sorted(touched)),
            reports=tuple((place[0], self.points[place][1]) for _, place in sorted(fresh)),
            decisions=tuple(decision for own, decision in self.log if since < own <= until),
            study_state=self.state,
        )
