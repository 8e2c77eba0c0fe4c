"""What users expect (`prior`) and earlier studies (`learn_from`): searches with and without them.

    python -m tests.benchmarks evidence                         both tables
    python -m tests.benchmarks.bench_evidence --help            fewer seeds, other tasks

Priors are tried on test functions in the unit cube; earlier studies on tasks of the LCBench surrogate (`curve_tasks`),
where each task learns from all others (leave one task out). Rules were chosen on the tasks of `TASKS`; `--held-out`
names tasks that learn from them and from which none learns.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise
from statistics import fmean

import numpy as np

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.related import RelatedStudy, RelatedTrial
from hpsearch.core.trial import Cause, Objective, Params, Report, State, Trial
from hpsearch.orchestrator.evidence.learned_studies import ranked
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.random import Random
from hpsearch.study.definition import Study
from hpsearch.study.priors import Prior, Weight
from hpsearch.study.space import Float, Space
from tests.benchmarks.curve_tasks import METRIC, CurveTask, load
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table

TASKS = ("168335", "189862", "34539", "126029")
SEEDS, TRIALS, MARKS = 10, 40, (10, 40)
"""MARKS: numbers of trials at which the regret is taken."""

PRIOR_TRIALS, PRIOR_MARKS = 100, (10, 40, 100)

EARLIER_TRIALS = 40
OFF = 0.1
"""Standard deviation by which a right prior is off on each axis."""

LOSS = Objective(METRIC, "minimize")

Loss = Callable[[Params], float]


def search(sampler: Sampler, loss: Loss, related: Sequence[RelatedStudy] = (), most: int = TRIALS) -> list[float]:
    """The losses of the trials, one after the other."""
    history, losses = History(LOSS, related=related), list[float]()
    while len(history) < most and isinstance(proposal := sampler.ask(history), New):
        number = len(history)
        losses.append(loss(proposal.params))
        curve = (Report(1, {METRIC: losses[-1]}),)
        trial = Trial(number, proposal.params, 0, 1, State.COMPLETE, cause=Cause.DONE, curve=curve)
        history.put(replace(trial, ended=number + 1, ended_before=number))
    return losses


# Priors ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Function:
    """Of a point of the unit cube. optimum: the point with the value `best`. wrong: the far end of each axis."""

    name: str
    value: Callable[[Sequence[float]], float]
    optimum: tuple[float, ...]
    best: float

    @property
    def wrong(self) -> list[float]:
        return [0.0 if u > 0.5 else 1.0 for u in self.optimum]

    def space(self, at: Sequence[float] | None, weight: Weight) -> Space:
        """at: the priors' values; None: without priors."""
        priors = [None] * len(self.optimum) if at is None else [Prior(u, weight) for u in at]
        return Space(tuple(Float(f"x{i}", 0.0, 1.0, prior=one, short=False) for i, one in enumerate(priors)))

    def loss(self, params: Params) -> float:
        return self.value([float(params[f"x{i}"]) for i in range(len(self.optimum))]) - self.best  # type: ignore[arg-type]


def branin(u: Sequence[float]) -> float:
    x, y = 15 * u[0] - 5, 15 * u[1]
    inner = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return inner**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(u: Sequence[float]) -> float:
    return -float(_ALPHA @ np.exp(-(_A * (np.array(u) - _P) ** 2).sum(1)))


def rosenbrock(u: Sequence[float]) -> float:
    x = [4 * one - 2 for one in u]
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def levy(u: Sequence[float]) -> float:
    w = 1 + (20 * np.array(u) - 11) / 4
    inner = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)).sum()
    return float(np.sin(np.pi * w[0]) ** 2 + inner + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2))


def ackley(u: Sequence[float]) -> float:
    x = 40 * np.array(u) - 15
    return float(20 + math.e - 20 * np.exp(-0.2 * np.sqrt((x**2).mean())) - np.exp(np.cos(2 * np.pi * x).mean()))


def styblinski_tang(u: Sequence[float]) -> float:
    x = 10 * np.array(u) - 5
    return float((x**4 - 16 * x**2 + 5 * x).sum() / 2)


_BETA = np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5]) / 10
_EVEN, _ODD = (4, 1, 8, 6, 3, 2, 5, 8, 6, 7), (4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6)
_CENTRES = np.array([_EVEN, _ODD, _EVEN, _ODD])


def shekel(u: Sequence[float]) -> float:
    squares = ((10 * np.array(u)[:, None] - _CENTRES) ** 2).sum(0)
    return -float((1 / (squares + _BETA)).sum())


