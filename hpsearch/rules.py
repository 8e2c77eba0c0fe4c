"""What ends a run or a trial whatever the others do: limits, and a loss that is no number."""

import math
from dataclasses import dataclass

from hpsearch.history import History
from hpsearch.trial import Report


@dataclass(frozen=True)
class Rules:
    """What the study file asks of the loop itself. Times in seconds; None: no limit.

    epochs: the most that one trial may train. retries: how often a trial may lose its worker.
    max_failures: so many trials whose trainer raised end the run.
    """

    seed: int
    epochs: int
    retries: int = 2
    max_failures: int = 5
    trial_seconds: float | None = None
    stall_seconds: float | None = None
    study_seconds: float | None = None
    study_trials: int | None = None
    study_epochs: int | None = None
    study_gpu_hours: float | None = None
    gpus: float = 0.0


@dataclass
class Totals:
    """What this run (not the study) has done so far. Seconds on a monotonic clock.

    busy: spent inside trainers, by all workers. workers: the most that trained at once.
    """

    began: float = math.nan
    ended: float = math.nan
    busy: float = 0.0
    epochs: int = 0
    workers: int = 0
    failures: int = 0

    @property
    def busy_fraction(self) -> float:
        """Share of the workers' time that went into trainers, from the first start to the last end; in [0, 1]."""
        span = (self.ended - self.began) * self.workers
        return min(1.0, self.busy / span) if span > 0 else 0.0


def limit_reached(rules: Rules, history: History, seconds: float) -> str:
    """Why a study that has run for so many seconds must end now, "" if it need not."""
    if rules.study_seconds is not None and seconds > rules.study_seconds:
        return f"limits.study = {rules.study_seconds:g} s is used up"
    if rules.study_epochs is not None and history.epochs >= rules.study_epochs:
        return f"limits.epochs = {rules.study_epochs} is used up"
    if rules.study_gpu_hours is not None and rules.gpus * history.busy / 3600 >= rules.study_gpu_hours:
        return f"limits.gpu_hours = {rules.study_gpu_hours:g} is used up"
    return ""


def diverged(report: Report, metric: str) -> str:
    """The objective's metric or a loss that is NaN or infinite, in words; "" where all is finite."""
    for name, value in report.metrics.items():
        if not math.isfinite(value) and (name == metric or name.endswith("loss")):
            return f"{name} is {value}"
    return ""
