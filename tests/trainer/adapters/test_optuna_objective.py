"""An objective that was written for Optuna runs as it is: its suggestions are answered from [space]."""

from collections.abc import Callable
from functools import partial
from typing import Any

import optuna
import pytest

from hpsearch import Run, TrainerError
from hpsearch.core.errors import Infeasible
from hpsearch.core.trial import Params
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.trainer import forms
from hpsearch.trainer.adapters import functions
from hpsearch.trainer.adapters.optuna_objective import ObjectiveTrainer
from hpsearch.trainer.open_trial import OpenTrial

SPACE = Space((Float("lr", 1e-4, 0.1, log=True), Int("hidden", 4, 64), Choice("act", ("relu", "tanh"))), {"depth": 3})
PARAMS: Params = {"lr": 0.01, "hidden": 8, "act": "tanh", "depth": 3}
Objective = Callable[[optuna.Trial], Any]


@pytest.fixture(autouse=True)
def _notes_are_new() -> None:
    functions.note.cache_clear()


def opened(objective: Any, params: Params = PARAMS, epochs: int = 9) -> OpenTrial:
    run = Run(3, epochs, metric="val_loss", space=SPACE, number=7)
    return OpenTrial(forms.as_trainer("the trainer", objective), params, run)


def trained(objective: Any, params: Params = PARAMS, epochs: int = 9) -> list[tuple[int, float]]:
    reports = iter(opened(objective, params, epochs).next_report, None)
    return [(report.step, report.metrics["val_loss"]) for report in reports if report]


def value_of(ask: Callable[[optuna.Trial], Any], params: Params = PARAMS) -> Any:
    """What the trial answers."""
    answers = []

    def objective(trial: optuna.Trial) -> float:
        answers.append(ask(trial))
        return 1.0

    trained(objective, params)
    return answers[0]


class TestSuggestions:
    @pytest.mark.parametrize(
        ("ask", "answer"),
        [
            (lambda trial: trial.suggest_float("lr", 1e-4, 0.1, log=True), 0.01),
            (lambda trial: trial.suggest_loguniform("lr", 1e-4, 0.1), 0.01),
            (lambda trial: trial.suggest_uniform("lr", 0.0, 0.1), 0.01),
            (lambda trial: trial.suggest_discrete_uniform("lr", 0.0, 0.1, 0.01), 0.01),
            (lambda trial: trial.suggest_int("hidden", 4, 64), 8),
            (lambda trial: trial.suggest_float("hidden", 4, 64), 8.0),
            (lambda trial: trial.suggest_categorical("act", ["relu", "tanh"]), "tanh"),
            (lambda trial: trial.suggest_int("depth", 1, 5), 3),
            (lambda trial: trial.number, 7),
            (lambda trial: trial.params, {}),
        ],
    )
    def test_are_answered_with_the_values_of_the_trial(self, ask: Callable[[optuna.Trial], Any], answer: Any) -> None:
        assert value_of(ask) == answer
        assert type(value_of(ask)) is type(answer)

    @pytest.mark.parametrize(("written", "chosen"), [("None", None), ("(1, 2)", (1, 2)), (True, True), (1, 1)])
    def test_a_choice_that_no_file_can_hold_is_named_by_its_text(self, written: Any, chosen: Any) -> None:
        found = value_of(lambda trial: trial.suggest_categorical("act", [None, (1, 2), True, 1]), {"act": written})
        assert (found, type(found)) == (chosen, type(chosen))

    def test_those_of_a_trial_are_its_params(self) -> None:
        def ask(trial: optuna.Trial) -> dict[str, Any]:
            trial.suggest_float("lr", 1e-4, 0.1, log=True)
            trial.suggest_int("hidden", 4, 64)
            return dict(trial.params)

        assert value_of(ask) == {"lr": 0.01, "hidden": 8}

    @pytest.mark.parametrize(
        ("ask", "line"),
        [
            (lambda trial: trial.suggest_float("x", 0, 1), "x = { low = 0.0, high = 1.0 }"),
            (lambda trial: trial.suggest_int("n", 1, 9, step=2), "n = { low = 1, high = 9, step = 2 }"),
            (lambda trial: trial.suggest_categorical("a b", ["x", True]), '"a b" = ["x", true]'),
        ],
    )
    def test_a_name_that_is_not_in_the_space(self, ask: Objective, line: str) -> None:
        with pytest.raises(TrainerError, match="which is not in ") as refused:
            value_of(ask)
        assert str(refused.value).splitlines()[-1].strip() == line

    @pytest.mark.parametrize(
        ("ask", "kind"),
        [
            (lambda trial: trial.suggest_int("lr", 1, 3), "a whole number"),
            (lambda trial: trial.suggest_float("act", 0, 1), "a number"),
        ],
    )
    def test_a_value_of_another_kind(self, ask: Objective, kind: str) -> None:
        with pytest.raises(TrainerError, match=f"asks for {kind}"):
            value_of(ask)

    def test_another_range_is_said_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        def ask(trial: optuna.Trial) -> None:
            trial.suggest_float("lr", 1e-4, 0.1, log=True)
            trial.suggest_int("hidden", 4, 128)
            trial.suggest_categorical("act", ["relu", "tanh"])
            trial.suggest_int("depth", 1, 9)

        value_of(ask)
        value_of(ask)
        assert capsys.readouterr().err.count("has another range of hidden") == 1

    def test_a_parameter_that_it_does_not_ask_for_is_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        value_of(lambda trial: trial.suggest_int("depth", 1, 9))
        assert "did not ask for act, hidden, lr" in capsys.readouterr().err

    def test_what_it_does_not_have(self) -> None:
        value_of(lambda trial: trial.set_user_attr("size", 3))
        with pytest.raises(AttributeError, match="no `study`"):
            value_of(lambda trial: trial.study)