def griewank(u: Sequence[float]) -> float:
    """With 30 times its quadratic part, from -7 to 13."""
    x = 20 * np.array(u) - 7
    return float(1 + 30 * (x**2).sum() / 4000 - np.cos(x / np.sqrt(np.arange(1, len(x) + 1))).prod())


def rastrigin(u: Sequence[float]) -> float:
    x = 10.24 * np.array(u) - 4
    return float(10 * len(x) + (x**2 - 10 * np.cos(2 * np.pi * x)).sum())


def michalewicz(u: Sequence[float]) -> float:
    x = np.pi * np.array(u)
    return -float((np.sin(x) * np.sin(np.arange(1, len(x) + 1) * x**2 / np.pi) ** 20).sum())


def powell(u: Sequence[float]) -> float:
    a, b, c, d = (9 * one - 4 for one in u)
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


def dixon_price(u: Sequence[float]) -> float:
    x = 20 * np.array(u) - 10
    return float((x[0] - 1) ** 2 + (np.arange(2, len(x) + 1) * (2 * x[1:] ** 2 - x[:-1]) ** 2).sum())


def zakharov(u: Sequence[float]) -> float:
    x = 15 * np.array(u) - 5
    weighted = float((0.5 * np.arange(1, len(x) + 1) * x).sum())
    return float((x**2).sum()) + weighted**2 + weighted**4


def bukin(u: Sequence[float]) -> float:
    x, y = 10 * u[0] - 15, 6 * u[1] - 3
    return 100 * math.sqrt(abs(y - 0.01 * x * x)) + 0.01 * abs(x + 10)


def six_hump_camel(u: Sequence[float]) -> float:
    x, y = 6 * u[0] - 3, 4 * u[1] - 2
    return (4 - 2.1 * x * x + x**4 / 3) * x * x + x * y + (4 * y * y - 4) * y * y


def _dixon_price_optimum(dimensions: int) -> tuple[float, ...]:
    return tuple((2 ** -(1 - 2.0 ** (1 - i)) + 10) / 20 for i in range(1, dimensions + 1))


FUNCTIONS = (
    Function("Rosenbrock 4", rosenbrock, (0.75, 0.75, 0.75, 0.75), 0.0),
    Function("Levy 4", levy, (0.55, 0.55, 0.55, 0.55), 0.0),
    Function("Branin", branin, ((math.pi + 5) / 15, 2.275 / 15), 0.397887),
    Function("Hartmann 6", hartmann, (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573), -3.32237),
    Function("Ackley 5", ackley, (0.375, 0.375, 0.375, 0.375, 0.375), 0.0),
    Function("Styblinski-Tang 5", styblinski_tang, (0.2096466,) * 5, -39.16617 * 5),
    Function("Shekel 4", shekel, (0.4,) * 4, shekel((0.4,) * 4)),
    Function("Griewank 6", griewank, (0.35,) * 6, 0.0),
    Function("Rastrigin 4", rastrigin, (4 / 10.24,) * 4, 0.0),
    Function("Michalewicz 2", michalewicz, (2.202906 / math.pi, 0.5), -1.801303),
    Function("Powell 4", powell, (4 / 9,) * 4, 0.0),
    Function("Dixon-Price 4", dixon_price, _dixon_price_optimum(4), 0.0),
    Function("Zakharov 4", zakharov, (1 / 3,) * 4, 0.0),
    Function("Bukin 6", bukin, (0.5, 2 / 3), 0.0),
    Function("six-hump camel", six_hump_camel, ((0.0898 + 3) / 6, (-0.7126 + 2) / 4), -1.031628),
)
"""The lowest density of `study.priors` was chosen on the first two, the use of `trust` on the first five."""


def samplers(space: Space, seed: int) -> dict[str, Sampler]:
    return {"random": Random(space, seed, PRIOR_TRIALS, 1), "TPE": Bayesian(space, seed, PRIOR_TRIALS, 1, "tpe", 10)}


def prior_table(seeds: int) -> Table:
    rows: list[Row] = []
    for function in FUNCTIONS:
        for name in ("random", "TPE"):
            progress(f"{function.name}, {name}")
            cells = [_with_priors(function, name, seeds, None, "weak")]
            cells += [_with_priors(function, name, seeds, True, weight) for weight in ("weak", "strong")]
            cells += [_with_priors(function, name, seeds, False, weight) for weight in ("weak", "strong")]
            rows.append([f"{function.name}, {name}", *cells])
    columns = ["function, search", "no prior", "right, weak", "right, strong", "wrong, weak", "wrong, strong"]
    note = f"mean regret after {PRIOR_MARKS[0]}, {PRIOR_MARKS[1]} and {PRIOR_MARKS[2]} trials, {seeds} seeds"
    return Table("Priors", columns, rows, note)


