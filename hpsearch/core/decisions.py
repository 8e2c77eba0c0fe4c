"""What samplers propose, what pruners decide, and how a decision is recorded. Immutable; the loop alone acts on it."""

from dataclasses import dataclass, field

from hpsearch.core.trial import Cause, Numbers, Params

# What a sampler proposes ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class New:
    """Start a trial with these parameters and train it to epoch `until`.

    notes: what was decided with it about the search itself, such as where the round that begins with it looks.
    """

    params: Params
    until: int
    reason: str
    round: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """Revive the PAUSED trial `number` from its checkpoint and train it to epoch `until`. notes: as for `New`."""

    number: int
    until: int
    reason: str
    round: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Over:
    """The search is over. reason: for the user.

    numbers: those of the reason, by name. With the cause they distinguish one end of a study from another.
    """

    reason: str
    cause: Cause = Cause.DONE
    numbers: Numbers = field(default_factory=dict)


Proposal = New | Resume | Over


# What a pruner or an early stop decides about a trial that has just reported ─────────────────────


@dataclass(frozen=True, slots=True)
class Continue:
    """Train the next epoch. A reason is given (and recorded) only where something was weighed."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """It is not worth more epochs: PRUNED. numbers: those of the reason, by name, all finite."""

    reason: str
    cause: Cause = Cause.PRUNED
    numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """It has trained as far as it was asked: PAUSED, with its checkpoint. numbers: as for `Stop`."""

    reason: str
    cause: Cause = Cause.DONE
    numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finish:
    """It is done by its own curve: COMPLETE. numbers: as for `Stop`."""

    reason: str
    cause: Cause = Cause.DONE
    numbers: Numbers = field(default_factory=dict)


Verdict = Continue | Stop | Pause | Finish


RESTARTS = "no checkpoint"
"""The kind of the decision that trials of a study are continued from their first epoch, since they have no checkpoint.
It is taken at the first report of a study."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the study's log of decisions: what was decided, about which trial (None: the study), and why."""

    kind: str
    reason: str
    number: int | None = None
    step: int | None = None
    at: int = 0
