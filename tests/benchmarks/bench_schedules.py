"""Short trainings that are the beginning of a long one, or that have a schedule of their own length: which is better
for successive halving? By real training, since recorded curves of one length cannot show it.

    python -m tests.benchmarks schedules        about 20 minutes on one core

Random configurations of trainers that anneal their learning rate over `run.epochs_total` are trained for 1, 3, 9 and 27
epochs, each from the first epoch on. Successive halving then plays these trainings back, over random orders of the
configurations. The second table compares search methods on the trainings of 27 epochs, as `bench_search` does.
"""

import contextlib
import math
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

import numpy as np

from hpsearch import Run
from hpsearch.core.trial import Params, Report, key_of
from hpsearch.samplers.random import draw
from tests.benchmarks import bench_recipe, bench_trainers
from tests.benchmarks.bench_recipe import Task
from tests.benchmarks.bench_search import BASE, FLOOR, Setting, regrets
from tests.benchmarks.curve_tasks import METRIC, Curve
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table

RUNGS = (1, 3, 9, 27)
ETA = 3
CONFIGURATIONS, SEEDS, BUDGET = 300, 100, 270
METHODS, SEARCHES, MARKS = ("random+halving", "freeze-thaw", "recipe", "tpe+hyperband"), 30, (100, 270, 540)
ANNEALED = ("small_convolutions", "next_letters", "waves", "sets", "waves_forecast", "clouds_of_points", "rare_cases")

Trained = Mapping[int, Sequence[float]]
"""The losses of one configuration after each epoch, by the number of epochs of the training."""


def recorded(task: Task, count: int = CONFIGURATIONS) -> list[Trained]:
    return [{epochs: losses(task, params, epochs) for epochs in RUNGS} for params in points_of(task, count)]


def points_of(task: Task, count: int) -> list[Params]:
    with tempfile.TemporaryDirectory() as folder:
        space = bench_recipe.study_of(task, bench_recipe.METHODS["random"], 0, Path(folder)).space
    return [draw(space, np.random.default_rng([number, 7]), set()) for number in range(count)]


def losses(task: Task, params: Params, epochs: int) -> list[float]:
    """After each epoch; infinite where the training fails, as a schedule may that divides by its length minus one."""
    module, _, name = task.use.partition(":")
    trainer, found = getattr(import_module(module), name), list[float]()
    sign = -1 if task.goal == "maximize" else 1
    with contextlib.suppress(ArithmeticError, ValueError):
        found += [sign * float(one.metrics[task.metric]) for one in trainer(params, Run.local(epochs, device="cpu"))]
    found = [one if math.isfinite(one) else math.inf for one in found]
    return found + [math.inf] * (epochs - len(found))


def loss_at(trained: Trained, rung: int, own: bool) -> float:
    """The best loss up to this rung. own: of the training with this length, else of the longest one."""
    return min(trained[rung] if own else trained[RUNGS[-1]][:rung])


def best_of_halving(table: Sequence[Trained], seed: int, own: bool, first: int = 0) -> float:
    """The best loss of successive halving with promotion within BUDGET epochs. own: a promoted configuration is trained
    again from epoch 1, else it continues. first: the place of the first rung in RUNGS."""
    waiting, rungs = list(np.random.default_rng([seed, 5]).permutation(len(table))), RUNGS[first:]
    reached: dict[int, list[int]] = {rung: [] for rung in rungs}
    left, best = BUDGET, math.inf
    while job := _next(table, reached, waiting, own, left):
        number, rung, cost = job
        reached[rung].append(number)
        left, best = left - cost, min(best, loss_at(table[number], rung, own))
    return best


