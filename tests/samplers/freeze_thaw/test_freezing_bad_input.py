"""Curves, budgets and spaces that a freeze-thaw search cannot learn from: it goes on, at random at worst."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hpsearch.core.errors import Infeasible
from hpsearch.core.trial import Params, State
from hpsearch.orchestrator.simulation.simulated_run import SimulatedRun, simulate
from hpsearch.study.definition import Study
from hpsearch.workers.pools.simulated.played_curves import FunctionCurves

EPOCHS, TRIALS = 9, 14
Loss = Callable[[Params, int], float | Mapping[str, float]]


def bowl(params: Params, epoch: int) -> float:
    return float((params["x"] - 0.3) ** 2) + 1 / epoch


def gaps(params: Params, epoch: int) -> Mapping[str, float]:
    return {"val_loss": bowl(params, epoch)} if epoch % 2 or params["x"] < 0.5 else {"other": 1.0}


def nan_later(params: Params, epoch: int) -> float:
    return math.nan if epoch == 3 and params["x"] > 0.2 else bowl(params, epoch)


def rising(params: Params, epoch: int) -> float:
    return float(params["x"]) * 10.0**epoch


def huge(params: Params, epoch: int) -> float:
    return 1e300 if params["x"] > 0.5 else bowl(params, epoch)


def infeasible(_params: Params, _epoch: int) -> float:
    raise Infeasible("not allowed")


def infeasible_later(params: Params, epoch: int) -> float:
    return infeasible(params, epoch) if epoch == 2 else bowl(params, epoch)


def search(loss: Loss, *, trials: int = TRIALS, epochs: int = EPOCHS, **others: Any) -> SimulatedRun:
    resumes = others.pop("resumes", True)
    tables: dict[str, Any] = {
        "study": {"name": "bad", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"use": "not_there:train", "epochs": epochs},
        "space": {"x": {"low": 0.0, "high": 1.0}},
        "search": {"method": "bayesian", "sampler": "freeze-thaw", "trials": trials, "startup_trials": 5},
        "limits": {"max_failures": 1000, "infeasible": 0},
        "tracking": {"mlflow": "none"},
    }
    return simulate(Study.from_dict(tables | others), FunctionCurves(loss, "val_loss"), workers=2, resumes=resumes)


@pytest.mark.parametrize(
    "loss",
    [gaps, nan_later, lambda *_: 0.5, rising, huge, infeasible_later],
    ids=["gaps", "NaN later", "constant", "rising", "huge", "infeasible later"],
)
def test_all_trials_start_and_one_is_trained_to_the_end(loss: Loss) -> None:
    history = search(loss).history
    assert len(history) == TRIALS
    assert not any(one.state.is_active for one in history)
    assert loss is infeasible_later or any(one.state is State.COMPLETE for one in history)


@pytest.mark.parametrize(
    ("loss", "state"), [(lambda *_: math.nan, State.PRUNED), (infeasible, State.INFEASIBLE)], ids=["nan", "infeasible"]
)
def test_where_no_trial_has_a_value_all_start(loss: Loss, state: State) -> None:
    assert [one.state for one in search(loss).history] == [state] * TRIALS


def test_where_every_trial_fails_all_start() -> None:
    def fails(_params: Params, _epoch: int) -> float:
        raise ArithmeticError

    assert [one.state for one in search(fails).history] == [State.FAILED] * TRIALS


@pytest.mark.parametrize("trials", [1, 2])
def test_a_trial_or_two(trials: int) -> None:
    history = search(bowl, trials=trials).history
    assert len(history) == trials
    assert max(one.epoch for one in history) == EPOCHS


def test_one_epoch_of_a_trial_and_one_epoch_of_the_study() -> None:
    assert {one.state for one in search(bowl, epochs=1).history} == {State.COMPLETE}
    assert search(bowl, limits={"epochs": 1}).history.epochs == 1


def test_a_space_of_one_choice_and_one_of_one_point() -> None:
    for choice, count in ((["a", "b", "c"], 3), (["a"], 1)):
        run = search(lambda params, epoch: len(str(params["kind"])) + 1 / epoch, space={"kind": choice})
        assert len(run.history) == count
        assert max(one.epoch for one in run.history) == EPOCHS


def test_a_trainer_that_cannot_continue_trains_every_trial_to_the_end() -> None:
    history = search(bowl, resumes=False).history
    assert len(history) == TRIALS
    assert sum(one.state is State.COMPLETE for one in history) >= TRIALS - 2
