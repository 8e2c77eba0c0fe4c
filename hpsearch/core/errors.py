"""The exceptions of hpsearch, and the exit code of each.

HpsearchError
├── BadInput                 2   the user's file, command or code must change
│   ├── StudyFileError           study.toml: all its faults at once
│   ├── TrainerError             the trainer is missing, is not a generator, or its reports are not valid
│   ├── OwnMethodError           a sampler or pruner of the user is missing, or breaks its contract
│   ├── ResourcesError           a trial needs more than the machine or the cluster has
│   ├── StudyChanged             same name, another space, trainer or seed
│   ├── Sealed                   the test split was read outside an evaluation
│   └── NotFound                 no such study or trial
├── Infeasible               3   raised by a trainer: these parameters cannot be trained; ends only this trial
├── NoTrialSucceeded         3   the search ended, and no trial has a result
├── StudyBusy                4   another process runs this study
├── InfrastructureError      5   database, cluster or disk; the next `hpsearch run` resumes the study
│   ├── JournalError
│   │   └── JournalUnavailable          temporary: a restart, a lock, a lost connection
│   ├── LeaseLost                another process has taken over the study; this one stops writing
│   ├── DiskError                checkpoints or scratch files cannot be written
│   └── PoolError
└── Stopped            130/143   a signal stopped the run

TrialStopped ends a trainer at its report and is not an error. It is a BaseException, so that `except Exception` does
not catch it.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class HpsearchError(Exception):
    """Abstract. The message says what is wrong, where, and what to do. exit_code: of the process."""

    exit_code = 1


class BadInput(HpsearchError):
    """The user's file, command or code must change."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One fault of a study. where: the file or the option that has it, "" for a study made in Python.

    line, column: from 1; 0: unknown.
    """

    where: str
    line: int
    key: str
    message: str
    column: int = 0

    def __str__(self) -> str:
        place = ":".join([self.where, *(str(number) for number in (self.line, self.column) if number)])
        parts = [part for part in (place, self.key) if part]
        return f"{' '.join(parts)}: {self.message}" if parts else self.message


class StudyFileError(BadInput):
    """Every fault of a study file, in the order of its lines."""

    def __init__(self, faults: Sequence[Fault]):
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__("\n".join(map(str, self.faults)))


class TrainerError(BadInput):
    """The trainer is missing, is not a generator, or its reports are not valid."""


class OwnMethodError(BadInput):
    """A sampler or pruner of the user is missing, or breaks its contract."""


class ResourcesError(BadInput):
    """A trial needs more CPUs, GPUs or memory than the machine or the cluster has."""


class StudyChanged(BadInput):
    """A study of this name is recorded with another space, trainer or seed."""


class Sealed(BadInput):
    """Something read the test split outside an evaluation."""


class NotFound(BadInput):
    """No such study, trial, metric or checkpoint."""


class Infeasible(HpsearchError):
    """A trainer raises it if its parameters cannot be trained: `raise hpsearch.Infeasible("b > a")`.

    The trial ends as INFEASIBLE, with the text as its reason. It does not count as failed and is never the best trial,
    and the search avoids its parameters. A trainer that returns before its first report has the same effect.
    """

    exit_code = 3


class NoTrialSucceeded(HpsearchError):
    """No trial has a result, or too few trials have one."""

    exit_code = 3


class StudyBusy(HpsearchError):
    """Another process runs this study."""

    exit_code = 4


class InfrastructureError(HpsearchError):
    """The database, the cluster or the disk failed; the next run of the study resumes it."""

    exit_code = 5


class JournalError(InfrastructureError): ...


class JournalUnavailable(JournalError): ...


class LeaseLost(InfrastructureError): ...


class DiskError(InfrastructureError): ...


class PoolError(InfrastructureError): ...


class Stopped(HpsearchError):
    """A signal stopped the run, which recorded its state first. The exit code is 128 + signal_number."""

    def __init__(self, signal_number: int, message: str):
        self.exit_code = 128 + signal_number
        super().__init__(message)


class TrialStopped(BaseException):
    """`run.report(…)` raises it inside a trainer if the trial is stopped or paused.

    `except Exception` does not catch it, and `finally` runs. Code that catches it must raise it again.
    """
