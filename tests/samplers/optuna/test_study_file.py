import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from hpsearch.core.errors import BadInput
from hpsearch.core.requirements import read
from hpsearch.core.trial import Cause, Objective, Params, Report, State, Trial
from hpsearch.samplers.optuna.study_file import write_study
from hpsearch.study.space import Choice, Float, Int, Parameter, Space
from tests.support.optuna_study import optuna_study

ACCURACY = Objective("val_accuracy", "maximize")
SPACE = Space(
    (
        Float("lr", 1e-4, 1.0, log=True),
        Int("hidden", 16, 256, log=True),
        Float("dropout", 0.0, 0.55, step=0.1),
        Choice("optimizer", ("sgd", "adam")),
        Float("momentum", 0.0, 0.99, when={"optimizer": ("sgd",)}),
    ),
    {"batch_size": 64},
)
ADAM: Params = {"lr": 0.01, "hidden": 32, "dropout": 0.3, "optimizer": "adam", "batch_size": 64}
SGD: Params = {**ADAM, "optimizer": "sgd", "momentum": 0.9}


def trial(number: int, state: State, values: tuple[float, ...], params: Params = ADAM, **why: Any) -> Trial:
    curve = tuple(Report(step, {"val_accuracy": value}) for step, value in enumerate(values, 1))
    return Trial(
        number, params, 40 + number, 9, state, 2, curve, origin="drawn", proposed_at=1000, ended_at=9000, **why
    )


def written(path: Path, *trials: Trial, space: Space = SPACE, objective: Objective = ACCURACY) -> optuna.Study:
    assert write_study(path / "o.db", "digits", objective, space, trials) == len(
        [one for one in trials if not one.state.is_active]
    )
    return optuna_study("digits", path / "o.db")


class TestStates:
    def test_complete_has_the_value_at_its_best_epoch(self, tmp_path: Path) -> None:
        (got,) = written(tmp_path, trial(0, State.COMPLETE, (0.5, 0.9, 0.7), reason="trained all")).trials
        assert (got.state, got.value) == (TrialState.COMPLETE, 0.9)
        assert got.intermediate_values == {1: 0.5, 2: 0.9, 3: 0.7}
        assert got.user_attrs == {
            "number": 0,
            "state": "COMPLETE",
            "reason": "trained all",
            "origin": "drawn",
            "round": 2,
            "seed": 40,
            "attempts": 1,
        }
        assert got.datetime_start == datetime.fromtimestamp(1)
        assert got.datetime_complete == datetime.fromtimestamp(9)

    def test_has_the_metrics_that_are_required_at_the_judged_epoch(self, tmp_path: Path) -> None:
        """So that a study with the same requirements can import the file."""
        curve = tuple(Report(step, {"val_accuracy": step / 10, "ms": 4.0 - step}) for step in (1, 2, 3))
        one = replace(trial(0, State.COMPLETE, ()), curve=curve)
        objective = replace(ACCURACY, require=(read("ms <= 20"),))
        assert written(tmp_path, one, objective=objective).trials[0].user_attrs["ms"] == 1.0

    def test_at_the_last_epoch(self, tmp_path: Path) -> None:
        objective = replace(ACCURACY, at="last")
        assert written(tmp_path, trial(0, State.COMPLETE, (0.9, 0.7)), objective=objective).best_value == 0.7

    @pytest.mark.parametrize("state", [State.PRUNED, State.PAUSED])
    def test_trials_with_fewer_epochs_are_pruned(self, tmp_path: Path, state: State) -> None:
        (got,) = written(tmp_path, trial(0, state, (0.5, 0.4))).trials
        assert (got.state, got.value) == (TrialState.PRUNED, 0.5)
        assert got.user_attrs["state"] == state

    def test_diverged_has_no_value(self, tmp_path: Path) -> None:
        diverged = trial(0, State.PRUNED, (0.5, float("nan")), cause=Cause.DIVERGED)
        (got,) = written(tmp_path, diverged).trials
        assert (got.state, got.value) == (TrialState.PRUNED, None)
        assert str(got.intermediate_values) == "{1: 0.5, 2: nan}"

    def test_failed(self, tmp_path: Path) -> None:
        (got,) = written(tmp_path, trial(0, State.FAILED, (0.9,), reason="ValueError: no")).trials
        assert (got.state, got.value, got.user_attrs["reason"]) == (TrialState.FAIL, None, "ValueError: no")

    def test_trials_that_have_not_ended_are_left_out(self, tmp_path: Path) -> None:
        study = written(
            tmp_path,
            trial(0, State.RUNNING, (0.9,)),
            trial(1, State.WAITING, ()),
            trial(2, State.COMPLETE, (0.5,)),
        )
        assert [one.user_attrs["number"] for one in study.trials] == [2]


class TestParameters:
    def test_conditional_and_fixed(self, tmp_path: Path) -> None:
        study = written(tmp_path, trial(0, State.COMPLETE, (0.5,), ADAM), trial(1, State.COMPLETE, (0.6,), SGD))
        adam, sgd = study.trials
        assert adam.params == {name: value for name, value in ADAM.items() if name != "batch_size"}
        assert set(sgd.params) - set(adam.params) == {"momentum"}
        assert study.user_attrs == {"metric": "val_accuracy", "fixed": {"batch_size": 64}}
        assert sgd.distributions == {
            "lr": FloatDistribution(1e-4, 1.0, log=True),
            "hidden": IntDistribution(16, 256, log=True),
            "dropout": FloatDistribution(0.0, 0.5, step=0.1),
            "optimizer": CategoricalDistribution(("sgd", "adam")),
            "momentum": FloatDistribution(0.0, 0.99),
        }

    @pytest.mark.parametrize(
        ("parameter", "value", "wanted"),
        [
            (Float("x", 0.1, 1.0, log=True, expand=True), 3.0, FloatDistribution(0.1, 3.0, log=True)),
            (Float("x", 0.0, 1.0, step=0.5, points=3), 0.25, FloatDistribution(0.0, 1.0)),
            (Int("x", 1, 8, step=3), 4, IntDistribution(1, 7, step=3)),
            (Int("x", 1, 8, step=3, grid=(1, 2)), 2, IntDistribution(1, 8)),
        ],
    )
    def test_distributions_contain_all_values(
        self, tmp_path: Path, parameter: Parameter, value: float, wanted: object
    ) -> None:
        (got,) = written(tmp_path, trial(0, State.COMPLETE, (0.5,), {"x": value}), space=Space((parameter,))).trials
        assert got.params == {"x": value}
        assert got.distributions == {"x": wanted}


def test_optuna_can_continue_the_study(tmp_path: Path) -> None:
    study = written(tmp_path, *(trial(n, State.COMPLETE, (0.1 * n,), SGD) for n in range(4)))
    assert study.best_trial.user_attrs["number"] == 3
    study.sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=2)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study.optimize(lambda trial: trial.suggest_float("lr", 1e-4, 1.0, log=True), n_trials=1)
    assert len(study.trials) == 5


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    write_study(tmp_path / "o.db", "digits", ACCURACY, SPACE, [trial(0, State.COMPLETE, (0.5,))])
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("optuna").level == optuna.logging.INFO


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "o.db").write_text("mine")
    with pytest.raises(BadInput, match=r"o\.db already exists: choose another file"):
        write_study(tmp_path / "o.db", "digits", ACCURACY, SPACE, [])
    assert (tmp_path / "o.db").read_text() == "mine"
