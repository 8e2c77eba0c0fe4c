"""The curves that virtual workers play back: from a function, a table or a recorded study."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hpsearch.core.errors import Infeasible
from hpsearch.core.messages import Failure
from hpsearch.core.trial import Params, Report


@dataclass(frozen=True, slots=True)
class Curve:
    """The reports of a trial that trains to its end.

    reports: one for each epoch, with increasing steps from 1. seconds: training time of each epoch, > 0.
    failure: raised in the epoch after the last report; None: the trainer returns after the last report.
    reads_epochs: the trainer reads `run.epochs_total`, for example to anneal the learning rate over all epochs.
    """

    reports: tuple[Report, ...]
    seconds: tuple[float, ...]
    failure: Failure | None = None
    reads_epochs: bool = False


class Curves(Protocol):
    """The curves of all parameters that a search may propose. Equal arguments must give equal curves."""

    def curve(self, params: Params, seed: int, epochs: int) -> Curve:
        """params: searched and fixed parameters. seed: the trial's. epochs: the trial's maximum."""
        ...


@dataclass(frozen=True)
class FunctionCurves:
    """Curves from a Python function.

    function: (params, epoch) -> the value of `metric`, or a mapping of metrics. If it raises Infeasible, the trial is
    INFEASIBLE at that epoch; any other exception makes it FAILED. seconds: of one epoch, or (params) -> seconds.
    """

    function: Callable[[Params, int], float | Mapping[str, float]]
    metric: str
    seconds: float | Callable[[Params], float] = 1.0

    def curve(self, params: Params, seed: int, epochs: int) -> Curve:  # noqa: ARG002
        reports: list[Report] = []
        failure = None
        for epoch in range(1, epochs + 1):
            try:
                value = self.function(params, epoch)
            except Infeasible as problem:
                failure = Failure("infeasible", str(problem))
            except Exception as problem:
                failure = Failure("error", f"{type(problem).__name__}: {problem}")
            if failure is not None:
                break
            metrics = value if isinstance(value, Mapping) else {self.metric: value}
            reports.append(Report(epoch, {name: float(one) for name, one in metrics.items()}))
            if not math.isfinite(reports[-1].metrics.get(self.metric, 0.0)):
                break  # the loop ends a trial that has diverged
        seconds = self.seconds(params) if callable(self.seconds) else self.seconds
        return Curve(tuple(reports), (seconds,) * len(reports), failure)
