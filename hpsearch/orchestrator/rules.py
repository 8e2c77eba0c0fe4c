"""Rules of the loop from the study file: seeds and limits."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hpsearch.core.decisions import New
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.messages import Unread
from hpsearch.core.replicates import SINGLE_TRAINING, Replicates
from hpsearch.core.seeds import seed_of_trial
from hpsearch.core.trial import Cause, Numbers, Objective, Params, State, Trial, TrialSeeds


@dataclass(frozen=True)
class Rules:
    """Seeds and limits of a study. Times in seconds; None: no limit.

    epochs: maximum of one trial. replicates: folds and repeats that each trial trains side by side (side_by_side).
    retries: how often a trial may lose its worker. max_failures: this number of failed trials in a row ends the run.
    max_failure_share: a larger share of failed trials ends the run (see `failures_reached`).
    epochs_key: the key of the study file that has study_epochs.
    target: the value of a trial at which the study stops. stopping: the metric of early stopping, if it is not the
    study's. unused: the parameters that the source of the trainer uses nowhere.
    """

    seed: int
    epochs: int
    trial_seeds: TrialSeeds = "same"
    replicates: Replicates = SINGLE_TRAINING
    retries: int = 2
    max_failures: int = 5
    max_failure_share: float = 0.5
    trial_seconds: float | None = None
    stall_seconds: float | None = None
    study_seconds: float | None = None
    study_trials: int | None = None
    study_epochs: int | None = None
    epochs_key: str = "limits.epochs"
    study_gpu_hours: float | None = None
    gpus: float = 0.0
    target: float | None = None
    stopping: Objective | None = None
    unused: Mapping[str, Unread] = field(default_factory=dict)


@dataclass
class Totals:
    """Totals of this run (not of the study) so far. Seconds on a monotonic clock.

    busy: time in trainers, of all workers. workers: the most that trained at the same time.
    """

    began: float = math.nan
    ended: float = math.nan
    busy: float = 0.0
    epochs: int = 0
    workers: int = 0
    failures: int = 0

    @property
    def busy_fraction(self) -> float:
        """Fraction of the workers' time spent in trainers, from the first start to the last end; in [0, 1]."""
        span = (self.ended - self.began) * self.workers
        return min(1.0, self.busy / span) if span > 0 else 0.0


@dataclass(frozen=True)
class End:
    """The end of a run. stopped: why it was stopped before its search was over, or "". over: why the search is over, if
    the sampler gives a reason. cause, numbers: of `stopped` or `over`. all_failed: the search is over, and every trial
    is FAILED or INFEASIBLE.
    """

    stopped: str = ""
    over: str = ""
    cause: Cause = Cause.DONE
    numbers: Numbers = field(default_factory=dict)
    all_failed: bool = False

    @property
    def state(self) -> str:
        """The study's state."""
        if self.stopped:
            return "STOPPED"
        return "FAILED" if self.all_failed else "COMPLETE"

    @property
    def is_limit(self) -> bool:
        """Whether the run was stopped because a limit of the study is used up."""
        return bool(self.stopped) and self.cause is Cause.LIMIT and "failed" not in self.numbers

    @property
    def is_max_failures(self) -> bool:
        """Whether the run was stopped by limits.max_failures or limits.max_failure_share."""
        return bool(self.stopped) and self.cause is Cause.LIMIT and "failed" in self.numbers

    def of(self, history: History) -> "End":
        """This end. If the search is over and all trials are FAILED or INFEASIBLE: with the cause of the last FAILED
        one, or INFEASIBLE if none is FAILED."""
        failed = [trial for trial in history if trial.state is State.FAILED]
        infeasible = sum(trial.state is State.INFEASIBLE for trial in history)
        if self.stopped or not len(history) or len(failed) + infeasible < len(history):
            return self
        numbers = {"failed": len(failed)} | ({"infeasible": infeasible} if infeasible else {})
        if not failed:
            return replace(self, cause=Cause.INFEASIBLE, numbers=numbers, all_failed=True)
        last = max(failed, key=lambda trial: trial.ended)
        return replace(self, cause=last.cause or Cause.TRAINER_RAISED, numbers=numbers, all_failed=True)


@dataclass(frozen=True)
class ReachedLimit:
    """A limit of the study that is used up. grace: seconds that running trials have to end their epoch.

    numbers: the limit, by its unit.
    """

    reason: str
    grace: float
    numbers: Numbers


def new_trial(rules: Rules, history: History, new: New, at: int) -> Trial:
    """The next trial, from its proposal. at: milliseconds since 1970."""
    return Trial(
        len(history),
        new.params,
        seed_of(rules, history.current, new.params),
        until=min(new.until, rules.epochs),
        round=new.round,
        origin=new.reason,
        ended_before=history.ended,
        proposed_at=at,
    )


def seed_of(rules: Rules, history: History, params: Params) -> int:
    """The seed of the next trial. params: its parameters.

    With folds or repeats, trials with different parameters have the same seed under both rules of trial_seeds, so that
    they can be compared pair by pair.
    """
    repeat = history.repeats(params)
    number = len(history) if len(rules.replicates) == 1 else repeat
    return seed_of_trial(rules.seed, rules.trial_seeds, number, repeat)


OVERSHOOT = 0.01
"""Fraction of a time limit that running trials have to end their epoch, before they are removed from their workers."""


