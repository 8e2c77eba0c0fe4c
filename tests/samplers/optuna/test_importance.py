"""Parameter importance, for trials with values that depend on one parameter only."""

import math
from dataclasses import replace

import pytest

from hpsearch.core.errors import NoTrialSucceeded
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.samplers.optuna.importance import importance
from hpsearch.study.space import Choice, Float, Int, Parameter, Space

LOSS = Objective("loss", "minimize")
SPACE = Space(
    (
        Float("lr", 1e-4, 1.0, log=True),
        Float("noise", 0.0, 1.0),
        Choice("kind", ("a", "b")),
        Int("units", 1, 64, log=True, when={"kind": ("a",)}),
    ),
    {},
)


def trials(count: int, space: Space = SPACE) -> list[Trial]:
    """Drawn at random; their loss is how far lr is from 0.01, in decades."""
    made = []
    for number in range(count):
        params = space.from_unit(stream(0, number).random(space.dimensions).tolist())
        loss = abs(math.log10(float(params["lr"])) + 2)
        curve = tuple(Report(epoch, {"loss": loss + 1 / epoch}) for epoch in (1, 2, 3))
        made.append(Trial(number, params, 0, 3, State.COMPLETE, curve=curve, ended=number + 1))
    return made


def test_the_parameter_that_determines_the_loss_has_the_largest_share() -> None:
    found = importance(trials(60), LOSS, SPACE)
    assert next(iter(found.shares)) == "lr"
    assert found.shares["lr"] > 0.5
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert set(found.shares) == {"lr", "noise", "kind", "units"}


def test_shares_are_those_of_conditional_ped_anova() -> None:
    """Numbers of Optuna 5's own conditional PED-ANOVA. Only one of the best six trials has `units`."""
    shares = {"lr": 0.95608, "kind": 0.017909, "units": 0.015283, "noise": 0.010727}
    assert importance(trials(60), LOSS, SPACE).shares == pytest.approx(shares, abs=1e-5)


def test_it_has_the_number_of_trials() -> None:
    some = trials(20)
    active = sum("units" in trial.params for trial in some)
    found = importance(some, LOSS, SPACE)
    assert (found.trials, found.complete, found.among_the_best) == (20, 20, 5)
    assert found.having == {"lr": 20, "noise": 20, "kind": 20, "units": active}
    assert 0 < active < 20


def test_a_maximised_metric_is_ranked_in_reverse() -> None:
    accuracy = Objective("loss", "maximize")
    turned = [
        replace(one, curve=tuple(Report(r.step, {"loss": -r.metrics["loss"]}) for r in one.curve)) for one in trials(30)
    ]
    assert importance(turned, accuracy, SPACE) == importance(trials(30), LOSS, SPACE)


def test_pruned_trials_count_and_rank_below_complete_ones() -> None:
    """Their loss after one epoch, however low, is not the loss of a whole training."""

    def pruned(trial: Trial) -> Trial:
        return replace(trial, state=State.PRUNED, curve=(Report(1, {"loss": 0.0}),))

    worst = {trial.number for trial in sorted(trials(40), key=LOSS.loss)[20:]}
    mixed = [pruned(trial) if trial.number in worst else trial for trial in trials(40)]
    found = importance(mixed, LOSS, SPACE)
    assert (found.trials, found.complete) == (40, 20)
    assert found.shares == importance(trials(40), LOSS, SPACE).shares, "the best five are the same"


def test_diverged_trials_are_the_worst_and_failed_ones_are_ignored() -> None:
    def diverged(trial: Trial) -> Trial:
        return replace(trial, state=State.PRUNED, cause=Cause.DIVERGED, curve=(Report(9, {"loss": -9.0}),))

    def failed(trial: Trial) -> Trial:
        return replace(trial, state=State.FAILED, cause=Cause.TRAINER_RAISED)

    found = importance([*trials(30)[:20], *map(diverged, trials(30)[20:])], LOSS, SPACE)
    assert (found.trials, found.complete) == (30, 20)
    assert next(iter(found.shares)) == "lr"
    assert importance([*trials(25)[:20], *map(failed, trials(25)[20:])], LOSS, SPACE) == importance(
        trials(20), LOSS, SPACE
    )


def test_a_parameter_with_one_value_is_named_and_has_no_share() -> None:
    same = [replace(trial, params={**trial.params, "noise": 0.5}) for trial in trials(20)]
    found = importance(same, LOSS, SPACE)
    assert found.constant == ("noise",)
    assert "noise" not in found.shares


def test_running_trials_do_not_count() -> None:
    running = [replace(trial, state=State.RUNNING) for trial in trials(20)]
    with pytest.raises(NoTrialSucceeded, match="needs 10 ended trials with a report; this study has 9 trials"):
        importance([*trials(9), *running[9:]], LOSS, SPACE)


def test_parameters_without_differences() -> None:
    one: tuple[Parameter, ...] = (Float("lr", 0.01, 0.01),)
    constant = Space(one, {})
    with pytest.raises(NoTrialSucceeded):
        importance([replace(trial, params={"lr": 0.01}) for trial in trials(20)], LOSS, constant)
    equal = tuple(Report(epoch, {"loss": 1.0}) for epoch in (1, 2, 3))
    with pytest.raises(NoTrialSucceeded, match="all 20 trials have the same value"):
        importance([replace(trial, curve=equal) for trial in trials(20)], LOSS, SPACE)


def test_values_beyond_the_range_are_taken() -> None:
    """A search with `expand` looks beyond."""
    beyond = [replace(trial, params={**trial.params, "noise": 3.0 * trial.number}) for trial in trials(20)]
    assert set(importance(beyond, LOSS, SPACE).shares) == {"lr", "noise", "kind", "units"}
