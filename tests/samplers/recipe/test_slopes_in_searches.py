"""Whole searches in rounds whose ranges miss the optimum by two decades."""

import math
from typing import Any

import pytest

from hpsearch.core.trial import Params
from hpsearch.orchestrator.simulation.simulated_run import simulate
from hpsearch.study.definition import Study
from hpsearch.workers.pools.simulated.played_curves import FunctionCurves

ROUNDS = [{"trials": 24, "epochs": 3}, {"trials": 12, "epochs": 6}, {"trials": 6, "epochs": 10}]
SEARCHES: list[dict[str, Any]] = [
    {"method": "coarse-to-fine", "rounds": ROUNDS},
    {"method": "recipe", "budget": {"epochs": 300}},
    {"method": "recipe", "budget": {"epochs": 300}, "promote": True},
]
OPTIMUM = 0.1


def loss(params: Params, epoch: int) -> float:
    return float((math.log10(params["lr"]) + 2) ** 2 + (params["d"] - 0.3) ** 2 + 1 / epoch)


@pytest.mark.parametrize("search", SEARCHES, ids=["coarse-to-fine", "recipe", "recipe with promotion"])
@pytest.mark.parametrize(("low", "high"), [(1e-6, 1e-4), (1.0, 100.0)])
def test_a_range_two_decades_off_costs_no_more_than_3_percent(search: dict[str, Any], low: float, high: float) -> None:
    study = Study.from_dict(
        {
            "study": {"name": "slope", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": "not_there:train", "epochs": 10},
            "space": {"lr": {"low": low, "high": high, "log": True, "expand": True}, "d": {"low": 0.0, "high": 1.0}},
            "search": search,
            "tracking": {"mlflow": "none"},
        }
    )
    best = simulate(study, FunctionCurves(loss, "val_loss"), workers=2).best
    assert best is not None
    assert best.value <= 1.03 * OPTIMUM
