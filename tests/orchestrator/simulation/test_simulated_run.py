"""A whole search on virtual workers."""

import math
from typing import Any

import pytest

from hpsearch.core.messages import Lost
from hpsearch.core.trial import Params, State
from hpsearch.orchestrator.simulation.simulated_run import SimulatedRun, simulate
from hpsearch.study.definition import Study
from hpsearch.workers.pools.simulated.played_curves import FunctionCurves


def loss(params: Params, epoch: int) -> float:
    return float((math.log10(params["lr"]) + 2) ** 2 + 1 / epoch)


CURVES = FunctionCurves(loss, "val_loss")


def study(search: dict[str, Any], budget: int = 60, **others: Any) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "simulated", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": "not_there:train", "epochs": 9},
            "space": {"lr": {"low": 1e-5, "high": 1.0, "log": True}},
            "search": search,
            "limits": {"epochs": budget},
            "tracking": {"mlflow": "none"},
            **others,
        }
    )


def result(run: SimulatedRun) -> object:
    return [(one.params, one.state, one.curve) for one in run.history], run.seconds


RANDOM = {"method": "random", "trials": 40}
SEARCHES = [RANDOM, {"method": "bayesian", "trials": 40}, {"method": "recipe", "budget": {"epochs": 60}}]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda one: str(one["method"]))
@pytest.mark.parametrize("workers", [1, 3])
def test_the_same_seed_gives_the_same_search_and_the_limit_of_epochs_holds(
    search: dict[str, Any], workers: int
) -> None:
    one = study(search, prune={"method": "halving"})
    first = simulate(one, CURVES, workers=workers, seed=3)
    assert result(first) == result(simulate(one, CURVES, workers=workers, seed=3))
    assert first.history.epochs <= 60
    assert first.best is not None


def test_more_workers_take_less_time() -> None:
    one, four = (simulate(study(RANDOM, budget=90), CURVES, workers=count).seconds for count in (1, 4))
    assert one == pytest.approx(90, rel=0.05)
    assert four < one / 2


def test_the_best_value_after_so_many_epochs() -> None:
    run = simulate(study(RANDOM), CURVES)
    values = [loss(trial.params, report.step) for trial in run.history for report in trial.curve]
    assert run.best_at([0, 1, 60, 1000]) == [None, values[0], min(values), min(values)]


def test_lost_workers_are_replaced_and_failed_trials_recorded() -> None:
    def fault(trial: int, epoch: int, attempt: int) -> Lost | None:
        return Lost(trial, "lost") if epoch == 2 and attempt == 1 else None

    run = simulate(study(RANDOM), CURVES, fault=fault)
    assert {trial.attempts for trial in run.history if trial.state is State.COMPLETE} == {2}


def test_only_rows_of_a_table_are_trained() -> None:
    rows = [{"lr": 1e-4}, {"lr": 1e-2}, {"lr": 0.5}]
    run = simulate(study(RANDOM), CURVES, rows=rows)
    assert sorted(trial.params["lr"] for trial in run.history) == [1e-4, 1e-2, 0.5]
    assert run.end.over


def test_a_search_continues_where_another_process_stopped() -> None:
    whole = simulate(study(RANDOM), CURVES)
    part = simulate(study(RANDOM, budget=25), CURVES)
    again = simulate(study(RANDOM), CURVES, history=part.history)
    assert [one.params for one in again.history] == [one.params for one in whole.history]
    assert again.history.epochs == 60
    assert again.seconds == pytest.approx(whole.seconds - part.seconds, rel=0.05)


ROUNDS = [{"trials": 6, "epochs": 2}, {"trials": 3, "epochs": 9}]


@pytest.mark.parametrize(
    "search",
    [
        {"method": "bayesian", "sampler": "freeze-thaw", "trials": 12},
        {"method": "coarse-to-fine", "rounds": ROUNDS},
        {"method": "recipe", "budget": {"epochs": 60}},
    ],
    ids=lambda one: str(one.get("sampler", one["method"])),
)
def test_a_trial_is_not_paused_before_its_first_value(search: dict[str, Any]) -> None:
    """The trainer validates every fourth epoch; new trials are planned for one or two."""
    every_fourth = FunctionCurves(
        lambda params, epoch: {"train_loss": 1.0} | ({} if epoch % 4 else {"val_loss": loss(params, epoch)}), "val_loss"
    )
    run = simulate(study(search), every_fourth, workers=2)
    paused = [trial for trial in run.history if trial.state is State.PAUSED]
    assert paused
    assert {trial.epoch for trial in paused} <= {4, 8}
    assert run.history.epochs <= 60
    assert all(trial.attempts == 1 for trial in run.history if trial.epoch == 4)


def test_a_slow_sampler_with_promotion() -> None:
    gp = {"method": "bayesian", "sampler": "gp", "startup_trials": 4, "trials": 5}
    run = simulate(study(gp, prune={"method": "halving"}), CURVES, workers=3)
    assert len(run.history) == 5
    assert any(trial.state is State.COMPLETE for trial in run.history)


@pytest.mark.parametrize("promote", [None, True])
def test_a_recipe_trains_to_the_end_where_the_space_has_few_points(promote: bool | None) -> None:
    search = {"method": "recipe", "budget": {"epochs": 60}, "promote": promote}
    run = simulate(study(search, space={"lr": [0.001, 0.01]}), CURVES)
    assert [trial.state for trial in run.history] == [State.COMPLETE] * 2


@pytest.mark.parametrize(
    "search", [{"method": "recipe", "budget": {"epochs": 60}}, {"method": "coarse-to-fine", "rounds": ROUNDS}]
)
def test_a_search_trains_on_when_all_rows_of_a_table_have_a_trial(search: dict[str, Any]) -> None:
    rows = [{"lr": 10.0**-power} for power in range(5)]
    run = simulate(study(search), CURVES, rows=rows)
    assert len(run.history) == len(rows)
    assert max(trial.epoch for trial in run.history) == 9
