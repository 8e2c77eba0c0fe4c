"""`trial_seeds = "same"` against "different": the noise of a difference between two settings, and the results of
searches. Both rules in one run, on one thread."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import torch

from hpsearch import Run
from hpsearch.core.decisions import New
from hpsearch.core.folders import data_folder
from hpsearch.core.history import History
from hpsearch.core.seeds import fresh_seed
from hpsearch.core.trial import State, TrialSeeds, Value
from hpsearch.orchestrator import build
from hpsearch.orchestrator.rules import new_trial
from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import ParameterSet
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table

SEEDS = 16
STUDIES = 20
FRESH = 6
"""Seeds of the final result of a search."""

RULES: tuple[TrialSeeds, ...] = ("same", "different")
METHODS = {"random": '"random"', "TPE": '"bayesian"\nstartup_trials = 6'}
TRIALS = 12


@dataclass(frozen=True)
class Task:
    name: str
    use: str
    epochs: int
    space: str
    options: str = ""


NETWORK = """
lr = { low = 1e-3, high = 3e-1, log = true }
hidden = { low = 4, high = 64, log = true }
dropout = { low = 0.0, high = 0.6 }
weight_decay = { low = 1e-6, high = 1e-1, log = true }
"""
ADAM = 'optimizer = "adam"'
TASKS = (
    Task("heart", "trainers.heart:train", 8, NETWORK, ADAM),
    Task("digits", "trainers.digits:train", 5, NETWORK, f"{ADAM}, batch_size = 128"),
    Task("breast cancer", "trainers.breast_cancer:train", 6, NETWORK, ADAM),
    Task("diabetes", "trainers.diabetes:train", 6, NETWORK, ADAM),
    Task("spirals", "tests.benchmarks.spirals:train", 15, NETWORK),
)

HEART, DIGITS = ("trainers.heart:train", 30), ("trainers.digits:train", 12)
PAIRS = (
    ("heart, learning rate", *HEART, ADAM, "lr = [0.003]", "lr = [0.01]"),
    ("heart, weight decay", *HEART, f"{ADAM}, lr = 0.01", "weight_decay = [1e-4]", "weight_decay = [1e-2]"),
    ("digits, learning rate", *DIGITS, ADAM, "lr = [0.003]", "lr = [0.01]"),
    ("digits, dropout", *DIGITS, f"{ADAM}, lr = 0.003", "dropout = [0.0]", "dropout = [0.3]"),
)
"""Name, trainer, epochs, options; two settings."""

TEMPLATE = """
[study]
name = "benchmark"
metric = "val_loss"
goal = "minimize"
seed = {seed}
trial_seeds = "{rule}"
[trainer]
use = "{task.use}"
epochs = {task.epochs}
options = {{ {task.options} }}
[space]
{task.space}
[search]
method = {method}
[resources]
address = "none"
workers = 1
[tracking]
mlflow = "none"
"""


def tables() -> Iterator[Table]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield _differences()
        for method in METHODS:
            yield _searches(method)
    finally:
        torch.set_num_threads(threads)


# The noise of a difference ─────────────────────────────────────────────────────────────────────────


def _differences() -> Table:
    rows: list[Row] = []
    for name, use, epochs, options, *settings in PAIRS:
        progress(name)
        one, two = ([_value(use, epochs, options, own, seed) for seed in range(SEEDS)] for own in settings)
        same = [a - b for a, b in zip(one, two, strict=True)]
        different = [a - b for i, a in enumerate(one) for j, b in enumerate(two) if i != j]
        error = 1 / sqrt(2 * (SEEDS - 1))
        sds = stdev(same), stdev(different)
        rows.append([name, f"{fmean(same):+.4f}", *(f"{sd:.4f} ± {sd * error:.4f}" for sd in sds), sds[1] / sds[0]])
    columns = ["two settings", "mean difference", "sd, same seed", "sd, different seeds", "ratio"]
    note = f"val_loss of the best epoch, {SEEDS} seeds; different: all pairs of two of these seeds; ± standard error"
    return Table("Standard deviation of the difference between two settings", columns, rows, note)


def _value(use: str, epochs: int, options: str, setting: str, seed: int) -> float:
    history = _searched(_study(Task("", use, epochs, setting, options), '"grid"', seed, "same"))
    return history.loss(history[0])


# Searches ──────────────────────────────────────────────────────────────────────────────────────────


def _searches(method: str) -> Table:
    rows: list[Row] = []
    better, worse = 0, 0
    for task in TASKS:
        pairs = [tuple(_final(task, method, seed, rule) for rule in RULES) for seed in range(STUDIES)]
        gains = [different - same for same, different in pairs]
        wins, losses = sum(one > 0 for one in gains), sum(one < 0 for one in gains)
        better, worse = better + wins, worse + losses
        columns = list(zip(*pairs, strict=True))
        progress(f"{method}, {task.name}: {fmean(gains):+.4g}")
        rows.append([task.name, *map(_with_error, columns), _with_error(gains, "+"), wins, losses])
    heads = ["trainer", *(f"{rule}, val_loss" for rule in RULES), "gain of same", "better", "worse"]
    note = f"{STUDIES} studies of {TRIALS} trials; the best trial's parameters over {FRESH} fresh seeds; ± standard "
    note += f"error over studies, in pairs of one study seed; same is better in {better} and worse in {worse} studies"
    return Table(f"The final result of a search: {method}", heads, rows, note)


def _with_error(values: Sequence[float], sign: str = "") -> str:
    return f"{fmean(values):{sign}.4f} ± {stdev(values) / sqrt(len(values)):.4f}"


def _final(task: Task, method: str, seed: int, rule: TrialSeeds) -> float:
    """The mean loss over fresh seeds of the parameters that a search finds best."""
    study = _study(task, f"{METHODS[method]}\ntrials = {TRIALS}", seed, rule)
    best = _searched(study).best()
    assert best is not None
    return _over_fresh_seeds(task, seed, tuple(sorted(best.params.items())))


@cache
def _over_fresh_seeds(task: Task, seed: int, params: tuple[tuple[str, Value], ...]) -> float:
    study = _study(task, '"random"\ntrials = 1', seed, "same")
    chosen = ParameterSet(params=dict(params))
    history = _searched(study.evaluation("benchmark", fresh_seed(seed), [chosen], FRESH))
    return fmean(history.loss(trial) for trial in history)


def _study(task: Task, method: str, seed: int, rule: TrialSeeds) -> Study:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(TEMPLATE.format(task=task, method=method, seed=seed, rule=rule), encoding="utf-8")
        return Study.load(path)


def _searched(study: Study) -> History:
    """Trial by trial, without a pool: nothing is paused, so no checkpoint is needed."""
    place, _, name = study.trainer.use.partition(":")
    module, history = import_module(place), History(study.objective)
    sampler, rules = build.sampler(study), build.rules(study)
    while isinstance(proposal := sampler.ask(history), New):
        trial = new_trial(rules, history, proposal, at=0)
        run = Run.local(study.trainer.epochs, trial.seed, data_dir=data_folder())
        params = module.Params(**study.trainer.options, **trial.params)
        curve = tuple(getattr(module, name)(params, run))
        history.put(replace(trial, state=State.COMPLETE, curve=curve, ended=trial.number + 1))
    return history
