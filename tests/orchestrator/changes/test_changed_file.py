"""What `hpsearch run` does when a key of a recorded study's file has changed: one row for each key of the schema."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from pydantic import BaseModel

from hpsearch.core.errors import StudyFileError
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.orchestrator.changes.changed_file import file_changes
from hpsearch.study.definition import Study
from hpsearch.study.file.faults import models, written_by_hpsearch
from hpsearch.study.file.space.space_forms import Auto, Range, Values

REFUSED, NOTE, TAKEN = "refused", "note", "taken"
"""The run is refused; or continues, with a note about it; or continues without one."""

INVALID = "invalid"
"""The new file has a fault."""

RANDOM = {"method": "random", "trials": 8}
ROUNDS = [{"trials": 6, "epochs": 3}, {"trials": 4, "epochs": 9}]
PROGRAM = ["python", "t.py", "--lr", "{lr}", "--k", "{k}"]
LR = {"low": 1e-4, "high": 0.1, "log": True}
LIST = [{"params": {"lr": 0.01, "k": 1}}, {"params": {"lr": 0.02, "k": 1}}]

BASES: Mapping[str, Mapping[str, Any]] = {
    "": {},
    "steps": {"trainer": {"use": "t:train", "steps": 9}},
    "goals": {"study": {"name": "toy", "objectives": [{"metric": one, "goal": "minimize"} for one in ("a", "b")]}},
    "program": {"trainer": {"command": PROGRAM, "epochs": 9, "metrics": {"val_loss": "a={number}"}, "report": "e"}},
    "file": {"trainer": {"command": PROGRAM, "epochs": 9, "metrics_file": "{scratch_dir}/m.csv"}},
    "config": {"trainer": {"command": ["python", "t.py", "{config_file}"], "epochs": 9, "config": "a.yaml"}},
    "folds": {"trainer": {"use": "t:train", "epochs": 9, "validation": {"folds": 5}}},
    "grid": {"search": {"method": "grid"}, "space": {"lr": [0.01, 0.1], "k": [1, 2]}},
    "bayesian": {"search": {"method": "bayesian", "trials": 8}},
    "rounds": {"search": {"method": "coarse-to-fine", "rounds": ROUNDS}},
    "recipe": {"search": {"method": "recipe", "budget": {"epochs": 100}}},
    "recipe of rounds": {"search": {"method": "recipe", "rounds": ROUNDS}},
    "list": {"search": {"method": "list", "sets": LIST}},
    "own": {"search": {"use": "m:S", "trials": 5}},
    "auto": {"search": {"method": "auto", "budget": {"epochs": 100}}},
    "median": {"prune": {"method": "median"}},
    "never": {"prune": {"method": "never"}},
    "halving": {"prune": {"method": "halving"}},
    "hyperband": {"prune": {"method": "hyperband"}},
    "patience": {"prune": {"method": "patience", "patience": 3}},
    "threshold": {"prune": {"method": "threshold", "upper": 5.0}},
    "own pruner": {"prune": {"use": "m:P"}},
    "stopping": {"early_stopping": {"patience": 3, "metric": "val_error", "goal": "minimize"}},
    "tested": {"preflight": {}, "lr_range": {}},
    "auto lr": {"space": {"lr": {"auto": True}, "k": [1, 2]}},
    "values": {"space": {"lr": LR, "k": {"values": [1, 2]}}},
}
"""Tables that replace those of `STUDY`."""

STUDY = {
    "study": {"name": "toy", "metric": "val_loss", "goal": "minimize"},
    "trainer": {"use": "t:train", "epochs": 9},
    "space": {"lr": LR, "k": [1, 2]},
    "search": RANDOM,
    "resources": {"workers": 1},
    "tracking": {"mlflow": "none"},
}

# key, the study that has it, its new value (None: without the key), and what comes of it.
ROWS: tuple[tuple[str, str, Any, str], ...] = (
    ("study.metric", "", "val_error", REFUSED),
    ("study.goal", "", "maximize", REFUSED),
    ("study.seed", "", 1, REFUSED),
    ("study.trial_seeds", "", "different", REFUSED),
    ("study.numbers", "", "full", REFUSED),
    ("study.at", "", "last", REFUSED),
    ("study.failed", "", "drop", TAKEN),
    ("study.require", "", ["val_loss <= 2"], REFUSED),
    ("study.objectives", "goals", [{"metric": one, "goal": "maximize"} for one in ("a", "b")], REFUSED),
    ("trainer.use", "", "u:train", REFUSED),
    ("trainer.epochs", "", 12, TAKEN),
    ("trainer.epochs", "", 6, REFUSED),
    ("trainer.epochs", "recipe", 12, REFUSED),
    ("trainer.steps", "steps", 12, TAKEN),
    ("trainer.steps", "steps", 6, REFUSED),
    ("trainer.unit", "", "evaluation", TAKEN),
    ("trainer.repeats", "", 2, REFUSED),
    ("trainer.validation.folds", "folds", 3, REFUSED),
    ("trainer.options", "", {"a": 1}, REFUSED),
    ("trainer.nested", "", True, REFUSED),
    ("trainer.measure", "", False, TAKEN),
    ("trainer.command", "program", [*PROGRAM, "-v"], REFUSED),
    ("trainer.style", "program", "argparse", REFUSED),
    ("trainer.metrics", "program", {"val_loss": "b={number}"}, REFUSED),
    ("trainer.report", "program", "f", REFUSED),
    ("trainer.take", "program", "mean", REFUSED),
    ("trainer.resume", "program", ["--resume"], REFUSED),
    ("trainer.cwd", "program", "scratch", REFUSED),
    ("trainer.terminal", "program", True, REFUSED),
    ("trainer.config", "config", "b.yaml", REFUSED),
    ("trainer.metrics_file", "file", "{scratch_dir}/n.csv", REFUSED),
    ("space.lr.low", "", 1e-3, REFUSED),
    ("space.lr.high", "", 0.2, REFUSED),
    ("space.lr.log", "", None, REFUSED),
    ("space.lr", "", {"low": 1e-4, "high": 0.1, "scale": "log"}, TAKEN),  # the same as log = true
    ("space.lr", "", {"low": 1e-4, "high": 0.1, "scale": "logit"}, REFUSED),
    ("space.lr.scale", "", "log", INVALID),  # beside log = true
    ("space.lr", "", {"low": 0.0, "high": 0.1, "step": 0.05}, REFUSED),
    ("space.lr.step", "", 0.0333, INVALID),
    ("space.lr.powers_of", "", 2, INVALID),
    ("space.lr.when", "", {"k": 1}, REFUSED),
    ("space.lr.grid", "", [0.01, 0.1], REFUSED),
    ("space.lr.points", "", 4, REFUSED),
    ("space.lr.expand", "", True, REFUSED),
    ("space.lr.digits", "", 2, REFUSED),
    ("space.lr.prior", "", {"value": 0.01}, REFUSED),
    ("space.lr.was", "", 0.01, REFUSED),
    ("space.lr.renamed", "", "rate", REFUSED),
    ("space.lr.auto", "auto lr", None, INVALID),
    ("space.lr.was", "auto lr", 0.01, REFUSED),
    ("space.lr.renamed", "auto lr", "rate", REFUSED),
    ("space.lr.low", "auto lr", 1e-3, REFUSED),
    ("space.lr.high", "auto lr", 0.2, REFUSED),
    ("space.lr.when", "auto lr", {"k": 1}, REFUSED),
    ("space.lr.points", "auto lr", 4, REFUSED),
    ("space.lr.expand", "auto lr", True, REFUSED),
    ("space.k", "values", {"values": [1, 2, 3]}, REFUSED),
    ("space.k.values", "values", [1, 2, 3], REFUSED),
    ("space.k.when", "values", {"lr": ">= 0.01"}, REFUSED),
    ("space.k.names", "values", ["one", "two"], REFUSED),
    ("space.k.none", "values", True, INVALID),
    ("space.k.prior", "values", {"value": 1}, REFUSED),
    ("space.k.was", "values", 1, REFUSED),
    ("space.k.renamed", "values", "kind", REFUSED),
    ("space.k", "grid", [1, 2, 3], NOTE),
    ("space.k", "grid", [2, 3], REFUSED),  # trial 0 has k = 1
    ("space.constraints", "", ["k <= 2"], REFUSED),
    ("search.method", "", "bayesian", NOTE),
    ("search.first", "", [{"lr": 0.01, "k": 1}], NOTE),
    ("search.learn_from", "", ["old"], NOTE),
    ("search.trials", "", 12, TAKEN),
    ("search.method", "grid", "bayesian", INVALID),  # needs trials
    ("search.first", "grid", [{"lr": 0.01, "k": 1}], NOTE),
    ("search.learn_from", "grid", ["old"], INVALID),
    ("search.method", "bayesian", "random", NOTE),
    ("search.first", "bayesian", [{"lr": 0.01, "k": 1}], NOTE),
    ("search.learn_from", "bayesian", ["old"], NOTE),
    ("search.trials", "bayesian", 12, TAKEN),
    ("search.sampler", "bayesian", "gp", NOTE),
    ("search.startup_trials", "bayesian", 4, NOTE),
    ("search", "rounds", RANDOM, NOTE),
    ("search.method", "rounds", "recipe", NOTE),
    ("search.first", "rounds", [{"lr": 0.01, "k": 1}], REFUSED),
    ("search.learn_from", "rounds", ["old"], REFUSED),
    ("search.rounds", "rounds", [ROUNDS[0], {"trials": 8, "epochs": 9}], TAKEN),
    ("search.rounds", "rounds", [{"trials": 8, "epochs": 3}, ROUNDS[1]], REFUSED),
    ("search.rounds", "rounds", ROUNDS[:1], REFUSED),
    ("search.keep", "rounds", 0.3, REFUSED),
    ("search.top", "rounds", 0.3, REFUSED),
    ("search.margin", "rounds", 0.3, REFUSED),
    ("search.ranges", "rounds", "box", REFUSED),
    ("search", "recipe", RANDOM, NOTE),
    ("search.method", "recipe", "auto", NOTE),
    ("search.first", "recipe", [{"lr": 0.01, "k": 1}], REFUSED),
    ("search.learn_from", "recipe", ["old"], REFUSED),
    ("search.budget.epochs", "recipe", 200, TAKEN),
    ("search.budget.epochs", "recipe", 80, REFUSED),
    ("search.rounds", "recipe of rounds", ROUNDS[:1], REFUSED),
    ("search.keep", "recipe", 0.3, REFUSED),
    ("search.top", "recipe", 0.3, REFUSED),
    ("search.margin", "recipe", 0.3, REFUSED),
    ("search.ranges", "recipe", "box", REFUSED),
    ("search.shares", "recipe", "fixed", REFUSED),
    ("search.promote", "recipe", True, REFUSED),
    ("search.preflight", "recipe", False, REFUSED),
    ("search.lr_range", "recipe", False, REFUSED),
    ("search", "list", RANDOM, NOTE),
    ("search.method", "list", "grid", INVALID),
    ("search.first", "list", [{"lr": 0.01, "k": 1}], INVALID),
    ("search.learn_from", "list", ["old"], INVALID),
    ("search.sets", "list", [*LIST, {"params": {"lr": 0.03, "k": 2}}], TAKEN),
    ("search.sets", "list", LIST[1:], NOTE),  # trial 0 has the first set
    ("search.seeds", "list", 2, TAKEN),
    ("search", "own", RANDOM, REFUSED),
    ("search.method", "own", "grid", INVALID),
    ("search.first", "own", [{"lr": 0.01, "k": 1}], REFUSED),
    ("search.learn_from", "own", ["old"], REFUSED),
    ("search.use", "own", "m:T", REFUSED),
    ("search.trials", "own", 12, TAKEN),
    ("search.options", "own", {"a": 1}, REFUSED),
    ("search.budget.epochs", "auto", 200, TAKEN),
    ("prune.method", "never", "median", NOTE),
    ("prune.method", "median", "halving", NOTE),
    ("prune.startup_trials", "median", 3, NOTE),
    ("prune.warmup_epochs", "median", 2, NOTE),
    ("prune.interval", "median", 2, NOTE),
    ("prune.method", "halving", "hyperband", NOTE),
    ("prune.min_epochs", "halving", 2, NOTE),
    ("prune.eta", "halving", 2, NOTE),
    ("prune.promote", "halving", False, NOTE),
    ("prune.method", "hyperband", "never", NOTE),
    ("prune.min_epochs", "hyperband", 2, NOTE),
    ("prune.eta", "hyperband", 2, NOTE),
    ("prune.promote", "hyperband", False, NOTE),
    ("prune", "patience", {"method": "never"}, NOTE),
    ("prune.method", "patience", "median", INVALID),
    ("prune.patience", "patience", 2, NOTE),
    ("prune.min_delta", "patience", 0.1, NOTE),
    ("prune.method", "threshold", "median", INVALID),
    ("prune.lower", "threshold", 0.1, NOTE),
    ("prune.upper", "threshold", 2.0, NOTE),
    ("prune.warmup_epochs", "threshold", 1, NOTE),
    ("prune.method", "own pruner", "median", INVALID),
    ("prune.use", "own pruner", "m:Q", NOTE),
    ("prune.options", "own pruner", {"a": 1}, NOTE),
    ("early_stopping.patience", "stopping", 2, NOTE),
    ("early_stopping.min_delta", "stopping", 0.1, NOTE),
    ("early_stopping.metric", "stopping", "val_x", NOTE),
    ("early_stopping.goal", "stopping", "maximize", NOTE),
    ("early_stopping.from_epoch", "stopping", 4, NOTE),
    ("preflight", "", {}, NOTE),
    ("preflight.limit", "tested", "5m", NOTE),
    ("preflight.skip", "tested", ["labels"], NOTE),
    ("lr_range", "", {}, NOTE),
    ("lr_range.parameter", "tested", "k", NOTE),
    ("lr_range.iterations", "tested", 100, NOTE),
    ("lr_range.tests", "tested", 2, NOTE),
    ("lr_range.limit", "tested", "5m", NOTE),
    *((f"metrics.{name}", "", "own", TAKEN) for name in ("train_loss", "val_loss", "train_accuracy", "val_accuracy")),
    *((f"metrics.{name}", "", "own", TAKEN) for name in ("lr", "grad_norm", "weight_norm", "update_ratio")),
    ("metrics.val_loss", "recipe", "own", REFUSED),
    ("resources.workers", "", 3, TAKEN),
    ("resources.address", "", "none", TAKEN),
    ("resources.isolation", "", "none", TAKEN),
    ("resources.per_trial.cpus", "", 2, TAKEN),
    ("resources.per_trial.gpus", "", 0.5, TAKEN),
    ("resources.per_trial.memory", "", "1GiB", TAKEN),
    ("limits.study", "", "5m", TAKEN),
    ("limits.gpu_hours", "", 3.0, TAKEN),
    ("limits.trial", "", "5m", TAKEN),
    ("limits.stall", "", "5m", TAKEN),
    ("limits.trials", "", 20, TAKEN),
    ("limits.epochs", "", 90, TAKEN),
    ("limits.target", "", 0.1, TAKEN),
    ("limits.retries", "", 1, TAKEN),
    ("limits.max_failures", "", 2, TAKEN),
    ("limits.max_failure_share", "", 0.3, TAKEN),
    ("limits.infeasible", "", 5, TAKEN),
    ("checkpoints.keep", "", "best", TAKEN),
    ("checkpoints.finalists", "", 3, TAKEN),
    ("checkpoints.weights_only", "", True, TAKEN),
    ("journal.url", "", "sqlite:///other.db", TAKEN),  # another journal, in which the study is new
    ("journal.wait", "", "5m", TAKEN),
    ("tracking.mlflow", "", "sqlite:///other.db", TAKEN),
    ("notify.url", "", "http://host/hook", TAKEN),
    ("provenance.diff", "", False, TAKEN),
)

NO_ROW = {"StudySection.name", "Trainer.from_python", "Budget.earlier", "Budget.longest"}
"""Another name is another study; the other keys are written by hpsearch."""


def tables(base: str, key: str = "", value: Any = None) -> dict[str, Any]:
    """The tables of a study file, with another value of one key; None: without it."""
    found: dict[str, Any] = deepcopy({**STUDY, **BASES[base]})
    if key:
        *path, last = key.split(".")
        table = found
        for name in path:
            table = table.setdefault(name, {})
        table.pop(last, None)
        if value is not None:
            table[last] = value
    return found


@pytest.mark.parametrize(("key", "base", "value", "expected"), ROWS)
def test_a_changed_key(key: str, base: str, value: Any, expected: str) -> None:
    before = Study.from_dict(tables(base))
    if expected == INVALID:
        with pytest.raises(StudyFileError):
            Study.from_dict(tables(base, key, value))
        return
    after = Study.from_dict(tables(base, key, value)).with_recorded_rules(before.spec())
    curve = tuple(Report(epoch, {"val_loss": 1.0}) for epoch in range(1, 10))
    trial = Trial(0, {"lr": 0.01, "k": 1}, 0, 9, State.COMPLETE, curve=curve, cause=Cause.DONE, ended=1)
    found = file_changes(after, before.identity(), before.spec(), [trial])
    assert (REFUSED if found.refused else NOTE if found.notes else TAKEN) == expected
    assert expected == TAKEN or key.split(".")[0] in (found.refused or found.notes)[0]


def test_every_key_of_the_schema_has_a_row() -> None:
    keys = {*_keys(Study), *(f"{kind.__name__}.{key}" for kind in (Range, Auto, Values) for key in kind.model_fields)}
    covered = {one for key, base, value, _ in ROWS for one in _covered(key, base, value)}
    missing = {key for key in keys - covered - NO_ROW if not key.endswith(".method")}
    assert missing == set()


def _keys(kind: type[BaseModel]) -> Iterator[str]:
    """`HalvingPrune.eta` for each key of a study file below this table, except those inside lists."""
    for name, field in kind.model_fields.items():
        inner = [one for one in models(field.annotation) if "tuple" not in str(field.annotation)]
        if written_by_hpsearch(field):
            continue
        for one in inner:
            yield from _keys(one)
        if not inner and kind is not Study:
            yield f"{kind.__name__}.{name}"


def _covered(key: str, base: str, value: Any) -> Iterator[str]:
    """The keys, as in `_keys`, that a row changes."""
    *path, last = key.split(".")
    if path[:1] == ["space"] and len(path) == 2:
        entry = tables(base)["space"][path[1]]
        yield f"{'Values' if 'values' in entry else 'Auto' if 'auto' in entry else 'Range'}.{last}"
    for changed in (("", None), (key, value)):
        with suppress(StudyFileError):
            table: Any = Study.from_dict(tables(base, *changed))
            for name in path:
                table = getattr(table, name, None)
            yield f"{type(table).__name__}.{last}"
