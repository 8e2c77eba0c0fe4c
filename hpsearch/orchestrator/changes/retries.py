"""Which failed trials a run tries again: those that failed before the trainer changed; those that lost their workers,
if limits.retries was raised since; or all with --retry-failed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import Decision
from hpsearch.core.format import many, named
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.journal import TrainingSegment
from hpsearch.orchestrator.lost_workers import LOSSES
from hpsearch.provenance import environment
from hpsearch.study.definition import Study
from hpsearch.trainer.contract import sources_of_trainer

ASKED = "a retry of the failed trials was requested"


@dataclass(frozen=True)
class Retries:
    """trials: the trials to try again, now WAITING. decisions: one for each."""

    trials: tuple[Trial, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def note(self) -> str:
        """For the user; "" if nothing is tried again."""
        if not self.trials:
            return ""
        numbers = named([trial.number for trial in self.trials])
        return f"{many(len(self.trials), 'failed trial')} will be tried again ({numbers}): {self.decisions[0].reason}"


def retries(study: Study, history: History, segments: Sequence[TrainingSegment], asked: bool) -> Retries:
    """segments: of all trials of the study. asked: whether the user has requested it.

    In a search in rounds only trials of the last started round are tried again: the round was planned without earlier
    failed trials, and the sampler computes its plans from the history again. A trial that has trained all its epochs,
    and failed because it never reported the study's metric, is not tried again.
    """
    own = [trial for trial in history if not trial.superseded and trial.number >= history.before_rounds]
    latest = max((trial.round for trial in own), default=1)
    failed = [
        trial
        for trial in own
        if trial.state is State.FAILED and trial.round == latest and trial.epoch < study.trainer.epochs
    ]
    if not failed:
        return Retries()
    anew = dict.fromkeys((trial.number for trial in failed), ASKED) if asked else _changes(study, failed, segments)
    reasons = {**_more_retries(study, failed), **anew}
    chosen = [trial for trial in failed if trial.number in reasons]
    at = now_ms()
    return Retries(
        tuple(_waiting(trial, 1 if trial.number in anew else trial.attempts + 1) for trial in chosen),
        tuple(Decision("retry", reasons[trial.number], trial.number, trial.epoch, at) for trial in chosen),
    )


def _waiting(trial: Trial, attempts: int) -> Trial:
    """The trial, WAITING to resume from its newest checkpoint. `ended` stays, since the order of ends has no gaps."""
    fresh = replace(trial, state=State.WAITING, reason="", cause=None, cause_numbers={}, error="", exception="")
    return replace(fresh, attempts=attempts)


def _more_retries(study: Study, failed: Iterable[Trial]) -> Mapping[int, str]:
    """Trials that lost more workers than limits.retries allowed then, and not more than it allows now, by number."""
    most = study.limits.retries
    lost = [trial.number for trial in failed if trial.cause in LOSSES and trial.attempts <= most]
    return dict.fromkeys(lost, f"limits.retries was raised to {most}")


def _changes(study: Study, failed: Iterable[Trial], segments: Sequence[TrainingSegment]) -> Mapping[int, str]:
    """Trials whose trainer has other source files now, by number, with the reason; only those with recorded sources."""
    last = {segment.number: segment.environment.document["environment"] for segment in segments}
    now = environment.sources(sources_of_trainer(study))
    of_workers = [trial.number for trial in failed if "trained_by" not in last.get(trial.number, {})]  # not a Session's
    known = {number: before for number in of_workers if (before := last.get(number, {}).get("sources"))}
    return {number: _change(before, now) for number, before in known.items() if before != now}


def _change(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return f"the trainer has changed since ({', '.join(names)})"
