"""Proposals of samplers, verdicts of pruners, and recorded decisions. All are immutable; only the loop acts on them."""

from dataclasses import dataclass, field

from hpsearch.core.trial import Cause, Numbers, Params

# What a sampler proposes ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class New:
    """Start a trial with these parameters and train it to epoch `until`.

    notes: decisions about the search made at the same time, such as the search ranges of a new round.
    """

    params: Params
    until: int
    reason: str
    round: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """Resume the PAUSED trial `number` from its checkpoint and train it to epoch `until`. notes: as for `New`."""

    number: int
    until: int
    reason: str
    round: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Over:
    """The search is over. reason: for the user.

    numbers: the numbers in the reason, by name. Together with the cause they tell programs why the search ended.
    """

    reason: str
    cause: Cause = Cause.DONE
    numbers: Numbers = field(default_factory=dict)


Proposal = New | Resume | Over


# Verdicts of a pruner or of early stopping on a trial that has just reported ─────────────────────


@dataclass(frozen=True, slots=True)
class Continue:
    """Train the next epoch. It has a reason, which is recorded, only if the trial was compared with others."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Prune the trial: PRUNED. numbers: the numbers in the reason, by name, all finite."""

    reason: str
    cause: Cause = Cause.PRUNED
    numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """The trial has reached its epoch `until`: PAUSED, with its checkpoint. numbers: as for `Stop`."""

    reason: str
    cause: Cause = Cause.DONE
    numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finish:
    """End the trial because of its own curve (early stopping): COMPLETE. numbers: as for `Stop`."""

    reason: str
    cause: Cause = Cause.DONE
    numbers: Numbers = field(default_factory=dict)


Verdict = Continue | Stop | Pause | Finish


RESTARTS = "no checkpoint"
"""The kind of the decision that continued trials restart at their first epoch, because the trials of the study have no
checkpoints. It is recorded at the first report of a study."""


EXTENDED = "extend"
"""The kind of the decision that a trial trains longer. Its step is the last epoch that the trial has trained so far."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the study's log of decisions. number: the trial, None for the whole study. at: ms since 1970."""

    kind: str
    reason: str
    number: int | None = None
    step: int | None = None
    at: int = 0
