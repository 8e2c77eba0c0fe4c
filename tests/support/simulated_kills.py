"""A simulated search whose process is killed at a random time, and continued by another one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import Params, State
from hpsearch.orchestrator.simulation.simulated_run import simulate
from hpsearch.study.definition import Study
from hpsearch.workers.pools.simulated.played_curves import FunctionCurves

EPOCHS, BUDGET = 9, 90

ROUNDS = [{"trials": 12, "epochs": 3}, {"trials": 6, "epochs": 9}]
SEARCHES: Mapping[str, Mapping[str, Any]] = {
    "grid": {"search": {"method": "grid"}},
    "random": {"search": {"method": "random", "trials": 9}},
    "random+halving": {"search": {"method": "random", "trials": 60}, "prune": {"method": "halving"}},
    "random+hyperband": {"search": {"method": "random", "trials": 60}, "prune": {"method": "hyperband"}},
    "random+median": {"search": {"method": "random", "trials": 30}, "prune": {"method": "median"}},
    "tpe+halving": {"search": {"method": "bayesian", "trials": 40}, "prune": {"method": "halving"}},
    "cmaes": {"search": {"method": "bayesian", "sampler": "cmaes", "trials": 9}},
    "freeze-thaw": {"search": {"method": "bayesian", "sampler": "freeze-thaw", "trials": 14}},
    "coarse-to-fine": {"search": {"method": "coarse-to-fine", "rounds": ROUNDS}},
    "recipe": {"search": {"method": "recipe", "budget": {"epochs": BUDGET}}},
    "recipe+halving": {"search": {"method": "recipe", "budget": {"epochs": BUDGET}, "promote": True}},
}
"""Sections of the study file for each search."""


class Killed(BaseException):
    """hpsearch does not catch it, as a process cannot catch SIGKILL."""


def loss(params: Params, epoch: int) -> float:
    return float((np.log10(params["lr"]) + 2) ** 2 + (params["n"] - 3) ** 2 / 10 + 1 / epoch)


def study(name: str, seed: int) -> Study:
    tables: dict[str, Any] = {
        "study": {"name": "killed", "metric": "val_loss", "goal": "minimize", "seed": seed},
        "trainer": {"use": "not_there:train", "epochs": EPOCHS},
        "space": {
            "lr": {"low": 1e-5, "high": 1e-3, "log": True, "expand": name != "grid", "points": 4},
            "n": {"low": 1, "high": 4},
        },
        "limits": {"epochs": BUDGET},
        "tracking": {"mlflow": "none"},
    }
    if name != "grid":
        del tables["space"]["lr"]["points"]
    return Study.from_dict(tables | SEARCHES[name])


def killed_in(epochs: int) -> Callable[[int, int, int], None]:
    """A fault that kills the driver after `epochs` epochs of all trials."""
    seen = iter(range(epochs + 1))

    def fault(_trial: int, _epoch: int, _attempt: int) -> None:
        if next(seen, epochs) >= epochs:
            raise Killed

    return fault


def outcome(history: History) -> list[object]:
    return [(t.params, t.state, t.round, [(r.step, r.metrics) for r in t.curve]) for t in history]


def killed_and_continued(name: str, seed: int, at: int) -> list[object]:
    """The outcome of a search that is killed in epoch `at` (of all trials), and continued."""
    one, curves = study(name, seed), FunctionCurves(loss, "val_loss")
    history = History(one.objective)
    try:
        simulate(one, curves, spread=0.0, history=history, fault=killed_in(at))
    except Killed:
        trials = (replace(t, state=State.WAITING) if t.state is State.RUNNING else t for t in history)
        history = History(one.objective, list(trials))
        simulate(one, curves, spread=0.0, history=history)
    return outcome(history)


def uninterrupted(name: str, seed: int) -> list[object]:
    return outcome(simulate(study(name, seed), FunctionCurves(loss, "val_loss"), spread=0.0).history)
