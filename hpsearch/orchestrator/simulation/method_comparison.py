"""Compares search methods on virtual workers, with the same number of epochs."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.format import many
from hpsearch.core.trial import Params
from hpsearch.orchestrator.simulation.simulated_run import SimulatedRun, simulate
from hpsearch.study import plan
from hpsearch.study.definition import Study
from hpsearch.study.file import prune_sections, search_sections
from hpsearch.study.schedule import BudgetSchedule
from hpsearch.workers.pools.simulated.played_curves import Curves
from hpsearch.workers.pools.simulated.virtual_workers import lost_workers, no_fault

OWN = "study"
"""The name of the study file's own search."""

METHODS = {
    OWN: "",
    "random": "never",
    "random+halving": "halving",
    "random+stopping": "stopping",
    "tpe": "never",
    "tpe+halving": "halving",
    "tpe+stopping": "stopping",
    "tpe+hyperband": "hyperband",
    "gp": "never",
    "freeze-thaw": "never",
    "recipe": "never",
    "recipe+halving": "never",
}
"""The methods that can be compared, with the pruning of each; "": as in the study file. halving: successive halving
that may continue a paused trial later. stopping: halving with promote = false."""

DEFAULT = (OWN, "random", "random+halving", "tpe+halving", "freeze-thaw", "recipe")

PARTS = (0.25, 0.5, 1.0)
"""The best value is shown after these fractions of the epochs."""

SIGNIFICANT = 2.0
"""Two methods differ if the mean of their paired differences (by seed) is larger than this many standard errors."""


MIN_SEEDS = 3
"""With fewer seeds no difference is significant."""


@dataclass(frozen=True)
class MethodResult:
    """One method with one number of workers, over all seeds.

    values: for each seed, the best value after each of `PARTS` of the epochs, or None. trials, epochs: means.
    seconds: mean simulated wall clock. proposing: mean real seconds that the sampler of one search took.
    """

    method: str
    workers: int
    values: tuple[tuple[float | None, ...], ...]
    trials: float
    epochs: float
    seconds: float
    proposing: float

    def mean(self, part: int = -1) -> float | None:
        values = [one[part] for one in self.values]
        found = [one for one in values if one is not None]
        return fmean(found) if len(found) == len(values) else None

    def error(self, part: int = -1) -> float | None:
        """The standard error of the mean; None with one seed."""
        found = [one[part] for one in self.values]
        known = [one for one in found if one is not None]
        return stdev(known) / math.sqrt(len(known)) if len(known) == len(found) > 1 else None


@dataclass(frozen=True)
class MethodComparison:
    """study: its trials are not longer than the curves. budget: epochs of one search. failures: the share of epochs in
    which the worker is lost."""

    study: Study
    budget: int
    seeds: int
    results: tuple[MethodResult, ...]
    failures: float = 0.0

    def best(self, workers: int) -> MethodResult | None:
        """The method with the best mean value; None if no method has a value for each seed."""
        sign = self.study.objective.sign
        known = [one for one in self.results if one.workers == workers and one.mean() is not None]
        return min(known, key=lambda one: sign * (one.mean() or 0.0), default=None)

    def as_good(self, best: MethodResult) -> list[str]:
        """The methods without a significant difference from the best, with the same number of workers."""
        others = [one for one in self.results if one.workers == best.workers and one.method != best.method]
        return [one.method for one in others if not self._is_worse(one, best)]

    def _is_worse(self, one: MethodResult, best: MethodResult) -> bool:
        pairs = [(a[-1], b[-1]) for a, b in zip(one.values, best.values, strict=True)]
        differences = [self.study.objective.sign * (a - b) for a, b in pairs if a is not None and b is not None]
        if len(differences) < len(pairs):
            return True
        if len(differences) < MIN_SEEDS:
            return False
        return fmean(differences) > SIGNIFICANT * stdev(differences) / math.sqrt(len(differences))

    def document(self) -> dict[str, Any]:
        results = [
            asdict(one) | {"mean": one.mean(), "standard_error": one.error(), "values": [list(v) for v in one.values]}
            for one in self.results
        ]
        return {
            "study": self.study.study.name,
            "metric": self.study.objective.metric,
            "goal": self.study.objective.goal,
            "epochs": self.budget,
            "epochs_of_a_trial": self.study.trainer.epochs,
            "parts": list(PARTS),
            "seeds": self.seeds,
            "failures": self.failures,
            "searches": results,
            "best": {str(one): best and best.method for one in self._workers for best in [self.best(one)]},
        }

    @property
    def unit(self) -> str:
        """Of `budget`, see `Objective.unit`."""
        return self.study.trainer.word

    @property
    def _workers(self) -> list[int]:
        return list(dict.fromkeys(one.workers for one in self.results))


