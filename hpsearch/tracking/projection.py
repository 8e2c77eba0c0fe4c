"""The journal, projected into MLflow: what changed since a revision, or all of it; both by the same way.

What a run's tags say that it has is never sent again, and where they do not say that it has what came before, all of
it is sent. So a replay, a crash half-way, a restored backup and a wiped server need no case of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.tracking.mlflow_runs import Deleted, Held, MlflowRuns, Refused
from hpsearch.tracking.run_payloads import study_page, trial_page, trial_uid
from hpsearch.tracking.source import Source, Study, TrainingSegment

REPORTS_IN_TURN = 1000


class Projection:
    """One study, from one journal into one MLflow store.

    target: the store's name in the journal's cursors.
    rebuild: begin at the first revision and undelete what somebody deleted; else go on at the cursor and leave it.
    resend: send everything again, whatever the tags say that MLflow has.
    rest: called after each run, to let others work.
    sent: how many reports have been brought over, and how often a trial's run was brought up to date.
    problem: what MLflow refused, "" if nothing.
    """

    def __init__(
        self,
        study: Study,
        objective: Objective,
        source: Source,
        runs: MlflowRuns,
        target: str,
        *,
        rebuild: bool = False,
        resend: bool = False,
        rest: Callable[[], None] = lambda: None,
    ):
        self._study, self._objective, self._source, self._runs, self._target = study, objective, source, runs, target
        self._rebuild, self._resend, self._rest = rebuild, resend, rest
        self._known: dict[str, Held] = {}
        self._refused: set[int] = set()
        self._state = "RUNNING"
        self._end = study.created_at
        self._parent = ""
        self.sent = 0
        self.problem = ""
        self._open()

    def _open(self) -> None:
        self._runs.open_experiment(self._study.name, restore=self._rebuild)
        self._since = 0 if self._rebuild else self._source.cursor(self._study.id, self._target)
        parent = self._find_parent()
        if parent is None or self._rebuild:
            self._since = 0
            self._known = self._runs.find_all()
        if self._resend:
            self._known = {uid: held.forgotten() for uid, held in self._known.items()}
        if parent is None:
            self._write_study()
        else:
            self._parent = parent.id

    # A turn ─────────────────────────────────────────────────────────────────────────────────────

    def catch_up(self) -> bool:
        """Send the next changes, at most REPORTS_IN_TURN reports. Whether there were any."""
        changes = self._source.changes(self._study.id, self._since, REPORTS_IN_TURN)
        rows = {trial.number: trial for trial in changes.trials}
        reports: dict[int, list[Report]] = {}
        for number, report in changes.reports:
            reports.setdefault(number, []).append(report)
        for number in sorted(rows.keys() | reports.keys()):
            self.sent += self._bring(number, rows.get(number), reports.get(number, []))
            self._rest()
        ends = [*(trial.ended_at for trial in changes.trials), *(decision.at for decision in changes.decisions)]
        self._end = max(self._end, *ends, 0)
        self._state = changes.study_state
        moved = changes.revision > self._since
        if moved:
            self._write_study()
            self._since = changes.revision
            self._source.set_cursor(self._study.id, self._target, self._since)
        return moved

    def finish(self, doubtful: bool) -> None:
        """Write the study's last page, with its decisions and what was measured before its first trial.

        doubtful: a call went unanswered, so MLflow may since have made a run that nobody knows of.
        """
        if doubtful:
            self._runs.find_all()
        self._write_study(self._source.decisions(self._study.id), self._source.documents(self._study.id))

    # One trial ──────────────────────────────────────────────────────────────────────────────────

    def _bring(self, number: int, row: Trial | None, reports: Sequence[Report]) -> int:
        """Bring a trial's run up to date, and count what had to be sent."""
        if number in self._refused:
            return 0
        try:
            return self._write_trial(number, row, reports)
        except Refused:  # deleted or gone since we looked: look again
            self._known.pop(trial_uid(self._study.uid, number), None)
        try:
            return self._write_trial(number, None, ())
        except Refused as refusal:
            self._refused.add(number)
            self.problem = f"MLflow refuses trial {number}: {refusal}"
            return 0

    def _write_trial(self, number: int, row: Trial | None, reports: Sequence[Report]) -> int:
        uid = trial_uid(self._study.uid, number)
        held = self._find(uid)
        if held is not None and held.deleted:
            return 0
        epoch = held.epoch if held else 0
        segments: Sequence[TrainingSegment] = ()
        if held is None or row is None or not row.state.is_active or (reports and reports[0].step > epoch + 1):
            row = self._source.trial(self._study.id, number)
            reports, segments = row.curve, self._source.segments(self._study.id, number)
        new = [report for report in reports if report.step > epoch]
        page = trial_page(self._study, self._parent, self._objective, row, new, segments)
        if held is not None and held.agrees_with(page):
            return 0
        self._known[uid] = self._runs.write(held, page)
        return 1 + len(new)

    def _find(self, uid: str) -> Held | None:
        held = self._known.get(uid) or self._runs.find(uid)
        if held is not None and held.deleted and self._rebuild:
            held = self._runs.restore(held)
        if held is not None:
            self._known[uid] = held
        return held

    # The study ──────────────────────────────────────────────────────────────────────────────────

    def _find_parent(self) -> Held | None:
        held = self._find(self._study.uid)
        if held is not None and held.deleted:
            raise Deleted(f"the run of study {self._study.name!r} was deleted in MLflow")
        return held

    def _write_study(self, decisions: Sequence[Decision] = (), measured: Mapping[str, Any] | None = None) -> None:
        held = self._find_parent()
        end = max(self._end, held.end or 0) if held else self._end
        best = self._source.summary(self._study.id).best
        page = study_page(self._study, self._objective, self._state, end, best, decisions, measured)
        if held is None or not held.agrees_with(page):
            held = self._known[self._study.uid] = self._runs.write(held, page)
        self._parent = held.id