def _with_priors(function: Function, name: str, seeds: int, is_right: bool | None, weight: Weight) -> str:
    runs = []
    for seed in range(seeds):
        shift = np.random.default_rng([seed, 1]).normal(0.0, OFF, len(function.optimum))
        right = np.clip(np.array(function.optimum) + shift, 0.0, 1.0).tolist()
        at = None if is_right is None else right if is_right else function.wrong
        runs.append(search(samplers(function.space(at, weight), seed)[name], function.loss, most=PRIOR_TRIALS))
    return ", ".join(f"{fmean(min(run[:mark]) for run in runs):.3g}" for mark in PRIOR_MARKS)


# Earlier studies ─────────────────────────────────────────────────────────────────────────────────


@cache
def task_named(name: str) -> CurveTask:
    return load(name)


def space_of(task: CurveTask) -> Space:
    sections = {
        "study": {"name": "bench", "metric": METRIC, "goal": "minimize"},
        "trainer": {"use": "bench:train", "epochs": task.epochs},
        "space": dict(task.space),
        "search": {"method": "random", "trials": 1},
    }
    return Study.from_dict(sections).space


def regret(task: CurveTask, params: Params) -> float:
    """Of the best epoch, in percent of the way from the best known loss to that of an untrained network."""
    reports = task.curve(params, 0, task.epochs).reports
    return 100 * (min(one.metrics[METRIC] for one in reports) - task.best) / (task.scale - task.best)


def earlier_study(name: str, seed: int) -> RelatedStudy:
    """Half of them are random searches, half of TPE."""
    task = task_named(name)
    space, tried, loss = space_of(task), list[Params](), partial(regret, task)

    def kept(params: Params) -> float:
        tried.append(params)
        return loss(params)

    own = {"random": Random(space, 1000 + seed, EARLIER_TRIALS, 1), "TPE": samplers(space, 1000 + seed)["TPE"]}
    losses = search(own["random" if seed % 2 else "TPE"], kept, most=EARLIER_TRIALS)
    names = tuple(one.name for one in space.parameters)
    trials = [RelatedTrial(i, params, value) for i, (params, value) in enumerate(zip(tried, losses, strict=True))]
    return RelatedStudy(name, names, tuple(ranked(trials)))


def transfer_table(tasks: Sequence[str], held_out: Sequence[str], seeds: int, sampler: str, trials: int) -> Table:
    marks = (min(MARKS[0], trials), trials)
    rows: list[Row] = []
    for name in (*tasks, *held_out):
        progress(f"LCBench {name}")
        task = task_named(name)
        space, runs = space_of(task), []
        for seed in range(seeds):
            others = [earlier_study(other, seed) for other in tasks if other != name]
            searched = Bayesian(space, seed, trials, 1, sampler, 10)  # type: ignore[arg-type]
            runs.append([search(searched, partial(regret, task), related, trials) for related in ((), others)])
        cells: list[float | int] = []
        for mark in marks:
            pairs = [(min(without[:mark]), min(with_[:mark])) for without, with_ in runs]
            cells += [fmean(one for one, _ in pairs), fmean(other for _, other in pairs)]
            cells.append(sum(other < one for one, other in pairs))
        rows.append([f"{name}{', held out' * (name in held_out)}", *cells])
    columns = ["task", *(f"{what} {mark}" for mark in marks for what in ("without,", "with,", "better,"))]
    note = f"mean regret in percent after so many trials, {seeds} seeds, {sampler}; better: of the {seeds} searches"
    return Table("Earlier studies, leave one task out", columns, rows, note)


def tables() -> Iterator[Table]:
    yield prior_table(SEEDS)
    yield transfer_table(TASKS, (), SEEDS, "tpe", TRIALS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_evidence", description=__doc__)
    parser.add_argument("--only", choices=["priors", "earlier"], help="one of the two tables")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--trials", type=int, default=TRIALS, help="of a search that learns from earlier studies")
    parser.add_argument("--sampler", choices=["tpe", "gp"], default="tpe", help="of the searches on LCBench")
    parser.add_argument("--tasks", nargs="+", default=TASKS, metavar="NUMBER", help="of LCBench")
    parser.add_argument("--held-out", nargs="*", default=(), metavar="NUMBER", help="tasks that only learn")
    args = parser.parse_args()
    if args.only != "earlier":
        print(prior_table(args.seeds).markdown(), end="\n\n", flush=True)
    if args.only != "priors":
        print(transfer_table(args.tasks, args.held_out, args.seeds, args.sampler, args.trials).markdown())


if __name__ == "__main__":
    main()