def epochs_of(study: Study) -> int:
    """The epochs of a study's search if nothing is pruned; if the search has no end, the epochs of 20 trials."""
    return plan.limited_epochs(study) or study.limits.epochs or 20 * study.trainer.epochs


def compare_methods(
    study: Study,
    curves: Curves,
    *,
    methods: Sequence[str] = DEFAULT,
    workers: Sequence[int] = (1,),
    seeds: int = 5,
    budget: int | None = None,
    rows: Sequence[Params] | None = None,
    failures: float = 0.0,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> MethodComparison:
    """Simulate every method with every number of workers, with the seeds study.seed, study.seed + 1, …

    budget: the epochs of each search. rows: see `simulate`. failures: the share of epochs in which the worker is lost,
    in [0, 1). progress: called before each search, with the method, the number of workers, and the number of the seed
    from 0. BadInput: too few epochs, or a study that needs more than one metric.
    """
    if study.objective.others or study.objective.require:
        raise BadInput("the curves have one metric: leave study.objectives and study.require out of the simulated file")
    budget = budget or epochs_of(study)
    least = BudgetSchedule(budget, study.trainer.epochs, study.trainer.word).min_budget
    if budget < least:
        if methods is not DEFAULT and "recipe" in methods:
            raise BadInput(f"recipe needs at least {many(least, study.trainer.word)}, got {budget}")
        methods = [one for one in methods if one != "recipe"]
    results = []
    for count in workers:
        for method in methods:
            changed, runs = with_method(study, method, budget), []
            for place in range(seeds):
                progress(method, count, place)
                seed = study.study.seed + place
                fault = lost_workers(failures, seed) if failures else no_fault
                runs.append(simulate(changed, curves, workers=count, seed=seed, rows=rows, fault=fault))
            results.append(_result(method, count, budget, runs))
    return MethodComparison(study, budget, seeds, tuple(results), failures)


def _result(method: str, workers: int, budget: int, runs: Sequence[SimulatedRun]) -> MethodResult:
    marks = [round(part * budget) for part in PARTS]
    return MethodResult(
        method,
        workers,
        tuple(tuple(run.best_at(marks)) for run in runs),
        trials=fmean(len(run.history) for run in runs),
        epochs=fmean(run.history.epochs for run in runs),
        seconds=fmean(run.seconds for run in runs),
        proposing=fmean(run.proposing for run in runs),
    )


def with_method(study: Study, method: str, budget: int) -> Study:
    """The same study with one of `METHODS`, and with limits.epochs as its only limit."""
    limits = {"study": None, "gpu_hours": None, "trials": None, "target": None, "epochs": budget}
    changed: dict[str, Any] = dict(_sections(method, budget))
    return study.model_copy(update={**changed, "limits": study.limits.model_copy(update=limits)})


def _sections(method: str, budget: int) -> Iterator[tuple[str, Any]]:
    if method == OWN:
        return
    sampler = method.partition("+")[0]
    if sampler == "random":
        yield "search", search_sections.Random(method="random", trials=budget)
    elif sampler == "recipe":
        given = search_sections.Budget(epochs=budget)
        promote = True if method == "recipe+halving" else None
        yield "search", search_sections.Recipe(method="recipe", budget=given, promote=promote)
    else:
        yield "search", search_sections.Bayesian(method="bayesian", trials=budget, sampler=sampler)  # type: ignore[arg-type]
    match METHODS[method]:
        case "halving":
            yield "prune", prune_sections.HalvingPrune(method="halving")
        case "stopping":
            yield "prune", prune_sections.HalvingPrune(method="halving", promote=False)
        case "hyperband":
            yield "prune", prune_sections.HyperbandPrune(method="hyperband")
        case _:
            yield "prune", prune_sections.NeverPrune(method="never")
