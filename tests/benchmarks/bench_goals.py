"""Requirements and two goals on published test functions: hpsearch and Optuna with the same samplers.

Gardner 2014, "Bayesian Optimization with Inequality Constraints"; the constrained bird function of Mishra 2006; ZDT1
(Zitzler 2000, "Comparison of Multiobjective Evolutionary Algorithms"); Binh and Korn 1997; C2-DTLZ2 (Jain 2014, "An
Evolutionary Many-Objective Optimization Algorithm, Part II"; radius 0.2).

Both train the same random points first. With the same seeds for each later trial too, and without short numbers, all
proposals would be the same (tests/samplers/optuna/test_surrogates_as_in_optuna.py). Here the seeds of later trials
differ.

    python -m tests.benchmarks goals             TPE and NSGA-II, 10 minutes
    python -m tests.benchmarks.bench_goals       Gaussian processes, 30 minutes
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import optuna

from hpsearch.core.decisions import New
from hpsearch.core.goals import Goal
from hpsearch.core.history import History
from hpsearch.core.requirements import read
from hpsearch.core.trial import Cause, Objective, Params, Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.optuna.adapter import nsga2
from hpsearch.study.space import Float, Space
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Table

SEEDS, TRIALS, STARTUP = 30, 60, 10
GP_SEEDS, GP_TRIALS = 10, 30


@dataclass(frozen=True)
class Problem:
    """goals: how many of the values are minimised; the others are requirements, <= 0. reference: of the hypervolume."""

    name: str
    bounds: Sequence[tuple[float, float]]
    values: Callable[[Sequence[float]], Sequence[float]]
    goals: int = 1
    reference: tuple[float, float] = (0.0, 0.0)

    @property
    def space(self) -> Space:
        """Of a study file, whose numbers are short."""
        return Space(tuple(Float(f"x{place}", low, high, short=True) for place, (low, high) in enumerate(self.bounds)))

    def first(self, seed: int) -> list[Params]:
        generator = np.random.default_rng(seed)
        return [self.space.from_unit(generator.random(len(self.bounds)).tolist()) for _ in range(STARTUP)]

    def result(self, rows: Sequence[Sequence[float]]) -> float:
        """The lowest value of the trials that meet the requirements, or the hypervolume of their front."""
        fit = [row for row in rows if all(value <= 0 for value in row[self.goals :])]
        return min((row[0] for row in fit), default=math.inf) if self.goals == 1 else self._hypervolume(fit)

    def _hypervolume(self, rows: Sequence[Sequence[float]]) -> float:
        area, (right, top) = 0.0, self.reference
        for one, two in sorted((row[0], row[1]) for row in rows):
            if one < right and two < top:
                area, top = area + (right - one) * (top - two), two
        return area


def gardner(x: Sequence[float]) -> Sequence[float]:
    a, b = x
    return math.cos(2 * a) * math.cos(b) + math.sin(a), math.cos(a) * math.cos(b) - math.sin(a) * math.sin(b) - 0.5


def bird(x: Sequence[float]) -> Sequence[float]:
    a, b = x
    first = math.sin(b) * math.exp((1 - math.cos(a)) ** 2) + math.cos(a) * math.exp((1 - math.sin(b)) ** 2)
    return first + (a - b) ** 2, (a + 5) ** 2 + (b + 5) ** 2 - 25


def zdt1(x: Sequence[float]) -> Sequence[float]:
    g = 1 + 9 * fmean(x[1:])
    return x[0], g * (1 - math.sqrt(x[0] / g))


def binh_korn(x: Sequence[float]) -> Sequence[float]:
    a, b = x
    near, far = (a - 5) ** 2 + b**2 - 25, 7.7 - (a - 8) ** 2 - (b + 3) ** 2
    return 4 * a**2 + 4 * b**2, (a - 5) ** 2 + (b - 5) ** 2, near, far


def c2dtlz2(x: Sequence[float]) -> Sequence[float]:
    g = 1 + sum((one - 0.5) ** 2 for one in x[1:])
    a, b, middle = g * math.cos(x[0] * math.pi / 2), g * math.sin(x[0] * math.pi / 2), math.sqrt(0.5)
    ends = min((a - 1) ** 2 + b**2, (b - 1) ** 2 + a**2)
    return a, b, min(ends, (a - middle) ** 2 + (b - middle) ** 2) - 0.2**2


PROBLEMS = (
    Problem("Gardner, 1 requirement", [(0.0, 6.0)] * 2, gardner),
    Problem("bird, 1 requirement", [(-10.0, 0.0), (-6.5, 0.0)], bird),
    Problem("ZDT1, 2 goals", [(0.0, 1.0)] * 5, zdt1, 2, (1.1, 6.0)),
    Problem("Binh-Korn, 2 goals, 2 requirements", [(0.0, 5.0), (0.0, 3.0)], binh_korn, 2, (140.0, 50.0)),
    Problem("C2-DTLZ2, 2 goals, 1 requirement", [(0.0, 1.0)] * 4, c2dtlz2, 2, (1.1, 1.1)),
)


def ours(problem: Problem, kind: str, seed: int, trials: int) -> list[Sequence[float]]:
    count = len(problem.values([low for low, _ in problem.bounds]))
    require = tuple(read(f"v{place} <= 0") for place in range(problem.goals, count))
    others = tuple(Goal(f"v{place}", "minimize") for place in range(1, problem.goals))
    history, rows = History(Objective("v0", "minimize", require=require, others=others)), list[Sequence[float]]()
    space, first = problem.space, problem.first(seed)
    sampler: Any = Bayesian(space, seed, trials, 1, "gp" if kind == "gp" else "tpe", STARTUP, first)
    if kind == "nsga2":
        sampler = nsga2(space, seed, 1, trials, STARTUP, first)
    for number in range(trials):
        proposal = sampler.ask(history)
        assert isinstance(proposal, New)
        rows.append(problem.values(list(proposal.params.values())))
        metrics = {f"v{place}": value for place, value in enumerate(rows[-1])}
        done: Mapping[str, Any] = {"state": State.COMPLETE, "cause": Cause.DONE, "ended": number + 1}
        trial = Trial(number, proposal.params, 0, 1, curve=(Report(1, metrics),), ended_before=number, **done)
        history.put(trial)
    return rows


def theirs(problem: Problem, kind: str, seed: int, trials: int) -> list[Sequence[float]]:
    samplers: Mapping[str, Callable[[], Any]] = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=seed, population_size=STARTUP),
    }
    rows: list[Sequence[float]] = []

    def objective(trial: optuna.Trial) -> Any:
        _ = trial.relative_params  # NSGA-II counts only trials for which it was asked
        rows.append(problem.values([trial.suggest_float(f"x{n}", *ends) for n, ends in enumerate(problem.bounds)]))
        for place, value in enumerate(rows[-1][problem.goals :]):
            trial.set_constraint(str(place), value)
        return rows[-1][: problem.goals]

    study = optuna.create_study(directions=["minimize"] * problem.goals, sampler=samplers[kind]())
    for params in problem.first(seed):
        study.enqueue_trial(dict(params))
    study.optimize(objective, n_trials=trials)
    return rows


def table(kinds: Sequence[str], trials: int, seeds: int) -> Table:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = []
    with catch_warnings():
        simplefilter("ignore")
        for problem in PROBLEMS:
            for kind in kinds:
                progress(f"{problem.name}, {kind}")
                found = [
                    [problem.result(run(problem, kind, seed, trials)) for seed in range(seeds)]
                    for run in (ours, theirs)
                ]
                better = [one - other if problem.goals > 1 else other - one for one, other in zip(*found, strict=True)]
                cells = [_with_error(values) for values in (*found, better)]
                rows.append([f"{problem.name} ({'lower' if problem.goals == 1 else 'higher'} is better)", kind, *cells])
    title = f"After {trials} trials: best value, or hypervolume; mean ± standard error of {seeds} seeds"
    return Table(title, ["function", "sampler", "hpsearch", "Optuna", "hpsearch is better by"], rows)


def _with_error(values: Sequence[float]) -> str:
    return f"{fmean(values):.4g} ± {stdev(values) / math.sqrt(len(values)):.2g}"


def tables() -> Iterator[Table]:
    yield table(("tpe", "nsga2"), TRIALS, SEEDS)


if __name__ == "__main__":
    print(table(("gp",), GP_TRIALS, GP_SEEDS).markdown())
