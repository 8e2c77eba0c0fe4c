"""What samplers propose, what pruners decide, and how a decision is recorded. Immutable; the loop alone acts on it."""

from dataclasses import dataclass, field

from hpsearch.core.trial import Cause, Numbers, Params

# What a sampler proposes ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class New:
    """Start a trial with these parameters and train it to epoch `until`.

    notes: decisions about the search itself that were taken with it, such as the search ranges of a new round.
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

    numbers: the numbers in the reason, by name. With the cause, they identify why the search ended.
    """

    reason: str
    cause: Cause = Cause.DONE
    numbers: Numbers = field(default_factory=dict)


Proposal = New | Resume | Over


# What a pruner or an early stop decides about a trial that has just reported ─────────────────────


@dataclass(frozen=True, slots=True)
class Continue:
    """Train the next epoch. A reason is given (and recorded) only where the trial was compared with others."""

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
"""The kind of a decision: the trials of the study have no checkpoints, so a continued one restarts at its first epoch.
It is recorded at the first report of a study."""


EXTENDED = "extend"
"""The kind of the decision that a trial trains longer. Its step is the epoch to which the trial has trained before."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the study's log of decisions. number: the trial it is about, None for the whole study. at: ms since
    1970."""

    kind: str
    reason: str
    number: int | None = None
    step: int | None = None
    at: int = 0