def _next(
    table: Sequence[Trained], reached: Mapping[int, list[int]], waiting: list[int], own: bool, left: int
) -> tuple[int, int, int] | None:
    """The configuration to train, to which rung, and its epochs: a promotion to the highest rung that has one, else a
    new one."""
    rungs = list(reached)
    for low, high in reversed(list(pairwise(rungs))):
        ranked = sorted(reached[low], key=lambda number: loss_at(table[number], low, own))
        best = [one for one in ranked[: len(ranked) // ETA] if one not in reached[high]]
        cost = high if own else high - low
        if best and cost <= left and math.isfinite(loss_at(table[best[0]], low, own)):
            return best[0], high, cost
    return (waiting.pop(), rungs[0], rungs[0]) if waiting and rungs[0] <= left else None


def rank_correlation(table: Sequence[Trained], rung: int, own: bool) -> float:
    """Spearman's, of the losses at this rung with those of the longest training."""
    from scipy.stats import spearmanr

    pairs = [(loss_at(one, rung, own), loss_at(one, RUNGS[-1], own=False)) for one in table]
    known = [pair for pair in pairs if all(map(math.isfinite, pair))]
    return float(spearmanr(known).statistic) if known else math.nan


def ranks(table: Sequence[Trained], own: bool, first: int = 0) -> list[float]:
    """For each order, the share of configurations whose longest training is better than what the search found, in
    percent."""
    ends = np.sort([loss_at(one, RUNGS[-1], own=False) for one in table])
    found = [best_of_halving(table, seed, own, first) for seed in range(SEEDS)]
    return [100 * float(np.searchsorted(ends, one)) / len(ends) for one in found]


def row(name: str, table: Sequence[Trained]) -> Row:
    begun, own = ranks(table, own=False), ranks(table, own=True)
    difference = [one - other for one, other in zip(own, begun, strict=True)]
    later = [ranks(table, own=one, first=1) for one in (False, True)]
    return [
        name,
        *(f"{rank_correlation(table, 1, own=one):.2f}" for one in (False, True)),
        *(f"{fmean(one):.1f}" for one in (begun, own)),
        f"{fmean(difference):+.1f} ± {stdev(difference) / math.sqrt(SEEDS):.1f}",
        *(f"{fmean(one):.1f}" for one in later),
    ]


# Search methods on the longest trainings ─────────────────────────────────────────────────────────


class Longest:
    """A `CurveTask`. The median loss of the 20 lowest rates after one epoch is taken for that of an untrained network;
    losses further above it than the best one is below it are cut there."""

    epochs = RUNGS[-1]

    def __init__(self, task: Task, table: Sequence[Trained]):
        self.name, self.rows = task.name, points_of(task, len(table))
        self.space = tomllib.loads(f"lr = {{ {task.rate}, log = true }}\n{task.space}")
        losses = np.array([one[self.epochs] for one in table])
        lowest_rates = np.argsort([float(row["lr"]) for row in self.rows])[:20]  # type: ignore[arg-type]
        self.scale, self.best = float(np.median(losses[lowest_rates, 0])), float(losses.min())
        losses = np.minimum(losses, 2 * self.scale - self.best)
        self._losses = {key_of(row): own for row, own in zip(self.rows, losses.tolist(), strict=True)}

    def curve(self, params: Params, seed: int, epochs: int) -> Curve:
        losses = self._losses[key_of(params)][:epochs]
        reports = tuple(Report(epoch, {METRIC: loss}) for epoch, loss in enumerate(losses, 1))
        return Curve(reports, (1.0,) * len(reports), reads_epochs=True)


def search_row(method: str, tasks: Sequence[Longest]) -> Row:
    found = []
    for task in tasks:
        runs = [
            [regrets(task, one, seed, Setting((one,), SEARCHES, MARKS))[0] for seed in range(SEARCHES)]
            for one in (method, BASE)
        ]
        own, base = np.array(runs).mean(1)
        found.append(np.log((own + FLOOR) / (base + FLOOR)))
    means, errors = np.mean(found, 0), np.std(found, 0, ddof=1) / math.sqrt(len(found))
    ratios = [f"{math.exp(one):.2f} ± {math.exp(one) * error:.2f}" for one, error in zip(means, errors, strict=True)]
    return [method, *ratios, f"{math.exp(max(one[-1] for one in found)):.2f}"]


def tables() -> Iterator[Table]:
    columns = ("trainer", "correlation", "own", "best found", "own", "difference", "from epoch 3", "own")
    note = (
        f"{CONFIGURATIONS} configurations, {SEEDS} orders, {BUDGET} epochs. Correlation: of the losses after one epoch "
        "with those after 27. Best found: the mean share of configurations that are better, in percent. own: short "
        "trainings have their own schedule, and a promoted one is trained again"
    )
    rows, tasks = [], []
    for task in bench_trainers.TASKS:
        if task.use.rpartition(":")[2] in ANNEALED:
            progress(task.name)
            table = recorded(task)
            rows.append(row(task.name, table))
            tasks.append(Longest(task, table))
    yield Table("Schedules of short trainings", columns, rows, note)
    searches = [search_row(method, tasks) for method in METHODS]
    text = f"geometric mean over trainers of the regret relative to {BASE}, ± its standard error; {SEARCHES} seeds"
    yield Table("Searches", ("search", *(f"{one} epochs" for one in MARKS), "worst"), searches, text)
