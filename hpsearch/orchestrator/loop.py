"""The loop of a run: process events, propose, record, act. Only the loop changes the state of a trial.

Each turn makes decisions, writes them to the recorder in one transaction, and then carries them out.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from hpsearch.core.decisions import Continue, Decision, Finish, New, Over, Pause, Resume, Stop, Verdict
from hpsearch.core.errors import DiskError, HpsearchError, InfrastructureError, TrainerError
from hpsearch.core.history import History
from hpsearch.core.messages import Advance, Event, Failure, Kill, Lost, Queued, Release, Reported, Start
from hpsearch.core.trial import Cause, Numbers, Report, State, Trial
from hpsearch.orchestrator import judging
from hpsearch.orchestrator.lost_workers import DriverTime, Losses
from hpsearch.orchestrator.observers import Observer, Turn
from hpsearch.orchestrator.proposals import Proposals
from hpsearch.orchestrator.recorder import Recorder
from hpsearch.orchestrator.rules import End, EpochBudget, Rules, Totals, failures_reached, limit_reached, new_trial
from hpsearch.orchestrator.trainer_findings import TrainerFindings
from hpsearch.pruners.base import Pruner
from hpsearch.samplers.base import Sampler
from hpsearch.workers.pools.base import Pool

NONE: Numbers = {}
ENDS = {Stop: State.PRUNED, Pause: State.PAUSED, Finish: State.COMPLETE}

STOP_GRACE = 30.0
"""Seconds that running trials have to finish their epoch after a request to stop, such as `hpsearch stop`."""


class Loop:
    """Runs a study until its sampler has nothing more to propose, a limit is reached, or `stop` is called.

    end: how the run ends; final after `run` has returned.
    running: the trials on workers, with the time of each last report. The argument: trials that are already running.
    unsent: reads the reports of a hanging trial that its worker has not sent, from its number and last recorded epoch.
    since: `history.ended` at the start of the run; default: at the creation of this loop.
    """

    def __init__(
        self,
        rules: Rules,
        sampler: Sampler | Proposals,
        pruner: Pruner,
        early_stopping: Pruner,
        pool: Pool,
        recorder: Recorder,
        history: History,
        *,
        observers: Sequence[Observer] = (),
        running: Mapping[int, float] | None = None,
        spent: float = 0.0,
        since: int | None = None,
        unsent: Callable[[int, int], Sequence[Report]] = lambda *_: (),
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ):
        self.rules, self.history = rules, history
        self.totals, self.end = Totals(), End()
        self.running = dict(running or {})
        self._proposals = sampler if isinstance(sampler, Proposals) else Proposals(sampler)
        self._judging = judging.Judging(rules.epochs, early_stopping, pruner, rules.target, rules.stopping)
        self._findings = TrainerFindings(history, rules.epochs, rules.unused)
        self._pool, self._recorder, self._observers = pool, recorder, observers
        self._clock, self._wall, self._unsent = clock, wall, unsent
        self._driver_time, self._losses = DriverTime(clock()), Losses(rules.retries)
        self._deadline, self._turn = math.inf, Turn()
        self._began, self._since = clock() - spent, history.ended if since is None else since
        self._budget = EpochBudget(rules.study_epochs, rules.epochs_key)
        self._budget.grant_running(self.running, history)
        self._queue = deque(one.number for one in history if one.state.is_active and one.number not in self.running)
        self._alone: int | None = None
        self._error: HpsearchError | None = None

    def run(self) -> None:
        """Returns when the search is over or was stopped; `end` has the reason.

        TrainerError: the trainer breaks its contract. DiskError: checkpoints cannot be written. Exceptions of pool,
        sampler and recorder are raised too. After an exception the running trials wait for the next run.
        """
        try:
            wait = 0.0
            while self.turn(wait):
                wait = 0.5
        except BaseException as problem:
            self.abandon(f"the run ended: {type(problem).__name__}")
            raise

    def turn(self, wait: float = 0.0) -> bool:
        """Wait up to `wait` seconds for events, process them, start trials on free workers, record and act. False:
        nothing is running and nothing is left to start. Raises the same as `run`.
        """
        if not self.running:
            self._proposals.wait(min(wait, 0.1))
        if self._proposals.is_asking and self._pool.room:
            wait = min(wait, 0.02)  # a worker is free and waits for the sampler's proposal
        for event in self._pool.events(wait):
            if event.number in self.running:
                self._take(event)
        self._apply_time_limits()
        more = self._fill()
        self._record()
        if self._error is not None:
            raise self._error
        return more or bool(self.running)

    def stop(
        self, reason: str, grace: float = math.inf, cause: Cause = Cause.INTERRUPTED, numbers: Numbers = NONE
    ) -> None:
        """Start no more trials. Running trials have `grace` seconds to end their epoch, and wait for the next run."""
        if not self.end.stopped:
            self.end = replace(self.end, stopped=reason, cause=cause, numbers=numbers)
        self._deadline = min(self._deadline, self._clock() + grace)

    # Propose ────────────────────────────────────────────────────────────────────────────────────

    def _fill(self) -> bool:
        """Start trials on all free workers. False: nothing is left to start."""
        if self.end.stopped or self._error is not None:
            return False
        room = self._pool.room_after(sum(isinstance(order, Release) for order in self._turn.orders))
        while room > 0 and self._alone is None and self._budget.has_more(self.history):
            if self._queue:
                if not self._start_waiting(room):
                    break
            elif not self._start_proposed(room):
                return self._proposals.is_asking
            room -= 1
        self._proposals.ask_ahead(self.history.of_search)
        return True

    def _start_waiting(self, room: int) -> bool:
        """Start the trial that has waited longest. One that ran out of memory starts only when no other is running."""
        trial = self.history[self._queue[0]]
        if not self._has_epochs_for(trial):
            return False
        if trial.cause is Cause.OUT_OF_MEMORY:
            if self.running:
                return False
            self._alone = trial.number
        self._queue.popleft()
        self._start(trial, room)
        return True

    def _start_proposed(self, room: int) -> bool:
        if self.rules.study_trials and self.history.counted >= self.rules.study_trials:
            self.end = replace(self.end, cause=Cause.LIMIT, numbers={"trials": self.history.counted})
            return False
        self.end = End()
        proposal = self._proposals.take(self.history.of_search)
        if isinstance(proposal, Resume):
            proposal = replace(proposal, number=self.history.of_search.number_of(proposal.number))
        if isinstance(proposal, Resume) and not self._has_epochs_for(self.history[proposal.number]):
            return False
        for note in proposal.notes if isinstance(proposal, New | Resume) else ():
            self._decide("round", note)
        match proposal:
            case New() as new:
                trial = new_trial(self.rules, self.history, new, self._now())
                self._decide("propose", new.reason, trial)
                self._start(trial, room, new.notes)
            case Resume(number, until, reason, round_, notes):
                trial = self.history[number]
                assert trial.state is State.PAUSED, f"a sampler continued trial {number}, which is {trial.state}"
                self._decide("continue", reason, trial)
                trial = replace(trial, until=min(until, self.rules.epochs), round=round_)
                self._start(replace(trial, reason="", cause=None, cause_numbers=NONE), room, notes)
            case Over(reason, cause, numbers):
                self.end = replace(self.end, over=reason, cause=cause, numbers=numbers)
                self._decide("over", reason)
        return isinstance(proposal, New | Resume)

    def _has_epochs_for(self, trial: Trial) -> bool:
        """Whether limits.epochs has enough left to continue the trial; if not and no trial runs, the study stops."""
        short = self._budget.shortage(trial, self.history)
        if short is not None and not self.running:
            self.stop(short.reason, short.grace, Cause.LIMIT, short.numbers)
        return short is None

    def _start(self, trial: Trial, room: int, notes: tuple[str, ...] = ()) -> None:
        trial = self._put(replace(trial, state=State.RUNNING))
        until = self._budget.grant(trial, self.history, room)
        start = Start(trial.number, trial.params, trial.seed, until, self.rules.epochs, after=trial.epoch)
        self._turn.orders.append(start)
        self._turn.started.append((trial, notes))
        self._losses.started(trial)
        self.running[trial.number] = self._clock()
        self.totals.workers = max(self.totals.workers, len(self.running))

    # Record and act ─────────────────────────────────────────────────────────────────────────────

    def _record(self) -> None:
        """Write the decisions, then carry them out, then show them."""
        turn = self._write()
        if reason := self._recorder.stop_requested:
            self.stop(reason, STOP_GRACE)
        for order in turn.orders:
            self._pool.execute(order)
        if turn.orders and math.isnan(self.totals.began):
            self.totals.began = self._clock()
        turn.show(self._observers)
        for one in self._observers:
            one.turn_ended(self.history, self.running)

    def _write(self) -> Turn:
        """Write the turn's decisions. If that raises, they are kept for another attempt."""
        turn = self._turn
        if turn.trials or turn.decisions:
            self._recorder.write(list(turn.trials.values()), turn.reports, turn.decisions, turn.provenance)
        else:
            self._recorder.renew()
        self._turn = Turn()
        return turn

    def abandon(self, reason: str) -> None:
        """Put the running trials back to WAITING if the recorder works; else the next run does it."""
        with suppress(InfrastructureError):
            self._write()
            for number in list(self.running):
                self._wait(self.history[number], reason, Cause.INTERRUPTED)
            self._write()

    def _put(self, trial: Trial) -> Trial:
        self.history.put(trial)
        self._turn.trials[trial.number] = trial
        return trial

    def _add_report(self, trial: Trial, report: Report) -> Trial:
        self.totals.epochs += report.step - trial.epoch
        report = replace(report, at=self._now(trial))
        self._turn.reports.append((trial.number, report))
        return self._put(replace(trial, curve=(*trial.curve, report)))

    def _decide(self, kind: str, reason: str, trial: Trial | None = None) -> None:
        number, step = (None, None) if trial is None else (trial.number, trial.epoch)
        self._turn.decisions.append(Decision(kind, reason, number, step, self._now()))

    def _now(self, trial: Trial | None = None) -> int:
        """Milliseconds since 1970; not before the last report of the trial, even if the clock was set back."""
        now = int(self._wall() * 1000)
        return now if trial is None else max(now, trial.proposed_at, *(report.at for report in trial.curve[-1:]))

    # Process events ─────────────────────────────────────────────────────────────────────────────

    def _take(self, event: Event) -> None:
        now = self.running[event.number] = self._clock()
        if not isinstance(event, Queued):
            self.totals.ended = now
            self._take_reports(self.history[event.number], event.reported() if isinstance(event, Lost) else event)

    def _apply_time_limits(self) -> None:
        now = self._clock()
        self._driver_time.ignore_suspension(self.running, now)
        training = [now - last for last in self.running.values()]
        if reached := limit_reached(self.rules, self.history, now - self._began, training):
            self.stop(reached.reason, reached.grace, Cause.LIMIT, reached.numbers)
        longest, stall = self.rules.trial_seconds or math.inf, self.rules.stall_seconds or math.inf
        for number, last in list(self.running.items()):
            trial, silent = self.history[number], now - last
            if trial.busy + silent <= longest and silent <= stall and now <= self._deadline:
                continue
            unsent = self._unsent(number, trial.epoch)
            hung = judging.hung_at_its_end(trial, unsent, self.rules.epochs, silent)
            for report in () if hung else unsent:
                trial = self._add_report(trial, report)
            if hung:
                self._take_reports(trial, hung)
            elif trial.busy + silent > longest:
                reason = f"timeout: over limits.trial = {longest:g} s"
                self._end(trial, State.PRUNED, reason, Cause.TIMEOUT, {"seconds": longest})
            elif silent > stall:
                reason = f"stalled: no report for limits.stall = {stall:g} s"
                self._retry_elsewhere(trial, Lost(number, reason, cause=Cause.STALLED), {"seconds": stall})
            else:
                reason = f"{self.end.stopped}; its {self.history.objective.unit} did not end in time"
                self._wait(trial, reason, self.end.cause, self.end.numbers)
            self._turn.orders.append(Kill(number))

    def _take_reports(self, trial: Trial, event: Reported) -> None:
        """Judge the new reports in order. Reports after a verdict to stop or pause are dropped."""
        retrained, reads = trial.retrained + event.retrained, trial.reads_epochs or event.reads_epochs
        trial = self._put(replace(trial, busy=trial.busy + event.seconds, retrained=retrained, reads_epochs=reads))
        self.totals.busy += event.seconds
        self.totals.epochs += event.retrained
        for kind, text, about in self._findings.of(trial, event, self._turn):
            self._decide(kind, text, about)
        self._error = self._error or self._findings.error
        verdict: Verdict = Continue()
        for report in judging.not_recorded(event.reports, trial):
            trial = self._add_report(trial, report)
            verdict, comparison = self._judging.verdict(self.history.renumbered(trial), self.history.current)
            if comparison:
                self._decide("go on", comparison, trial)
            self._turn.judged.append((trial, verdict))
            if not isinstance(verdict, Continue):
                break
        if event.failure is not None and event.failure.kind == "disk":  # whatever the verdict on the trial
            self._error = DiskError(f"trial {trial.number}: {event.failure.summary}; fix this and run again")
        if event.failure is not None and judging.failure_decides(event.failure, trial, verdict, self.rules.epochs):
            self._fail(trial, event.failure)
        else:
            if isinstance(verdict, Continue) and event.ended:
                verdict = judging.early_end(trial, self.rules.epochs, self.history.objective.unit)
            elif event.failure is not None and isinstance(verdict, Finish):
                trial, verdict = judging.raised_after_last_report(trial, verdict, event.failure, self.rules.epochs)
            self._apply(trial, verdict, holds_worker=event.failure is None)

    def _apply(self, trial: Trial, verdict: Verdict, holds_worker: bool) -> None:
        if isinstance(verdict, Continue) and trial.epoch >= trial.until:  # it has no value yet
            trial = self._put(replace(trial, until=trial.epoch + 1))
            self._budget.extend(trial, self.history)
        match verdict:
            case Continue() if self.end.stopped:
                self._wait(trial, self.end.stopped, self.end.cause, self.end.numbers)
            case Continue() if self._budget.is_spent_by(trial):
                share = f"trained its share of {self.rules.epochs_key} = {self.rules.study_epochs}"
                self._wait(trial, share, Cause.LIMIT, {"epochs": self.rules.study_epochs or 0})
                self._queue.append(trial.number)
            case Continue():
                self._turn.orders.append(Advance(trial.number))
                return
            case Stop(reason, cause, numbers) | Pause(reason, cause, numbers) | Finish(reason, cause, numbers):
                missing = "" if cause is Cause.DIVERGED else judging.missing_metric(trial, self.history.objective)
                if missing and isinstance(verdict, Finish):
                    self._end(trial, State.FAILED, missing, Cause.TRAINER_RAISED, {"epoch": trial.epoch})
                else:
                    full = judging.full_reason(reason, trial, self.history)
                    self._end(trial, ENDS[type(verdict)], full, cause, numbers)
                if missing := self._judging.missing(self.history[trial.number], self.history):
                    self._error = TrainerError(f"trial {trial.number}: {missing}")
        if holds_worker:
            self._turn.orders.append(Release(trial.number, isinstance(verdict, Stop | Finish), trial.epoch))

    # End ────────────────────────────────────────────────────────────────────────────────────────

    def _end(self, trial: Trial, state: State, reason: str, cause: Cause, numbers: Numbers) -> None:
        self._leave(trial)
        trial = replace(trial, state=state, reason=reason, cause=cause, cause_numbers=numbers)
        trial = self._put(replace(trial, ended=self.history.ended + 1, ended_at=self._now(trial)))
        self._turn.ended.append(trial)
        self._decide(state.lower(), reason, trial)
        self.totals.failures += state is State.FAILED
        if "target" in numbers:
            self.stop(f"trial {trial.number}: {reason}", cause=cause, numbers=numbers)
        if state is State.FAILED and (reached := failures_reached(self.rules, self.history, self._since)):
            self.stop(reached.reason, reached.grace, Cause.LIMIT, reached.numbers)

    def _wait(self, trial: Trial, reason: str, cause: Cause, numbers: Numbers = NONE) -> None:
        """Free its worker; the trial is resumed from its checkpoint when a worker is free."""
        self._leave(trial)
        self._put(replace(trial, state=State.WAITING, reason=reason, cause=cause, cause_numbers=numbers))
        self._decide("wait", reason, trial)

    def _leave(self, trial: Trial) -> None:
        del self.running[trial.number]
        self._budget.release_epochs(trial.number)
        self._alone = None if self._alone == trial.number else self._alone

    def _fail(self, trial: Trial, failure: Failure) -> None:
        if judging.stops_study(failure, self.history):
            self._wait(trial, failure.summary, Cause.TRAINER_RAISED)
            self._error = TrainerError(f"trial {trial.number}: {failure.summary}")
        elif failure.kind == "disk":
            self._wait(trial, failure.summary, Cause.INTERRUPTED)
        elif failure.kind == "infeasible":
            self._end(trial, State.INFEASIBLE, failure.summary, Cause.INFEASIBLE, {"epoch": trial.epoch})
        elif failure.kind in ("terminated", "lost"):
            outside = failure.kind == "terminated"
            self._retry_elsewhere(trial, Lost(trial.number, failure.summary, failure.traceback, outside=outside))
        elif failure.kind == "oom" and trial.cause is not Cause.OUT_OF_MEMORY:
            self._wait(trial, f"out of memory ({failure.summary}): tried once more, alone", Cause.OUT_OF_MEMORY)
            self._queue.append(trial.number)
        else:
            reason, cause = failure.summary, Cause.TRAINER_RAISED
            if failure.kind == "oom":
                reason, cause = judging.out_of_memory_alone(failure), Cause.OUT_OF_MEMORY
            failed = replace(trial, error=failure.traceback, exception=failure.exception)
            self._end(failed, State.FAILED, reason, cause, {"epoch": trial.epoch})

    def _retry_elsewhere(self, trial: Trial, lost: Lost, numbers: Numbers = NONE) -> None:
        """The worker is lost. The trial is tried again, up to limits.retries times; losses while the run stops do not
        count."""
        numbers = {**numbers, "epoch": trial.epoch, "workers": trial.attempts}
        attempts = self._losses.attempts_after(trial, lost.outside or bool(self.end.stopped))
        if attempts is None:
            reason = f"{lost.reason}; limits.retries = {self.rules.retries} is used up"
            self._end(replace(trial, error=lost.traceback), State.FAILED, reason, lost.cause, numbers)
        else:
            reason = f"{lost.reason}; tried again after {self.history.objective.unit} {trial.epoch}"
            self._wait(replace(trial, attempts=attempts), reason, lost.cause, numbers)
            self._queue.append(trial.number)
