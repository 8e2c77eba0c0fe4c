"""Two trials with different parameters and the same curve are reported once."""

from dataclasses import replace

import pytest

from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Params, Report, State, Trial
from hpsearch.orchestrator.trainer_findings import EqualCurves

LOSS = Objective("val_loss", "minimize")
TELLING = (1.0123456789, 0.5123456789, 0.3)


def trial(number: int, params: Params, values: tuple[float, ...], **changes: object) -> Trial:
    curve = tuple(Report(step, {"val_loss": value}, at=number) for step, value in enumerate(values, 1))
    return Trial(number, params, 0, 3, State.COMPLETE, curve=curve, **changes)  # type: ignore[arg-type]


def notes(*trials: Trial, before: tuple[Trial, ...] = ()) -> list[str]:
    found: list[str] = []
    observer = EqualCurves(History(LOSS, before), found.append)
    for one in trials:
        observer.ended(one)
    return found


def test_the_trials_and_what_they_differ_in_are_named() -> None:
    own = [trial(n, {"lr": n / 10, "seed": 7, "decay": 0.1}, TELLING) for n in range(4)]
    (note,) = notes(*own)
    assert "trials 0, 1" in note
    assert "`lr`" in note
    assert "decay" not in note


def test_a_trial_of_an_earlier_run() -> None:
    first, second = trial(0, {"lr": 0.1}, TELLING), trial(1, {"lr": 0.2}, TELLING)
    assert len(notes(second, before=(first,))) == 1


@pytest.mark.parametrize(
    "values",
    [
        (0.6931471805599453, 0.6931471805599453, 0.6931471805599453),  # a network that learns nothing
        (0.9, 0.92, 0.94),  # accuracies over 50 examples
    ],
)
def test_curves_that_are_equal_by_chance(values: tuple[float, ...]) -> None:
    assert not notes(trial(0, {"lr": 0.1}, values), trial(1, {"lr": 0.2}, values))


def test_rounded_losses_are_equal_in_three_trials() -> None:
    own = [trial(n, {"lr": n / 10}, (1.2218, 1.2226, 1.2235)) for n in range(3)]
    assert not notes(*own[:2])
    assert not notes(own[0], own[0], own[1])
    assert len(notes(*own)) == 1


def test_curves_that_differ_in_the_last_digit() -> None:
    other = (*TELLING[:2], TELLING[2] + 1e-16)
    assert other != TELLING
    assert not notes(trial(0, {"lr": 0.1}, TELLING), trial(1, {"lr": 0.2}, other))


def test_the_same_parameters_again() -> None:
    assert not notes(trial(0, {"lr": 0.1}, TELLING), trial(1, {"lr": 0.1}, TELLING))


def test_seeds_that_change_nothing() -> None:
    """A trainer that calls torch.manual_seed(0), or has no random numbers. It is said once."""
    seeds = [replace(trial(number, {"lr": 0.1}, TELLING), seed=number) for number in range(3)]
    (note,) = notes(*seeds)
    assert "trials 0, 1" in note
    assert "run.seed" in note


@pytest.mark.parametrize(("last", "count"), [(0.3, 1), (0.4, 0)])
def test_repeats_that_are_equal(last: float, count: int) -> None:
    own = trial(4, {"lr": 0.1}, TELLING)
    named = [{"val_loss": value, "val_loss_repeat1": value, "val_loss_repeat2": value} for value in TELLING]
    named[-1]["val_loss_repeat2"] = last
    repeated = replace(own, curve=tuple(Report(step, metrics) for step, metrics in enumerate(named, 1)))
    assert len(notes(repeated)) == count


def test_a_trial_that_ends_again_after_a_pause() -> None:
    own = trial(0, {"lr": 0.1}, TELLING)
    assert not notes(own, own)


def test_superseded_trials_do_not_count() -> None:
    first = trial(0, {"lr": 0.1}, TELLING, superseded=True)
    assert not notes(trial(1, {"lr": 0.2}, TELLING), before=(first,))
