"""The learning test: whether a study's trainer can learn, and the cost of an epoch. Measured on a worker."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from hpsearch.core import seeds
from hpsearch.core.format import finite
from hpsearch.core.messages import Lost
from hpsearch.core.trial import Params
from hpsearch.preflight.judge import checklist
from hpsearch.preflight.judge.check import Check, failed
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.preflight.measurements import Measurements
from hpsearch.samplers.random import draw
from hpsearch.study import feasible
from hpsearch.study.definition import Study
from hpsearch.study.file.sections import Preflight
from hpsearch.workers.pools.base import Measurer

MAX_INFEASIBLE = 10
"""The most parameter sets that are tried until one is feasible: the middle of the space, then random ones."""


EXPLAINED_BY_RATE = frozenset({"overfits", "labels"})
"""Checks that also fail if the learning rate is wrong by orders of magnitude."""


@dataclass(frozen=True)
class LearningTest:
    """params: the parameters of the measured training. seconds: the duration of the measurement."""

    params: Params
    checks: tuple[Check, ...]
    cost: checklist.Cost
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the study may start."""
        return not any(check.stops for check in self.checks)

    @property
    def may_be_the_rate(self) -> bool:
        """Whether a wrong learning rate would explain all checks that failed, or whose training loss hardly falls."""
        wrong = {check.name for check in self.checks if check.stops or check.evidence.get("flat")}
        return bool(wrong) and wrong <= EXPLAINED_BY_RATE

    def document(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "params": dict(self.params),
            "checks": [finite(asdict(check)) for check in self.checks],
            "cost": {**asdict(self.cost), "per_gpu": self.cost.per_gpu},
            "seconds": self.seconds,
        }


def run_learning_test(study: Study, measurer: Measurer, given: Params | None = None) -> LearningTest:
    """Run the learning test at the centre of the space. given: values that replace those of the centre."""
    section = study.preflight or Preflight()
    seed = seeds.seed_of_trial(study.study.seed, study.study.trial_seeds, number=0, repeat=0)
    centre = {**feasible.centre(study.space), **(given or {})}
    measurement = LearningMeasurement(centre, seed, study.trainer.epochs, section.limit, section.skip)
    measured = measurer.measure(measurement)
    for number in range(1, MAX_INFEASIBLE):
        if not _is_infeasible(measured):
            break
        params = draw(study.space, seeds.stream(study.study.seed, number), set())
        measurement = replace(measurement, params={**params, **(given or {})})
        measured = measurer.measure(measurement)
    if isinstance(measured, Lost):
        check = failed("runs", f"the measurement was lost: {measured.reason}", details=measured.traceback)
        return LearningTest(measurement.params, (check,), checklist.cost(Measurements()), 0.0)
    checks = checklist.judge(measured, study.objective, section.skip)
    cost = checklist.cost(measured, len(study.replicates), study.trainer.word)
    return LearningTest(measurement.params, checks, cost, measured.seconds)


def _is_infeasible(measured: Measurements | Lost) -> bool:
    return isinstance(measured, Measurements) and measured.failure is not None and measured.failure.kind == "infeasible"
