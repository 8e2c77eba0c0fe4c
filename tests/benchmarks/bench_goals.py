"""Requirements and two goals on published test functions: hpsearch and Optuna with the same samplers.

Gardner 2014, "Bayesian Optimization with Inequality Constraints"; the constrained bird function of Mishra 2006; ZDT1
(Zitzler 2000, "Comparison of Multiobjective Evolutionary Algorithms"); Binh and Korn 1997.

    python -m tests.benchmarks goals             random search, TPE and NSGA-II, 1 minute
    python -m tests.benchmarks.bench_goals       Gaussian processes, 15 minutes
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any
from warnings import catch_warnings, simplefilter

import optuna

from hpsearch.core.decisions import New
from hpsearch.core.goals import Goal
from hpsearch.core.history import History
from hpsearch.core.requirements import read
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.optuna.adapter import nsga2
from hpsearch.study.space import Float, Space
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Table

SEEDS, TRIALS, STARTUP = 10, 60, 10
GP_TRIALS = 30


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
        return Space(tuple(Float(f"x{place}", low, high) for place, (low, high) in enumerate(self.bounds)))

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


PROBLEMS = (
    Problem("Gardner, 1 requirement", [(0.0, 6.0)] * 2, gardner),
    Problem("bird, 1 requirement", [(-10.0, 0.0), (-6.5, 0.0)], bird),
    Problem("ZDT1, 2 goals", [(0.0, 1.0)] * 5, zdt1, 2, (1.1, 6.0)),
    Problem("Binh-Korn, 2 goals, 2 requirements", [(0.0, 5.0), (0.0, 3.0)], binh_korn, 2, (140.0, 50.0)),
)


def ours(problem: Problem, kind: str, seed: int, trials: int) -> list[Sequence[float]]:
    count = len(problem.values([low for low, _ in problem.bounds]))
    require = tuple(read(f"v{place} <= 0") for place in range(problem.goals, count))
    others = tuple(Goal(f"v{place}", "minimize") for place in range(1, problem.goals))
    history, rows = History(Objective("v0", "minimize", require=require, others=others)), list[Sequence[float]]()
    startup = trials if kind == "random" else STARTUP
    sampler: Any = Bayesian(problem.space, seed, trials, 1, "gp" if kind == "gp" else "tpe", startup)
    if kind == "nsga2":
        sampler = nsga2(problem.space, seed, 1, trials, STARTUP)
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
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=seed, population_size=STARTUP),
    }
    rows: list[Sequence[float]] = []

    def objective(trial: optuna.Trial) -> Any:
        rows.append(problem.values([trial.suggest_float(f"x{n}", *ends) for n, ends in enumerate(problem.bounds)]))
        for place, value in enumerate(rows[-1][problem.goals :]):
            trial.set_constraint(str(place), value)
        return rows[-1][: problem.goals]

    study = optuna.create_study(directions=["minimize"] * problem.goals, sampler=samplers[kind]())
    study.optimize(objective, n_trials=trials)
    return rows


def table(kinds: Sequence[str], trials: int) -> Table:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = []
    with catch_warnings():
        simplefilter("ignore")
        for problem in PROBLEMS:
            for kind in kinds:
                cells = []
                for run in (ours, theirs):
                    progress(f"{problem.name}, {kind}, {run.__name__}")
                    found = [problem.result(run(problem, kind, seed, trials)) for seed in range(SEEDS)]
                    cells.append(f"{fmean(found):.4g} ± {stdev(found) / math.sqrt(SEEDS):.2g}")
                rows.append([f"{problem.name} ({'lower' if problem.goals == 1 else 'higher'} is better)", kind, *cells])
    title = f"After {trials} trials: best value, or hypervolume; mean ± standard error of {SEEDS} seeds"
    return Table(title, ["function", "sampler", "hpsearch", "Optuna"], rows)


def tables() -> Iterator[Table]:
    yield table(("random", "tpe", "nsga2"), TRIALS)


if __name__ == "__main__":
    print(table(("gp",), GP_TRIALS).markdown())
