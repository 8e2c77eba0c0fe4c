"""A user's pruner: each verdict is checked against the contract before the loop applies it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpsearch.core.decisions import Continue, Finish, Pause, Stop, Verdict
from hpsearch.core.errors import OwnMethodError
from hpsearch.core.history import History
from hpsearch.core.trial import Trial
from hpsearch.orchestrator.own.own_sampler import kind_of, problems_of_numbers
from hpsearch.trainer.failures import short_traceback


@dataclass(frozen=True)
class OwnPruner:
    """Wraps a user's pruner as a `Pruner`. Raises OwnMethodError if it breaks the contract.

    name: in messages, such as `prune.use = "mine:Pruner"`. make: returns a new instance, or the user's object.
    """

    name: str
    make: Callable[[], Any]

    def __post_init__(self) -> None:
        if not callable(getattr(self._pruner, "judge", None)):
            raise OwnMethodError(f"{self.name} has no method `judge(trial, history)`")

    @cached_property
    def _pruner(self) -> Any:
        return self.make()

    def judge(self, trial: Trial, history: History) -> Verdict:
        try:
            verdict = self._pruner.judge(trial, history)
        except (Exception, SystemExit) as problem:
            raise OwnMethodError(f"{self._where(trial)} raised\n{short_traceback(problem)}") from None
        return self._checked(verdict, trial)

    def try_on(self, trial: Trial, history: History) -> None:
        """OwnMethodError if the verdict on an artificial trial breaks the contract. Exceptions of the pruner are
        ignored: it may read a metric that only real trials report."""
        try:
            verdict = self._pruner.judge(trial, history)
        except Exception:
            return
        self._checked(verdict, trial)

    def _checked(self, verdict: Any, trial: Trial) -> Verdict:
        for broken in problems_of_verdict(verdict):
            raise OwnMethodError(f"{self._where(trial)} {broken}")
        return verdict  # type: ignore[no-any-return]  # its type was checked by problems_of_verdict

    def _where(self, trial: Trial) -> str:
        return f"{self.name}: judge(trial, history) of trial {trial.number} at epoch {trial.epoch}"


def problems_of_verdict(verdict: object) -> Iterator[str]:
    """Each violation of the contract, as the end of a sentence with the pruner as its subject."""
    match verdict:
        case Continue():
            if not isinstance(verdict.reason, str):
                yield f"returned the reason {verdict.reason!r:.60}; it must be a str"
        case Stop() | Pause() | Finish():
            if not (isinstance(verdict.reason, str) and verdict.reason):
                yield (
                    f"gave no reason for its {type(verdict).__name__}: reason must be a non-empty str, got "
                    f"{verdict.reason!r:.60}"
                )
            yield from problems_of_numbers(verdict.cause, verdict.numbers)
        case _:
            yield f"returned {kind_of(verdict)}; it must return Continue, Stop, Pause or Finish"
