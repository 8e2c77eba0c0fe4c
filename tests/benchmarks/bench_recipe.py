"""The recipe against random search, alone and with halving, and TPE, alone and with hyperband, on real data.

All have the same number of epochs."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from hpsearch.core.history import History
from hpsearch.orchestrator import build
from hpsearch.orchestrator.loop import Loop
from hpsearch.study.definition import Study
from hpsearch.workers.pools.in_process import InProcess
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table
from tests.support.list_recorder import ListRecorder

SEEDS = 10


@dataclass(frozen=True)
class Task:
    """epochs: of one trial at most. budget: of all together. rate: where the learning rate is looked for."""

    name: str
    use: str
    metric: str
    goal: str
    epochs: int
    budget: int
    rate: str
    space: str
    options: str = ""


MLP = """
hidden = { low = 8, high = 256, log = true }
dropout = { low = 0.0, high = 0.6 }
weight_decay = { low = 1e-6, high = 1e-2, log = true }
optimizer = ["sgd", "adam", "rmsprop"]
batch_size = [32, 64, 128]
"""
WIDE = "low = 1e-5, high = 1.0"
WRONG = "low = 1e-6, high = 1e-4, expand = true"
TASKS = (
    Task("digits", "trainers.digits:train", "val_loss", "minimize", 27, 270, WIDE, MLP),
    Task("digits, rate 100 times too low", "trainers.digits:train", "val_loss", "minimize", 27, 270, WRONG, MLP),
    Task("heart", "trainers.heart:train", "val_loss", "minimize", 45, 450, WIDE, MLP),
    Task(
        "MNIST, 10,000 images",
        "tests.benchmarks.mnist_part:train",
        "val_accuracy",
        "maximize",
        9,
        90,
        WIDE,
        MLP,
        'model = "mlp"',
    ),
)

METHODS = {
    "random": '"random"\ntrials = {full}',
    "random, halving": '"random"\ntrials = {budget}\n[prune]\nmethod = "halving"',
    "TPE": '"bayesian"\ntrials = {full}\nstartup_trials = 5',
    "TPE, hyperband": '"bayesian"\ntrials = {budget}\n[prune]\nmethod = "hyperband"',
    "recipe": '"recipe"\nbudget = {{ epochs = {budget} }}',
    "recipe, promote": '"recipe"\nbudget = {{ epochs = {budget} }}\npromote = true',
}

TEMPLATE = """
[study]
name = "benchmark"
metric = "{task.metric}"
goal = "{task.goal}"
seed = {seed}
[trainer]
use = "{task.use}"
epochs = {task.epochs}
options = {{ {task.options} }}
[space]
lr = {{ {task.rate}, log = true }}
{task.space}
[search]
method = {method}
[limits]
epochs = {task.budget}
[resources]
address = "none"
workers = 1
[tracking]
mlflow = "none"
"""


def tables() -> Iterator[Table]:
    for task in TASKS:
        yield table("Recipe", task, METHODS, SEEDS)


def table(title: str, task: Task, methods: Mapping[str, str], seeds: int) -> Table:
    """methods: the text after `method = ` of each."""
    found: dict[str, list[float]] = {name: [] for name in methods}
    used: dict[str, list[tuple[int, int]]] = {name: [] for name in methods}
    for seed in range(seeds):
        for name, method in methods.items():
            history = searched(task, method, seed)
            best = history.best()
            assert best is not None
            found[name].append(history.loss(best))
            used[name].append((len(history), history.epochs))
            progress(f"{task.name}, {name}, seed {seed}: {task.metric} {history.objective.value(best):.4g}")
    sign = 1 if task.goal == "minimize" else -1
    rows = [_row(name, found, used[name], sign) for name in methods]
    columns = ("search", task.metric, "sd", "mean rank", "trials", "epochs")
    note = f"{seeds} seeds, {task.epochs} epochs a trial at most, {task.budget} in all; lr from {task.rate}"
    return Table(f"{title}: {task.name}", columns, rows, note)


def _row(name: str, found: dict[str, list[float]], used: list[tuple[int, int]], sign: int) -> Row:
    ranks = [1 + sum(losses[seed] < found[name][seed] for losses in found.values()) for seed in range(len(used))]
    value = f"{sign * mean(found[name]):.4f}"
    return name, value, stdev(found[name]), mean(ranks), mean(t for t, _ in used), mean(e for _, e in used)


def searched(task: Task, method: str, seed: int) -> History:
    """The result of one search. Preflight and range test belong to a run; they are left out here."""
    with tempfile.TemporaryDirectory() as folder:
        study = study_of(task, method, seed, Path(folder))
        history = History(study.objective)
        setup = replace(build.setup(study, "benchmark"), work=Path(folder) / "work")
        pruners = build.pruner(study), build.early_stopping(study)
        Loop(build.rules(study), build.sampler(study), *pruners, InProcess(setup), ListRecorder(), history).run()
        return history


def study_of(task: Task, method: str, seed: int, folder: Path) -> Study:
    wanted = method.format(full=task.budget // task.epochs, budget=task.budget)
    path = folder / "study.toml"
    path.write_text(TEMPLATE.format(task=task, seed=seed, method=wanted), encoding="utf-8")
    return Study.load(path)
