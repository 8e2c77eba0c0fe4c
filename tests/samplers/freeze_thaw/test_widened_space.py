"""Ranges that a freeze-thaw search may leave."""

import math
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.history import History
from hpsearch.core.trial import Params, State
from hpsearch.orchestrator.simulation.simulated_run import simulate
from hpsearch.samplers.freeze_thaw.widened_space import WidenedSpace
from hpsearch.study.definition import Study
from hpsearch.study.space import Float
from hpsearch.workers.pools.simulated.played_curves import FunctionCurves
from tests.support.simulated_kills import Killed, killed_in


def slope(params: Params, epoch: int) -> float:
    return float((math.log10(params["lr"]) + 2) ** 2 + (params["d"] - 0.3) ** 2 + 1 / epoch)


def study(expand: bool = True) -> Study:
    search = {"method": "bayesian", "sampler": "freeze-thaw", "trials": 19, "startup_trials": 16}
    tables: dict[str, Any] = {
        "study": {"name": "slope", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"use": "not_there:train", "epochs": 9},
        "space": {"lr": {"low": 1e-6, "high": 1e-4, "log": True, "expand": expand}, "d": {"low": 0.0, "high": 1.0}},
        "search": search,
        "tracking": {"mlflow": "none"},
    }
    return Study.from_dict(tables)


def searched(one: Study) -> History:
    return simulate(one, FunctionCurves(slope, "val_loss")).history


def test_a_range_is_widened_to_where_the_slope_leads_and_the_optimum_is_tried() -> None:
    one = study()
    history = searched(one)
    lr = WidenedSpace(one.space, 16, 1).of(history)[0].parameters[0]
    assert isinstance(lr, Float)
    assert (lr.low, lr.high > 1e-2) == (1e-6, True)
    assert history[16].params["lr"] == pytest.approx(1e-2)
    assert history[16].params["d"] == pytest.approx(0.3)


def test_without_expand_the_space_stays() -> None:
    one = study(expand=False)
    history = searched(one)
    assert WidenedSpace(one.space, 16, 1).of(history) == (one.space, None)
    assert max(trial.params["lr"] for trial in history) <= 1e-4


@pytest.mark.parametrize("epochs", [18, 24])
def test_a_search_that_is_resumed_has_the_same_space(epochs: int) -> None:
    one, curves = study(), FunctionCurves(slope, "val_loss")
    history = History(one.objective)
    with pytest.raises(Killed):
        simulate(one, curves, history=history, fault=killed_in(epochs))
    assert len(history) < 19
    part = [replace(trial, state=State.WAITING) if trial.state is State.RUNNING else trial for trial in history]
    again, whole = simulate(one, curves, history=History(one.objective, part)).history, searched(one)
    assert [trial.params for trial in again] == [trial.params for trial in whole]