class TestReports:
    def test_steps_count_from_one(self) -> None:
        def objective(trial: optuna.Trial, first: int) -> None:
            for step in range(first, first + 3):
                trial.report(1 / (step + 1), step)
                trial.report(9.0, step)  # Optuna ignores a step that was reported
                if trial.should_prune():
                    raise optuna.TrialPruned

        assert [step for step, _ in trained(partial(objective, first=0))] == [1, 2, 3]
        assert [step for step, _ in trained(partial(objective, first=1))] == [1, 2, 3]

    def test_the_returned_value_is_the_last(self) -> None:
        def objective(trial: optuna.Trial) -> float:
            trial.report(1.0, 0)
            return 0.5

        assert trained(objective) == [(1, 1.0), (2, 0.5)]
        assert trained(lambda trial: trial.suggest_int("hidden", 4, 64)) == [(1, 8.0)]

    def test_the_value_of_the_last_epoch_returned_is_no_news(self, capsys: pytest.CaptureFixture[str]) -> None:
        def objective(trial: optuna.Trial) -> float:
            trial.report(1.0, 0)
            return 1.0

        assert trained(objective, {}, epochs=1) == [(1, 1.0)]
        assert "not recorded" not in capsys.readouterr().err

    def test_a_stop_is_raised_in_the_report(self) -> None:
        ended = []

        def objective(trial: optuna.Trial) -> None:
            try:
                for step in range(5):
                    trial.report(1.0, step)
            finally:
                ended.append(step)

        trial = opened(objective)
        trial.next_report()
        trial.next_report()
        trial.close()
        assert ended == [1]

    def test_pruned_by_the_objective_itself_it_has_ended(self) -> None:
        def objective(trial: optuna.Trial, reports: bool) -> None:
            if reports:
                trial.report(1.0, 0)
            raise optuna.TrialPruned

        assert trained(partial(objective, reports=True)) == [(1, 1.0)]
        with pytest.raises(Infeasible, match="raised TrialPruned before its first report"):
            trained(partial(objective, reports=False))

    def test_other_exceptions_are_its_own(self) -> None:
        with pytest.raises(ZeroDivisionError):
            trained(lambda trial: trial.number / 0)

    def test_numbers_in_user_attributes_are_metrics(self, capsys: pytest.CaptureFixture[str]) -> None:
        def objective(trial: optuna.Trial) -> float:
            trial.set_user_attr("size", 4)
            trial.set_user_attr("name", "small")
            for step in range(2):
                trial.report(1.0, step)
            trial.set_user_attr("late", 0.5)
            return 0.7

        def metrics(epochs: int) -> list[Any]:
            reports = iter(opened(objective, epochs=epochs).next_report, None)
            return [dict(report.metrics) for report in reports if report]

        first = [{"val_loss": 1.0, "size": 4}, {"val_loss": 1.0}]
        assert metrics(epochs=3) == [*first, {"val_loss": 0.7, "late": 0.5}]
        assert metrics(epochs=2) == first
        assert "set late after" in capsys.readouterr().err

    def test_several_values_are_those_of_the_goals(self) -> None:
        def run(*values: float, **options: Any) -> list[Any]:
            reports = ObjectiveTrainer(lambda _: values)({}, Run(0, 5, metric="loss", **options))
            return [(report.step, dict(report.metrics)) for report in reports]

        assert run(0.5, 2.0, further_metrics=["latency"]) == [(1, {"loss": 0.5, "latency": 2.0})]
        assert run(0.5) == [(1, {"loss": 0.5})]
        with pytest.raises(TrainerError, match="returned 2 values, and the study has 1 metric"):
            run(0.5, 2.0)
        with pytest.raises(TrainerError, match="returned 3 values, and the study has 2 metrics"):
            run(0.5, 2.0, 3.0, further_metrics=["latency"])


def called(trial: Any) -> float:
    return 1.0


def annotated(t: "optuna.trial.Trial") -> float:
    return 1.0


def with_default(trial: Any, verbose: bool = False) -> float:
    return 1.0


def by_class(t: optuna.Trial) -> float:
    return 1.0


class Instance:
    def __call__(self, trial: Any) -> float:
        return 1.0


@pytest.mark.parametrize("objective", [called, annotated, with_default, by_class, Instance(), Instance().__call__])
def test_told_by_the_name_or_the_type_of_its_argument(objective: Any) -> None:
    assert trained(objective, {}) == [(1, 1.0)]


def test_another_function_is_none() -> None:
    def function(trial: Any, hidden: int) -> float:
        return float(hidden)

    assert trained(function, {"trial": 3, "hidden": 2}) == [(1, 2.0)]