def limit_reached(
    rules: Rules, history: History, seconds: float, training: Sequence[float] = ()
) -> ReachedLimit | None:
    """The limit that is used up, or None.

    seconds: wall clock of all runs of the study. training: for each running trial, the seconds since its last report,
    which are not in its `busy` yet.
    """
    if rules.study_seconds is not None and seconds >= rules.study_seconds:
        reason = f"limits.study = {rules.study_seconds:g} s is used up"
        return ReachedLimit(reason, OVERSHOOT * rules.study_seconds, {"seconds": rules.study_seconds})
    if rules.study_epochs is not None and history.epochs >= rules.study_epochs:
        reason = f"{rules.epochs_key} = {rules.study_epochs} is used up"
        return ReachedLimit(reason, 0.0, {"epochs": rules.study_epochs})
    if rules.study_gpu_hours is not None and rules.gpus > 0:
        most = rules.study_gpu_hours * 3600 / rules.gpus
        if history.busy + sum(training) >= most:
            grace = OVERSHOOT * most / max(1, len(training))
            reason = f"limits.gpu_hours = {rules.study_gpu_hours:g} is used up"
            return ReachedLimit(reason, grace, {"gpu_hours": rules.study_gpu_hours})
    return None


def study_limit_reached(rules: Rules, history: History, seconds: float) -> ReachedLimit | None:
    """As `limit_reached`, before a run: also limits.target, which a trial of an earlier run may have reached."""
    best = history.best()
    value = history.objective.value(best) if best is not None else None
    sign = history.objective.sign
    if best is not None and value is not None and rules.target is not None and value * sign <= rules.target * sign:
        reason = (
            f"limits.target = {rules.target:g} is reached: trial {best.number}, {history.objective.label} {value:.6g}"
        )
        return ReachedLimit(reason, 0.0, {"target": rules.target, "value": value})
    return limit_reached(rules, history, seconds)


SHARE_FROM = 20
"""limits.max_failure_share applies from this number of ended trials. Among fewer, a large share may be chance."""


def failures_reached(rules: Rules, history: History, since: int) -> ReachedLimit | None:
    """The limit of failures that is reached: rules.max_failures in a row, or rules.max_failure_share; or None.

    since: `history.ended` at the start of the run; earlier trials do not count. INFEASIBLE trials do not count either,
    since they are not a fault of the trainer.
    """
    ended = [
        trial
        for trial in history
        if trial.ended > since and not trial.state.is_active and trial.state is not State.INFEASIBLE
    ]
    fails = [trial.state is State.FAILED for trial in sorted(ended, key=lambda trial: trial.ended)]
    most, failed = rules.max_failures, sum(fails)
    if len(fails) >= most and all(fails[-most:]):
        reason = f"{many(most, 'trial')} failed in a row, limits.max_failures = {most}"
        return ReachedLimit(reason, math.inf, {"failed": most})
    if len(fails) >= SHARE_FROM and failed > rules.max_failure_share * len(fails):
        reason = f"{failed} of {len(fails)} trials failed, limits.max_failure_share = {rules.max_failure_share:g}"
        return ReachedLimit(reason, math.inf, {"failed": failed, "ended": len(fails), "share": rules.max_failure_share})
    return None


class EpochBudget:
    """Divides limits.epochs among the running trials, so that their total never exceeds it.

    limit: the most epochs of all trials together; None: no limit. key: its key in the study file.

    A trial that starts is granted a share of the remaining epochs, at most the number that it needs. With one worker it
    gets all that it needs. Near the end the shares are smaller, and a trial gets another share while epochs are left. A
    trial that trains again from epoch 1 gets one grant for all its epochs, since each share would start again.
    """

    def __init__(self, limit: int | None, key: str = "limits.epochs"):
        self._limit, self._key = limit, key
        self._granted: dict[int, int] = {}
        self._again: dict[int, int] = {}

    def has_more(self, history: History) -> bool:
        return self._left(history) > 0

    def grant(self, trial: Trial, history: History, workers: int) -> int:
        """The epoch up to which a trial may train now. workers: the number of free workers, including its own."""
        left, again = self._left(history), trial.epoch if history.restarts else 0
        share = left - again if history.restarts else max(1.0, left / workers)
        until = self._granted[trial.number] = math.floor(min(trial.until, trial.epoch + share))
        self._again[trial.number] = again + trial.retrained
        return until

    def shortage(self, trial: Trial, history: History) -> ReachedLimit | None:
        """None if enough epochs are left for one more epoch of the trial, and for epochs that it must train again."""
        if self._left(history) > (trial.epoch if history.restarts else 0):
            return None
        few = f"{self._key} = {self._limit} leaves too few {history.objective.unit}s"
        reason = f"{few} to train trial {trial.number} again from {history.objective.unit} 1"
        return ReachedLimit(reason, math.inf, {"epochs": self._limit or 0})

    def grant_running(self, running: Collection[int], history: History) -> None:
        """Grant epochs to trials that are already running."""
        for number in running:
            self.grant(history[number], history, len(running))

    def extend(self, trial: Trial, history: History) -> None:
        """Grant one more epoch to a running trial, if one is left."""
        if self._left(history) >= 1:
            self._granted[trial.number] = max(self._granted[trial.number], trial.until)

    def is_spent_by(self, trial: Trial) -> bool:
        """Whether the trial has trained its share and needs more."""
        return trial.epoch >= self._granted[trial.number]

    def release_epochs(self, number: int) -> None:
        """Make its granted epochs that it has not trained available to other trials."""
        self._granted.pop(number, None)

    def _left(self, history: History) -> float:
        """Epochs that are neither trained nor granted."""
        if self._limit is None:
            return math.inf
        granted = sum(until - history[number].epoch for number, until in self._granted.items())
        granted += sum(max(0, self._again[number] - history[number].retrained) for number in self._granted)
        return self._limit - history.epochs - granted
