"""What ensembles gain on the test, beside the single best trial of a small random search over a study file's space.

Everything happens `REPEATS` times, with other parameters and other seeds, on one thread: a search, the winner again
with other seeds, the winner again with a cyclic learning rate. All choices are made on validation; the test is the same
each time, so gains are compared pair by pair. It takes about ten minutes.
"""

import importlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch

from hpsearch import Part, Predictions, Report, Run
from hpsearch.core.trial import Params
from hpsearch.evaluation.ensembles import averaged, greedy
from hpsearch.samplers.random import draw
from hpsearch.study.definition import Study
from hpsearch.trainer import arguments, state
from hpsearch.trainer.seal import unsealed
from hpsearch.trainer.state import Snapshot
from tests.benchmarks.processes import ROOT, progress
from tests.benchmarks.table import Table

REPEATS, TRIALS, SEEDS, TOP, CYCLES, COPIES = 5, 8, 5, 3, 5, 8


@dataclass(frozen=True)
class Case:
    """metric: of the test, of which more is better, or less where `less`. changed: of the study file, as `--set`."""

    title: str
    file: str
    metric: str
    changed: tuple[str, ...]
    less: bool = False

    @cached_property
    def study(self) -> Study:
        return Study.load(ROOT / "studies" / self.file, self.changed)

    @cached_property
    def module(self) -> Any:
        return importlib.import_module(self.study.trainer.use.partition(":")[0])


ONE_SPLIT = "trainer.options.folds=0"
CASES = (
    Case("heart, AUROC", "heart-random.toml", "auroc", ("trainer.epochs=50",)),
    Case("breast cancer, loss", "breast-cancer-random.toml", "loss", (ONE_SPLIT, "trainer.epochs=40"), less=True),
    Case("diabetes, RMSE", "diabetes-bayesian.toml", "rmse", (ONE_SPLIT, "trainer.epochs=50"), less=True),
    Case("digits MLP, accuracy", "digits-random.toml", "accuracy", ()),
    Case(
        "digits CNN, accuracy",
        "digits-cnn-random.toml",
        "accuracy",
        ("trainer.options.filters=16", "trainer.epochs=25"),
    ),
)

Scores = Mapping[str, float]
"""Way of predicting -> the metric on the test."""


@dataclass(frozen=True)
class Model:
    """A training that is over. best: its state at the best epoch by the study's objective, `loss` there."""

    params: Params
    seed: int
    loss: float
    best: Snapshot
    last: Snapshot


def tables() -> Iterator[Table]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = {case: [_repeat(case, repeat) for repeat in range(REPEATS)] for case in CASES}
    finally:
        torch.set_num_threads(threads)
    note = (
        f"{REPEATS} searches of {TRIALS} random trials each, with other parameters and other seeds, on the same split; "
        "mean ± standard deviation over them"
    )
    yield _table("Ensembles on the test", {case: _values(found[case]) for case in CASES}, note)
    note = "the same searches, each compared with its own best trial; more than 0 is better for every metric"
    yield _table("Gain over the best trial", {case: _gains(case, found[case]) for case in CASES}, note)


WAYS = (
    "the search's best trial",
    f"its parameters, each of {SEEDS} other seeds",
    f"mean of those {SEEDS}",
    f"mean of the {TOP} best trials",
    f"greedy among the {TRIALS} trials",
    f"{CYCLES} snapshots of one training",
    "that training's last cycle alone",
    f"the best trial, {COPIES} augmented copies",
)


def _repeat(case: Case, repeat: int) -> Scores:
    progress(f"{case.title}, search {repeat + 1} of {REPEATS}")
    draws = np.random.default_rng((repeat, 2004))
    seeds = iter(range(1000 * repeat, 1000 * (repeat + 1)))
    trials = [_trained(case, draw(case.study.space, draws, set()), next(seeds)) for _ in range(TRIALS)]
    ranked = sorted(trials, key=lambda model: model.loss)
    best = ranked[0]
    others = [_trained(case, best.params, next(seeds)) for _ in range(SEEDS)]
    cyclic: Params = {
        "schedule": "restarts",
        "restart_epochs": case.study.trainer.epochs // CYCLES,
        "snapshots": CYCLES,
    }
    cycles = _trained(case, {**best.params, **cyclic}, next(seeds))
    chosen = greedy([_said(case, model) for model in trials], lambda said: _loss(case, said))

    with unsealed("a benchmark, whose settings were chosen on validation"):
        alone = [_said(case, model, "test") for model in others]
        snapshots = case.module.snapshots(*_restored(case, cycles, cycles.last), "test")
        said = (
            _said(case, best, "test"),
            None,
            averaged(alone),
            averaged([_said(case, model, "test") for model in ranked[:TOP]]),
            averaged([_said(case, trials[place], "test") for place in chosen]),
            averaged(snapshots),
            snapshots[-1],
            _said(case, best, "test", augmented=COPIES) if "CNN" in case.title else None,
        )
    scores = {way: case.module.score(one)[case.metric] for way, one in zip(WAYS, said, strict=True) if one is not None}
    return {**scores, WAYS[1]: fmean(case.module.score(one)[case.metric] for one in alone)}


def _trained(case: Case, params: Params, seed: int) -> Model:
    objective, epochs = case.study.objective, case.study.trainer.epochs
    run = Run.local(epochs, seed, "cpu", _data_dir())
    least, best = math.inf, None
    for report in case.module.train(_argument(case, params), run):
        loss = objective.loss_of(report)
        if best is None or loss < least:
            least, best = loss, state.cloned(state.take_snapshot("", report.step, loss, run.tracked))
    assert best is not None
    return Model(params, seed, least, best, state.cloned(state.take_snapshot("", epochs, least, run.tracked)))


def _argument(case: Case, params: Params) -> Any:
    return arguments.params_argument(case.module.train, {**case.study.trainer.options, **params})


def _restored(case: Case, model: Model, snapshot: Snapshot) -> tuple[Any, Run]:
    run = Run(model.seed, case.study.trainer.epochs, data_dir=_data_dir(), restored=snapshot)
    return _argument(case, model.params), run


def _said(case: Case, model: Model, part: Part = "validation", augmented: int = 0) -> Predictions:
    predict: Callable[..., Predictions] = case.module.predict
    return predict(*_restored(case, model, model.best), part, augmented=augmented)


def _loss(case: Case, said: Predictions) -> float:
    """By the study's objective; smaller is better."""
    objective = case.study.objective
    value = case.module.score(said)[objective.metric.removeprefix("val_")]
    return objective.loss_of(Report(1, {objective.metric: value}))


def _values(found: list[Scores]) -> dict[str, list[float]]:
    return {way: [one[way] for one in found] for way in found[0]}


def _gains(case: Case, found: list[Scores]) -> dict[str, list[float]]:
    sign = -1 if case.less else 1
    return {way: [sign * (one[way] - one[WAYS[0]]) for one in found] for way in found[0] if way != WAYS[0]}


def _table(title: str, columns: Mapping[Case, Mapping[str, list[float]]], note: str) -> Table:
    shown = [way for way in WAYS if any(way in column for column in columns.values())]
    rows = [[way, *(_spread(case, column.get(way)) for case, column in columns.items())] for way in shown]
    return Table(title, ("", *(case.title for case in columns)), rows, note)


def _spread(case: Case, values: list[float] | None) -> str | None:
    digits = 2 if case.metric == "rmse" else 4
    return f"{fmean(values):.{digits}f} ± {stdev(values):.{digits}f}" if values else None


def _data_dir() -> Path | None:
    return Path(found) if (found := os.environ.get("HPSEARCH_DATA")) else None
