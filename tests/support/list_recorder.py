"""A recorder with lists in place of a journal, which checks what is written."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import JournalError
from hpsearch.core.history import History
from hpsearch.core.messages import Provenance
from hpsearch.core.trial import Cause, Numbers, Objective, Report, State, Trial

ENDS = frozenset({"wait", "complete", "pruned", "paused", "failed"})
"""The kinds of decision after which a trial has no worker."""


class ListRecorder:
    """The writes numbered in `fails` (from 0) raise JournalError and write nothing.

    waits: why trials had to wait for a worker, each once, as (trial, cause, numbers of the cause).
    """

    def __init__(self, before: "ListRecorder | None" = None, fails: Sequence[int] = ()):
        self.trials: dict[int, Trial] = dict(before.trials) if before else {}
        self.reports: list[tuple[int, Report]] = list(before.reports) if before else []
        self.decisions: list[Decision] = list(before.decisions) if before else []
        self.provenance: list[tuple[int, Provenance]] = []
        self.stop_requested = ""
        self.states: list[tuple[int, State]] = list(before.states) if before else []
        self.waits: list[tuple[int, Cause | None, Numbers]] = list(before.waits) if before else []
        self.fails = fails
        self.writes = 0
        self.renewals = 0

    def write(
        self,
        trials: Iterable[Trial],
        reports: Iterable[tuple[int, Report]],
        decisions: Iterable[Decision],
        provenance: Iterable[tuple[int, Provenance]],
    ) -> None:
        self.writes += 1
        if self.writes - 1 in self.fails:
            raise JournalError("the disk is full")
        for trial in trials:
            self.trials[trial.number] = trial
            self.states.append((trial.number, trial.state))
            wait = (trial.number, trial.cause, trial.cause_numbers)
            if trial.state.is_active and trial.cause is not None and wait not in self.waits:
                self.waits.append(wait)
        self.reports += reports
        self.decisions += decisions
        self.provenance += provenance
        self.check()

    def renew(self) -> None:
        self.renewals += 1

    def check(self) -> None:
        """Check the invariants after every write."""
        assert sorted(self.trials) == list(range(len(self.trials)))
        for number, trial in self.trials.items():
            curve = self.curve(number)
            steps = [report.step for report in curve]
            if "reports" in trial.params:  # of the toy `sparse`
                assert steps == sorted(set(steps))
            else:
                assert steps == list(range(1, len(curve) + 1))
            assert trial.curve == curve, "a trial is written with reports that are not"
        places = [trial.ended for trial in self.trials.values() if trial.ended]
        assert len(places) == len(set(places)), "two trials in one place of the order"

    def curve(self, number: int) -> tuple[Report, ...]:
        return tuple(report for owner, report in self.reports if owner == number)

    def history(self, objective: Objective) -> History:
        """The history as a new process would read it."""
        rows = (self.trials[number] for number in sorted(self.trials))
        return History(objective, [replace(row, curve=self.curve(row.number)) for row in rows])

    def changes(self, number: int) -> list[State]:
        """The recorded states of a trial, in order."""
        states = [state for owner, state in self.states if owner == number]
        return states[:1] + [after for before, after in pairwise(states) if after is not before]

    def reasons(self, kind: str) -> list[str]:
        return [decision.reason for decision in self.decisions if decision.kind == kind]

    def result(self) -> tuple[list[Trial], list[tuple[Report, ...]], list[Decision]]:
        """The result of a study, without times and interruptions."""
        trials = [replace(trial, busy=0.0) for trial in self.trials.values()]
        decisions = [decision for decision in self.decisions if decision.kind not in ("wait", "note")]
        return trials, [self.curve(trial.number) for trial in trials], decisions
