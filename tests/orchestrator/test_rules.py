from dataclasses import replace

import pytest

from hpsearch.core.history import History
from hpsearch.core.replicates import Replicates
from hpsearch.core.seeds import trial_seed
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.orchestrator.rules import EpochBudget, ReachedLimit, Rules, Totals, limit_reached, seed_of

LOSS = Objective("val_loss", "minimize")
HISTORY = History(
    LOSS,
    [Trial(0, {}, 0, until=9, curve=(Report(1, {"val_loss": 1.0}), Report(2, {"val_loss": 1.0})), busy=7200.0)],
)


@pytest.mark.parametrize(
    ("limit", "seconds", "reached"),
    [
        ({}, 1e9, None),
        ({"study_seconds": 60.0}, 59.9, None),
        (
            {"study_seconds": 60.0},
            60.0,
            ReachedLimit("limits.study = 60 s is used up", grace=0.6, numbers={"seconds": 60.0}),
        ),
        ({"study_epochs": 3}, 0.0, None),
        ({"study_epochs": 2}, 0.0, ReachedLimit("limits.epochs = 2 is used up", grace=0.0, numbers={"epochs": 2})),
        (
            {"study_epochs": 2, "epochs_key": "search.budget.epochs"},
            0.0,
            ReachedLimit("search.budget.epochs = 2 is used up", grace=0.0, numbers={"epochs": 2}),
        ),
        ({"study_gpu_hours": 0.5, "gpus": 0.2}, 0.0, None),
        (
            {"study_gpu_hours": 0.5, "gpus": 0.25},
            0.0,
            ReachedLimit("limits.gpu_hours = 0.5 is used up", 72.0, {"gpu_hours": 0.5}),
        ),
        ({"study_gpu_hours": 0.5, "gpus": 0.0}, 0.0, None),
    ],
)
def test_a_limit_says_why(limit: dict[str, float], seconds: float, reached: ReachedLimit | None) -> None:
    assert limit_reached(Rules(seed=0, epochs=5, **limit), HISTORY, seconds) == reached  # type: ignore[arg-type]


def test_gpu_hours_count_what_running_trials_have_not_yet_reported() -> None:
    rules = Rules(seed=0, epochs=5, study_gpu_hours=1.0, gpus=0.25)
    assert limit_reached(rules, HISTORY, 0.0, [3600.0, 3599.0]) is None
    reached = limit_reached(rules, HISTORY, 0.0, [3600.0, 3600.0])
    assert reached == ReachedLimit(
        "limits.gpu_hours = 1 is used up", 72.0, {"gpu_hours": 1.0}
    )  # 1% of 4 hours, shared by two


@pytest.mark.parametrize(
    ("totals", "fraction"),
    [
        (Totals(), 0.0),
        (Totals(began=10.0, ended=20.0, busy=15.0, workers=2), 0.75),
        (Totals(began=10.0, ended=20.0, busy=25.0, workers=2), 1.0),
        (Totals(began=10.0, ended=10.0, busy=1.0, workers=2), 0.0),
    ],
)
def test_the_busy_fraction_is_a_share_of_all_workers_time(totals: Totals, fraction: float) -> None:
    assert totals.busy_fraction == fraction


AT_LR = History(LOSS, [Trial(n, {"lr": lr}, seed=0, until=9) for n, lr in enumerate((0.1, 0.2, 0.1))])


@pytest.mark.parametrize("replicates", [Replicates(), Replicates(repeats=2), Replicates(folds=2)])
def test_trials_of_different_parameters_have_the_seed_of_the_study(replicates: Replicates) -> None:
    rules = Rules(seed=7, epochs=5, replicates=replicates)
    assert [seed_of(rules, AT_LR, {"lr": lr}) for lr in (0.3, 0.2, 0.1)] == [7, trial_seed(7, 1), trial_seed(7, 2)]


@pytest.mark.parametrize(
    ("replicates", "of_01", "of_03"),
    [(Replicates(), 3, 3), (Replicates(repeats=2), 2, 0), (Replicates(folds=2), 2, 0)],
)
def test_with_different_seeds_replicated_trials_share_them_and_others_have_their_own(
    replicates: Replicates, of_01: int, of_03: int
) -> None:
    """of_01, of_03: which seed of the study the next trial has, by its learning rate."""
    rules = Rules(seed=7, epochs=5, trial_seeds="different", replicates=replicates)
    seeds = [seed_of(rules, AT_LR, {"lr": lr}) for lr in (0.1, 0.3)]
    assert seeds == [trial_seed(7, of_01), trial_seed(7, of_03)]


def test_a_trial_that_goes_on_beyond_its_end_gets_epochs_only_while_some_are_left() -> None:
    budget = EpochBudget(3)
    trial = Trial(0, {}, 0, 2, State.RUNNING, curve=(Report(1, {}), Report(2, {})))
    history = History(LOSS, [trial])
    assert budget.grant(trial, history, workers=1) == 2
    assert budget.is_spent_by(trial)
    budget.extend(longer := replace(trial, until=3), history)
    assert not budget.is_spent_by(longer)
    trained = replace(longer, curve=(*longer.curve, Report(3, {})), until=4)
    budget.extend(trained, History(LOSS, [trained]))
    assert budget.is_spent_by(trained)
