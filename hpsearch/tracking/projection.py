"""Sends the journal to MLflow: the changes since a revision, or everything, with the same code.

The tags of a run show which content MLflow has; the rest is sent. So a repeated call, a crash, a restored backup and an
emptied server need no special code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.front import front
from hpsearch.core.redact import redact
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.journal import Journal, StudyRecord, TrainingSegment
from hpsearch.tracking.known_runs import KnownRun
from hpsearch.tracking.location import cursor_name
from hpsearch.tracking.mlflow_runs import Deleted, MlflowRuns, PayloadRefused
from hpsearch.tracking.pending_files import PendingFiles
from hpsearch.tracking.run_payloads import STATUS, interrupted, study_payload, trial_payload, trial_uid
from hpsearch.workers.own_logging import ADOPTED, CHILD, held_batches, held_files
from hpsearch.workers.trial_log import end_of_log

REPORTS_PER_CALL = 1000
"""Maximum number of reports that one `catch_up` sends."""

LOG_FILE, LOG_BYTES = "log.txt", 1 << 16
"""The artifact with the end of a FAILED trial's log, and its maximum size (64 KiB)."""


class Projection:
    """One study of a journal, sent to one MLflow store. Opening it takes seconds.

    rebuild: start at the first revision and restore deleted runs; else start at the cursor and leave them deleted.
    resend: send everything again, regardless of the tags.
    own_logging: the trainer may start MLflow runs itself.
    work: the study's folder with the logs of its trials; None: it is not on this machine.
    throttle: called after each run that was sent; it may wait.
    sent: the number of reports and of updates of trials' runs that were sent.
    problem: what MLflow has refused, for the user; "" for nothing.
    files: the artifacts to send.
    is_interrupted: the process that ran the study has ended without recording it.
    """

    def __init__(
        self,
        study: StudyRecord,
        objective: Objective,
        journal: Journal,
        uri: str,
        *,
        rebuild: bool = False,
        resend: bool = False,
        own_logging: bool = False,
        work: Path | None = None,
        throttle: Callable[[], None] = lambda: None,
        files: PendingFiles | None = None,
        is_interrupted: bool = False,
    ):
        self._study, self._objective, self._journal = study, objective, journal
        self._runs, self._cursor = MlflowRuns(uri, study.uid), cursor_name(uri)
        self._work = work
        self._rebuild, self._own_logging, self._throttle = rebuild, own_logging, throttle
        self._is_interrupted = is_interrupted
        self.files = PendingFiles() if files is None else files
        self._known: dict[str, KnownRun] = {}
        self._refused: set[int] = set()
        self._failed_trials: set[int] = set()
        self._state = "RUNNING"
        self._end = study.created_at
        self._parent = ""
        self.sent = 0
        self.problem = ""
        self._open(resend)

    def _open(self, resend: bool) -> None:
        self._runs.open_experiment(self._study.name, restore=self._rebuild)
        self._since = 0 if self._rebuild else self._journal.cursor(self._study.id, self._cursor)
        parent = self._find_parent()
        if parent is None or self._rebuild:
            self._since = 0
            self._known = self._runs.find_all()
        if resend:
            self._known = {uid: run.without_content() for uid, run in self._known.items()}
        if parent is None:
            self._write_study()
        else:
            self._parent = parent.id

    # Changes ────────────────────────────────────────────────────────────────────────────────────

    def catch_up(self) -> bool:
        """Send the next changes, at most REPORTS_PER_CALL reports. Returns whether there were any."""
        changes = self._journal.changes(self._study.id, self._since, REPORTS_PER_CALL)
        trials = {trial.number: trial for trial in changes.trials}
        reports: dict[int, list[Report]] = {}
        for number, report in changes.reports:
            reports.setdefault(number, []).append(report)
        for number in sorted(trials.keys() | reports.keys()):
            self.sent += self._send(number, trials.get(number), reports.get(number, []))
            self._throttle()
        self._failed_trials |= {trial.number for trial in changes.trials if trial.state is State.FAILED}
        ends = [*(trial.ended_at for trial in changes.trials), *(decision.at for decision in changes.decisions)]
        self._end = max(self._end, *ends, 0)
        self._state = changes.study_state
        changed = changes.revision > self._since
        if changed and self._own_logging and any(not trial.state.is_active for trial in changes.trials):
            self._update_children(everywhere=False)
        if changed:
            self._write_study()
            self._since = changes.revision
            self._journal.set_cursor(self._study.id, self._cursor, self._since)
        return changed

    def finish(self, doubtful: bool) -> None:
        """Write the study's last payload, with its decisions and the journal's documents.

        doubtful: a call had no reply, so MLflow may have duplicate runs, which are deleted.
        """
        if doubtful:
            self._runs.find_all()
        self._update_children(everywhere=self._own_logging)
        self._write_study(self._journal.decisions(self._study.id), self._journal.documents(self._study.id))

    @property
    def experiment(self) -> str:
        """The id of the study's experiment."""
        return self._runs.experiment

    def _update_children(self, everywhere: bool) -> None:
        """Make runs that trainers have started children of their trials' runs, and send the values that trainers could
        not send."""
        for path in held_files(self._work) if self._work is not None else ():
            for batch in held_batches(path):
                self._runs.send_held(batch)
            path.unlink(missing_ok=True)
        for child in self._runs.children(everywhere=everywhere):
            run = self._find(trial_uid(self._study.uid, child.number))
            trial = self._journal.trial(self._study.id, child.number)
            status = None if trial.state in (State.WAITING, State.RUNNING) else STATUS[trial.state]
            if run is not None and (status is not None or child.tags.get(CHILD) != ADOPTED):
                self._runs.update_child(child, run.id, status)

    def send_files(self) -> None:
        """Send the artifacts that were not tried yet, and the end of each FAILED trial's log."""
        while self._work is not None and self._failed_trials:
            number = self._failed_trials.pop()
            if text := redact(end_of_log(self._work, number, LOG_BYTES)):
                self.files.add(trial_uid(self._study.uid, number), {LOG_FILE: text})
        self.files.send(self._attach, self._throttle)

    def _attach(self, uid: str, name: str, text: str) -> bool:
        run = self._find(uid)
        if run is None or run.deleted:
            return False
        self._known[uid] = self._runs.attach(run, name, text)
        return self._known[uid] is not run

    # One trial ──────────────────────────────────────────────────────────────────────────────────

    def _send(self, number: int, trial: Trial | None, reports: Sequence[Report]) -> int:
        """Update a trial's run, and return how many reports and updates were sent."""
        if number in self._refused:
            return 0
        try:
            return self._write_trial(number, trial, reports)
        except PayloadRefused:  # the run was deleted since it was looked up: look it up again
            self._known.pop(trial_uid(self._study.uid, number), None)
        try:
            return self._write_trial(number, None, ())
        except PayloadRefused as refusal:
            self._refused.add(number)
            self.problem = f"MLflow refuses trial {number}: {refusal}"
            return 0

    def _write_trial(self, number: int, trial: Trial | None, reports: Sequence[Report]) -> int:
        uid = trial_uid(self._study.uid, number)
        run = self._find(uid)
        if run is not None and run.deleted:
            return 0
        epoch = run.epoch if run else -1
        segments: Sequence[TrainingSegment] = ()
        if (
            run is None
            or trial is None
            or not trial.state.is_active
            or (reports and reports[0].step > max(epoch, 0) + 1)
        ):
            trial = self._journal.trial(self._study.id, number)
            reports, segments = trial.curve, self._journal.segments(self._study.id, number)
        new = [report for report in reports if report.step > epoch]
        payload = trial_payload(self._study, self._parent, self._objective, trial, new, segments)
        payload = interrupted(payload, State.WAITING, self._last_write(trial)) if self._is_interrupted else payload
        self.files.add(uid, payload.texts)
        if run is not None and run.agrees_with(payload):
            return 0
        self._known[uid] = self._runs.write(run, payload)
        return 1 + len(new)

    def _last_write(self, trial: Trial) -> int:
        return max(self._end, trial.proposed_at, *(report.at for report in trial.curve[-1:]))

    def _find(self, uid: str) -> KnownRun | None:
        run = self._known.get(uid) or self._runs.find(uid)
        if run is not None and run.deleted and self._rebuild:
            run = self._runs.restore(run)
        if run is not None:
            self._known[uid] = run
        return run

    # The study ──────────────────────────────────────────────────────────────────────────────────

    def _find_parent(self) -> KnownRun | None:
        run = self._find(self._study.uid)
        if run is not None and run.deleted:
            raise Deleted(f"the run of study {self._study.name!r} was deleted in MLflow")
        return run

    def _write_study(
        self, decisions: Sequence[Decision] = (), documents: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        run = self._find_parent()
        end = max(self._end, run.end or 0) if run else self._end
        best = self._journal.summary(self._study.id).best
        record = self._journal.find(self._study.name)
        known = record is not None and record.state == self._state
        cause, numbers = (record.cause, record.cause_numbers) if record is not None and known else (None, {})
        study = replace(self._study, cause=cause, cause_numbers=numbers)
        own = front(self._journal.trials(self._study.id), self._objective) if self._objective.others else []
        payload = study_payload(study, self._objective, self._state, end, best, decisions, documents, own)
        payload = interrupted(payload, "INTERRUPTED", end) if self._is_interrupted else payload
        self.files.add(self._study.uid, payload.texts)
        if run is None or not run.agrees_with(payload):
            run = self._known[self._study.uid] = self._runs.write(run, payload)
        self._parent = run.id
