"""The one loop: propose, record, act, listen. It alone changes a trial's state.

Every turn decides first, then writes all that was decided to the ledger in one transaction, and only then acts on it.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from hpsearch.core.decisions import Continue, Decision, Finish, New, Over, Pause, Resume, Stop, Verdict
from hpsearch.core.errors import DiskError, HpsearchError, InfrastructureError, TrainerError
from hpsearch.core.history import History
from hpsearch.core.messages import Advance, Event, Failure, Kill, Lost, Order, Release, Reported, Start
from hpsearch.core.trial import Cause, Numbers, Report, State, Trial
from hpsearch.orchestrator.budget import EpochBudget
from hpsearch.orchestrator.proposals import Proposals
from hpsearch.orchestrator.recorder import Ledger
from hpsearch.orchestrator.rules import Rules, Totals, limit_reached, seed_of
from hpsearch.pruners.base import Pruner
from hpsearch.samplers.base import Sampler
from hpsearch.workers.pools.base import Pool

OUT_OF_MEMORY = "out of memory"
NONE: Numbers = {}
ENDS = {Stop: State.PRUNED, Pause: State.PAUSED, Finish: State.COMPLETE}

Watch = Callable[["Loop", list[Trial]], None]


class Loop:
    """Runs a study until its sampler has nothing more to propose, a limit is reached, or somebody asks it to stop.

    over: why the sampler has nothing more to propose, where it says so. ending: why the run stops before that.
    cause, cause_numbers: either of them for code, once the run has come to its end.
    notes: what was decided about the search as a whole; whoever tells of it takes it out.
    """

    def __init__(
        self,
        rules: Rules,
        sampler: Sampler,
        pruner: Pruner,
        early_stopping: Pruner,
        pool: Pool,
        ledger: Ledger,
        history: History,
        *,
        spent: float = 0.0,
        watch: Watch = lambda _loop, _trials: None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ):
        self.rules = rules
        self.history = history
        self.totals = Totals()
        self.ending = self.over = ""
        self.cause: Cause = Cause.DONE
        self.cause_numbers = NONE
        self.notes: list[str] = []
        self.running: dict[int, float] = {}
        self._proposals = Proposals(sampler)
        self._pruner, self._early_stopping = pruner, early_stopping
        self._pool, self._ledger, self._watch = pool, ledger, watch
        self._clock, self._wall = clock, wall
        self._deadline = math.inf
        self._began = clock() - spent
        self._budget = EpochBudget(rules.study_epochs)
        self._queue = deque(trial.number for trial in history if trial.state.is_active)
        self._alone: int | None = None
        self._trials: dict[int, Trial] = {}
        self._reports: list[tuple[int, Report]] = []
        self._decisions: list[Decision] = []
        self._orders: list[Order] = []
        self._error: HpsearchError | None = None

    def run(self) -> None:
        """Returns when the search is over or has stopped in good order (`ending` says why).

        Raises TrainerError for a trainer that keeps no contract, DiskError where checkpoints cannot be written, and
        whatever pool, sampler and ledger raise; the trials that ran then wait for another run.
        """
        try:
            while self._turn():
                pass
        except BaseException as problem:
            self._abandon(f"the run ended: {type(problem).__name__}")
            raise

    def _turn(self) -> bool:
        """False: nothing runs and nothing is left to start."""
        more = self._fill()
        self._record()
        if self._error is not None:
            raise self._error
        if not self.running:
            if not more:
                return False
            self._proposals.wait(0.1)
        for event in self._pool.events(self._patience()):
            self._take(event)
        self._look_at_the_clock()
        return True

    def stop(
        self, reason: str, grace: float = math.inf, cause: Cause = Cause.INTERRUPTED, numbers: Numbers = NONE
    ) -> None:
        """Start nothing more; every running trial ends its epoch, within `grace` seconds, and waits for another run."""
        if not self.ending:
            self.ending, self.cause, self.cause_numbers = reason, cause, numbers
        self._deadline = min(self._deadline, self._clock() + grace)

    # Propose ────────────────────────────────────────────────────────────────────────────────────

    def _fill(self) -> bool:
        """Start what there is room for. False: nothing is left to start."""
        if self.ending or self._error is not None:
            return False
        freed = sum(isinstance(order, Release) for order in self._orders)
        room = self._pool.room + freed
        while room > 0 and self._alone is None and self._budget.has_more(self.history):
            if self._queue:
                if not self._start_waiting(room):
                    break
            elif not self._start_proposed(room):
                return self._proposals.is_thinking
            room -= 1
        self._proposals.think(self.history)
        return True

    def _start_waiting(self, room: int) -> bool:
        """Start the trial that waits longest; one that ran out of memory only when nothing else runs."""
        trial = self.history[self._queue[0]]
        if trial.cause is Cause.OUT_OF_MEMORY:
            if self.running:
                return False
            self._alone = trial.number
        self._queue.popleft()
        self._start(trial, room)
        return True

    def _start_proposed(self, room: int) -> bool:
        if len(self.history) >= (self.rules.study_trials or math.inf):
            self.cause, self.cause_numbers = Cause.LIMIT, {"trials": len(self.history)}
            return False
        match self._proposals.take(self.history):
            case New() as new:
                self._note(new.notes)
                self._start(self._trial(new), room)
            case Resume(number, until, reason, round_, notes):
                self._note(notes)
                trial = self.history[number]
                assert trial.state is State.PAUSED, f"a sampler continued trial {number}, which is {trial.state}"
                self._decide("continue", reason, trial)
                trial = replace(trial, until=min(until, self.rules.epochs), round=round_)
                self._start(replace(trial, reason="", cause=None, cause_numbers={}), room)
            case Over(reason, cause, numbers):
                self.over, self.cause, self.cause_numbers = reason, cause, numbers
                self._decide("over", reason)
                return False
            case None:
                return False
        return True

    def _note(self, notes: Iterable[str]) -> None:
        for note in notes:
            self._decide("round", note)
            self.notes.append(note)

    def _trial(self, new: New) -> Trial:
        number = len(self.history)
        trial = Trial(
            number,
            new.params,
            seed_of(self.rules, self.history, new.params),
            until=min(new.until, self.rules.epochs),
            round=new.round,
            origin=new.reason,
            ended_before=self.history.ended,
            proposed_at=self._now(),
        )
        self._decide("propose", new.reason, trial)
        return trial

    def _start(self, trial: Trial, room: int) -> None:
        self._put(replace(trial, state=State.RUNNING))
        until = self._budget.grant(trial, self.history, room)
        self._orders.append(Start(trial.number, trial.params, trial.seed, until, self.rules.epochs, after=trial.epoch))
        self.running[trial.number] = self._clock()
        self.totals.workers = max(self.totals.workers, len(self.running))

    # Record and act ─────────────────────────────────────────────────────────────────────────────

    def _record(self) -> None:
        """Write what was decided, then do it."""
        trials = list(self._trials.values())
        self._write()
        orders, self._orders = self._orders, []
        for order in orders:
            self._pool.do(order)
        if orders and math.isnan(self.totals.began):
            self.totals.began = self._clock()
        self._watch(self, trials)

    def _write(self) -> None:
        """What the ledger does not take is kept, so that the same can be tried again."""
        if self._trials or self._reports or self._decisions:
            self._ledger.write(list(self._trials.values()), self._reports, self._decisions)
            self._trials, self._reports, self._decisions = {}, [], []
        else:
            self._ledger.renew()

    def _abandon(self, reason: str) -> None:
        """Leave no trial RUNNING behind where the ledger still takes it; where not, the next run sees to it."""
        with suppress(InfrastructureError):
            self._write()
            for number in list(self.running):
                self._wait(self.history[number], reason, Cause.INTERRUPTED)
            self._write()

    def _put(self, trial: Trial) -> None:
        self.history.put(trial)
        self._trials[trial.number] = trial

    def _decide(self, kind: str, reason: str, trial: Trial | None = None) -> None:
        number, step = (None, None) if trial is None else (trial.number, trial.epoch)
        self._decisions.append(Decision(kind, reason, number, step, self._now()))

    def _now(self, trial: Trial | None = None) -> int:
        """Milliseconds since 1970; for a trial not before what it has, though somebody may have set the clock back."""
        now = int(self._wall() * 1000)
        return now if trial is None else max(now, trial.proposed_at, *(report.at for report in trial.curve[-1:]))

    # Listen ─────────────────────────────────────────────────────────────────────────────────────

    def _patience(self) -> float:
        """Seconds to wait for the next event: not long where an answer of the sampler would fill a free worker."""
        return 0.02 if self._proposals.is_thinking and self._pool.room else 0.5

    def _take(self, event: Event) -> None:
        if event.number not in self.running:
            return
        self.totals.ended = self.running[event.number] = self._clock()
        match event:
            case Reported():
                self._hear(event)
            case Lost(number, reason, traceback, Cause.OUT_OF_MEMORY):
                self._starve(self.history[number], Failure("oom", reason, traceback))
            case Lost(number, reason, traceback, cause):
                self._lose(self.history[number], reason, cause, traceback)

    def _hear(self, event: Reported) -> None:
        """Judge the new reports in turn; what follows a verdict to stop or pause is dropped."""
        self._put(replace(self.history[event.number], busy=self.history[event.number].busy + event.seconds))
        self.totals.busy += event.seconds
        for note in event.notes:
            self._decide("note", note, self.history[event.number])
        verdict: Verdict = Continue()
        for report in event.reports:
            verdict = self._judge(event.number, replace(report, at=self._now(self.history[event.number])))
            if not isinstance(verdict, Continue):
                break
        trial = self.history[event.number]
        if event.failure is not None and event.failure.kind == "disk":  # whatever becomes of the trial
            self._error = DiskError(f"trial {trial.number}: {event.failure.summary}; put that right and run again")
        if isinstance(verdict, Continue) and event.failure is not None:
            self._fail(trial, event.failure)
        else:
            if isinstance(verdict, Continue) and event.ended:
                reason = f"its trainer ended at epoch {trial.epoch} of {self.rules.epochs}"
                verdict = Finish(reason, numbers={"epoch": trial.epoch, "of": self.rules.epochs})
            self._obey(trial, verdict, holds_worker=event.failure is None)

    def _judge(self, number: int, report: Report) -> Verdict:
        """Put one report on the trial's curve and say what follows from it."""
        trial = replace(self.history[number], curve=(*self.history[number].curve, report))
        self._put(trial)
        self._reports.append((number, report))
        self.totals.epochs += 1
        if bad := self.history.objective.diverged_metric(report):
            said = f"diverged: {bad[0]} is {bad[1]} at epoch {report.step}"
            return Stop(said, Cause.DIVERGED, {"epoch": report.step})
        if trial.epoch >= self.rules.epochs:
            return Finish(f"trained all {trial.epoch} epochs", numbers={"epoch": trial.epoch})
        early = self._early_stopping.judge(trial, self.history)
        if not isinstance(early, Continue):
            return early
        verdict = self._pruner.judge(trial, self.history)
        if isinstance(verdict, Continue):
            if verdict.reason:
                self._decide("go on", verdict.reason, trial)
            if trial.epoch >= trial.until:
                reason = f"trained to epoch {trial.epoch}, as far as round {trial.round} goes"
                return Pause(reason, numbers={"epoch": trial.epoch, "round": trial.round})
        return verdict

    def _obey(self, trial: Trial, verdict: Verdict, holds_worker: bool) -> None:
        match verdict:
            case Continue() if self.ending:
                self._wait(trial, self.ending, self.cause, self.cause_numbers)
            case Continue() if self._budget.is_spent_by(trial):
                share = f"trained its share of limits.epochs = {self.rules.study_epochs}"
                self._wait(trial, share, Cause.LIMIT, {"epochs": self.rules.study_epochs or 0})
                self._queue.append(trial.number)
            case Continue():
                self._orders.append(Advance(trial.number))
                return
            case Stop(reason, cause, numbers) | Pause(reason, cause, numbers) | Finish(reason, cause, numbers):
                self._settle(trial, ENDS[type(verdict)], reason, cause, numbers)
        if holds_worker:
            state = self.history[trial.number].state
            self._orders.append(Release(trial.number, state in (State.COMPLETE, State.PRUNED), trial.epoch))

    # Settle ─────────────────────────────────────────────────────────────────────────────────────

    def _settle(self, trial: Trial, state: State, reason: str, cause: Cause, numbers: Numbers) -> None:
        self._leave(trial)
        trial = replace(trial, state=state, reason=reason, cause=cause, cause_numbers=numbers)
        self._put(replace(trial, ended=self.history.ended + 1, ended_at=self._now(trial)))
        self._decide(state.lower(), reason, trial)
        if state is State.FAILED:
            self.totals.failures += 1
            if (failed := self.totals.failures) >= self.rules.max_failures:
                self.stop(f"{failed} trials failed (limits.max_failures)", math.inf, Cause.LIMIT, {"failed": failed})

    def _wait(self, trial: Trial, reason: str, cause: Cause, numbers: Numbers = NONE) -> None:
        """Off its worker, to go on from its checkpoint when there is room."""
        self._leave(trial)
        self._put(replace(trial, state=State.WAITING, reason=reason, cause=cause, cause_numbers=numbers))
        self._decide("wait", reason, trial)

    def _leave(self, trial: Trial) -> None:
        del self.running[trial.number]
        self._budget.give_back(trial.number)
        if self._alone == trial.number:
            self._alone = None

    def _fail(self, trial: Trial, failure: Failure) -> None:
        if failure.kind == "contract":
            self._wait(trial, failure.summary, Cause.TRAINER_RAISED)
            self._error = TrainerError(f"trial {trial.number}: {failure.summary}")
        elif failure.kind == "disk":
            self._wait(trial, failure.summary, Cause.INTERRUPTED)
        elif failure.kind == "oom":
            self._starve(trial, failure)
        else:
            failed = replace(trial, error=failure.traceback, error_type=failure.error_type)
            self._settle(failed, State.FAILED, failure.summary, Cause.TRAINER_RAISED, {"epoch": trial.epoch})

    def _starve(self, trial: Trial, failure: Failure) -> None:
        """Out of memory: once more with nothing beside it, then never again."""
        if trial.cause is not Cause.OUT_OF_MEMORY:
            self._wait(trial, f"{OUT_OF_MEMORY} ({failure.summary}): once more, alone", Cause.OUT_OF_MEMORY)
            self._queue.append(trial.number)
            return
        hint = "a smaller batch_size or model, or more resources.per_trial.memory or gpus"
        reason = f"{OUT_OF_MEMORY} even alone ({failure.summary}): try {hint}"
        failed = replace(trial, error=failure.traceback, error_type=failure.error_type)
        self._settle(failed, State.FAILED, reason, Cause.OUT_OF_MEMORY, {"epoch": trial.epoch})

    def _lose(self, trial: Trial, reason: str, cause: Cause, traceback: str = "") -> None:
        """The worker is gone; the trial is not, until it has cost one worker too many."""
        numbers = {"epoch": trial.epoch, "workers": trial.attempts}
        if trial.attempts > self.rules.retries:
            reason = f"{reason}; {trial.attempts} workers lost (limits.retries)"
            self._settle(replace(trial, error=traceback), State.FAILED, reason, cause, numbers)
        else:
            again = replace(trial, attempts=trial.attempts + 1)
            self._wait(again, f"{reason}; goes on from epoch {trial.epoch}", cause, numbers)
            self._queue.append(trial.number)

    # Time ───────────────────────────────────────────────────────────────────────────────────────

    def _look_at_the_clock(self) -> None:
        now = self._clock()
        training = [now - last for last in self.running.values()]
        if reached := limit_reached(self.rules, self.history, now - self._began, training):
            self.stop(reached.reason, reached.grace, Cause.LIMIT, reached.numbers)
        for number, last in list(self.running.items()):
            trial, silent = self.history[number], now - last
            if self.rules.trial_seconds is not None and trial.busy + silent > self.rules.trial_seconds:
                self._orders.append(Kill(number))
                reason = f"timeout: over limits.trial = {self.rules.trial_seconds:g} s"
                self._settle(trial, State.PRUNED, reason, Cause.TIMEOUT, {"seconds": self.rules.trial_seconds})
            elif self.rules.stall_seconds is not None and silent > self.rules.stall_seconds:
                self._orders.append(Kill(number))
                reason = f"stalled: no report for limits.stall = {self.rules.stall_seconds:g} s"
                self._lose(trial, reason, Cause.STALLED)
            elif now > self._deadline:
                self._orders.append(Kill(number))
                reason = f"{self.ending}; its epoch took too long to wait for"
                self._wait(trial, reason, self.cause, self.cause_numbers)
