"""Search methods on tasks with known learning curves, with equal epochs: how far each is from the best known value.

    make bench-search                       the quick table: 3 tasks of each suite, 3 seeds, 500 epochs
    python -m tests.benchmarks.bench_search --help

Settings of searches are chosen on the development tasks alone. `--held-out` runs the others.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from hpsearch.orchestrator.simulation.method_comparison import METHODS, with_method
from hpsearch.orchestrator.simulation.simulated_run import simulate
from hpsearch.samplers.random import draw
from hpsearch.study.definition import Study
from tests.benchmarks.curve_tasks import METRIC, CurveTask, load
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table

DEVELOPMENT = {
    "LCBench": (
        *("168335", "189862", "34539", "126029", "167152", "167161", "167184", "167190", "167200", "168329"),
        *("168868", "189865", "189908"),
    ),
    "TaskSet": ("patch128_LSTM128_avg_bs64", "patch32_GRU64_avg_bs128"),
    "trainings": ("rnn-digits-constant",),
}
HELD_OUT = {
    "LCBench": ("167168", "189873", "189906", "7593", "126026", "168330"),
    "TaskSet": (
        *("patch32_IRNN64_relu_avg_bs128", "patch32_LSTM128_E128_bs128", "patch32_VRNN128_tanh_bs128"),
        "patch32_VRNN64_relu_avg_bs128",
    ),
    "trainings": ("irnn-digits-constant", "mlp-heart-constant", "mlp-digits-cosine", "mlp-heart-cosine"),
}

GIVEN = ("LCBench", "TaskSet")
"""The suites of HPSEARCH_DATA; those of `trained_together` must be recorded before."""

SCREEN = "screen"
"""As many random points as a full training has epochs, one epoch each; the best is trained to the end; repeated. One
worker."""

BASE = "random+stopping"
"""Every regret is divided by that of this method on the same task with as many workers and epochs."""

FLOOR = 0.001
"""Added to both regrets of a ratio, so that a task where both are almost zero decides nothing."""

QUICK_TASKS, QUICK_SEEDS, QUICK_MARKS = 3, 3, (100, 250, 500)
QUICK_METHODS = (
    "random",
    BASE,
    "random+halving",
    "tpe+stopping",
    "tpe+halving",
    "tpe+hyperband",
    "freeze-thaw",
    "recipe",
)


@dataclass(frozen=True)
class Setting:
    """marks: numbers of epochs, ascending, at which the regret is taken."""

    methods: Sequence[str] = QUICK_METHODS
    seeds: int = QUICK_SEEDS
    marks: Sequence[int] = QUICK_MARKS
    workers: int = 1


@dataclass(frozen=True)
class Result:
    """regrets: for each task, seed and mark. proposing: real seconds of the sampler for 1,000 epochs."""

    regrets: Mapping[str, Sequence[Sequence[float]]]
    proposing: float

    def mean(self, task: str, mark: int) -> float:
        return fmean(one[mark] for one in self.regrets[task])

    def variance(self, task: str, mark: int) -> float:
        """Of the mean over seeds."""
        own = [one[mark] for one in self.regrets[task]]
        return stdev(own) ** 2 / len(own) if len(own) > 1 else 0.0


def study(task: CurveTask, seed: int) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "bench", "metric": METRIC, "goal": "minimize", "seed": seed},
            "trainer": {"use": "no:trainer", "epochs": task.epochs},
            "space": dict(task.space),
            "search": {"method": "random", "trials": 1},
            "tracking": {"mlflow": "none"},
        }
    )


def regrets(task: CurveTask, method: str, seed: int, setting: Setting) -> tuple[list[float], float]:
    """At each mark; and the real seconds of proposing for 1,000 epochs."""
    if method == SCREEN:
        return screened(task, seed, setting.marks), 0.0
    wanted = with_method(study(task, seed), method, setting.marks[-1])
    run = simulate(wanted, task, workers=setting.workers, rows=task.rows)
    values = [task.scale if one is None else one for one in run.best_at(setting.marks)]
    found = [max(0.0, (value - task.best) / (task.scale - task.best)) for value in values]
    return found, 1000 * run.proposing / max(1, run.history.epochs)


def screened(task: CurveTask, seed: int, marks: Sequence[int]) -> list[float]:
    """The regret of `SCREEN` at each mark."""
    generator, space = np.random.default_rng(seed), study(task, seed).space
    order = iter(generator.permutation(len(task.rows or ())))
    paused, losses = list[list[float]](), list[float]()
    while len(losses) < marks[-1]:
        for _ in range(task.epochs):
            params = task.rows[next(order)] if task.rows else draw(space, generator, set())
            curve = [report.metrics[METRIC] for report in task.curve(params, seed, task.epochs).reports]
            losses.append(curve[0])
            paused.append(curve)
        best = min(range(len(paused)), key=lambda place: paused[place][0])
        losses += paused.pop(best)[1:]
    return [max(0.0, (min(losses[:mark]) - task.best) / (task.scale - task.best)) for mark in marks]


def measured(names: Sequence[str], method: str, setting: Setting) -> Result:
    found, times = {}, []
    for name in names:
        task = load(name)
        runs = [regrets(task, method, seed, setting) for seed in range(setting.seeds)]
        found[name] = [values for values, _ in runs]
        times += [seconds for _, seconds in runs]
        means = " ".join(f"{fmean(column):.3f}" for column in zip(*found[name], strict=True))
        progress(f"{task.name}, {method}, {setting.workers} workers: {means}")
    return Result(found, fmean(times))


def table(suite: str, names: Sequence[str], setting: Setting) -> Table:
    results = {method: measured(names, method, setting) for method in dict.fromkeys([BASE, *setting.methods])}
    rows = [_row(method, results, names, setting) for method in setting.methods]
    columns = ["search"]
    for mark in setting.marks:
        columns += [f"regret at {mark}", f"ratio at {mark}"]
    columns += [f"worst task at {setting.marks[-1]}", "proposing"]
    note = (
        f"{len(names)} tasks, {setting.seeds} seeds, {setting.workers} workers. Regret: mean ± standard error over "
        f"seeds. Ratio: geometric mean over tasks of the regret relative to {BASE}, ± its standard error over tasks; "
        "worst task: the largest ratio. Proposing: s for 1,000 epochs"
    )
    return Table(f"Search: {suite}", columns, rows, note)


def _row(method: str, results: Mapping[str, Result], names: Sequence[str], setting: Setting) -> Row:
    own, base = results[method], results[BASE]
    cells: list[str | float] = [method]
    ratios: list[float] = []
    for place in range(len(setting.marks)):
        mean = fmean(own.mean(name, place) for name in names)
        error = math.sqrt(sum(own.variance(name, place) for name in names)) / len(names)
        ratios = [(own.mean(name, place) + FLOOR) / (base.mean(name, place) + FLOOR) for name in names]
        logs = [math.log(ratio) for ratio in ratios]
        spread = stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else 0.0
        ratio = math.exp(fmean(logs))
        cells += [f"{mean:.3f} ± {error:.3f}", f"{ratio:.2f} ± {ratio * spread:.2f}"]
    return (*cells, max(ratios), own.proposing)


def tables() -> Iterator[Table]:
    """The quick ones, for `python -m tests.benchmarks search`."""
    for suite in GIVEN:
        yield table(suite, DEVELOPMENT[suite][:QUICK_TASKS], Setting())


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_search", description=__doc__)
    methods = [SCREEN, *(one for one in METHODS if one != "study")]
    parser.add_argument("--methods", nargs="+", choices=methods, default=list(QUICK_METHODS))
    parser.add_argument("--suites", nargs="+", choices=list(DEVELOPMENT), default=list(GIVEN))
    parser.add_argument("--tasks", type=int, default=QUICK_TASKS, help="of each suite, at most")
    parser.add_argument("--seeds", type=int, default=QUICK_SEEDS)
    parser.add_argument("--marks", type=int, nargs="+", default=list(QUICK_MARKS), help="numbers of epochs")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--held-out", action="store_true", help="the tasks on which no setting was chosen")
    args = parser.parse_args(argv)
    setting = Setting(args.methods, args.seeds, sorted(args.marks), args.workers)
    for suite in args.suites:
        names = (HELD_OUT if args.held_out else DEVELOPMENT)[suite][: args.tasks]
        sys.stdout.write(table(suite, names, setting).plain() + "\n\n")


if __name__ == "__main__":
    main()
