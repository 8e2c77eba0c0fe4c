"""The contract of pruners: `PrunerContract`, a class of tests with one fixture, `make`."""

import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from hpsearch.core.decisions import Continue, Finish, Pause, Stop
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.pruners.base import Pruner

LOSS = Objective("val_loss", "minimize")
EPOCHS = 12


MakePruner = Callable[[], Pruner]
"""A new pruner for trials of `EPOCHS` epochs."""


def trial(number: int, *losses: float, until: int = EPOCHS, metric: str = "val_loss") -> Trial:
    """A running trial that has reported these losses, one an epoch."""
    curve = tuple(Report(step, {metric: loss}) for step, loss in enumerate(losses, start=1))
    return Trial(number, {}, 0, until, State.RUNNING, curve=curve)


def sparse_trial(number: int) -> Trial:
    """A running trial that has reported the metric at every second, third, … of `EPOCHS` epochs."""
    every = 2 + number % 3
    metrics = ({"val_loss": 1.0 / step} if step % every == 0 else {"train_loss": 1.0} for step in range(1, EPOCHS + 1))
    return replace(trial(number), curve=tuple(Report(step, own) for step, own in enumerate(metrics, start=1)))


def history_of(*curves: Sequence[float], objective: Objective = LOSS) -> History:
    return History(objective, [trial(number, *c, metric=objective.metric) for number, c in enumerate(curves)])


def noisy_curves(trials: int, seed: int) -> list[list[float]]:
    """Curves of 1 to `EPOCHS` epochs; one in eight values is NaN or infinite."""
    generator = np.random.default_rng(seed)
    curves = []
    for _ in range(trials):
        values = generator.normal(size=int(generator.integers(1, EPOCHS + 1)))
        is_replaced = generator.random(len(values)) < 1 / 8
        not_finite = generator.choice([math.nan, math.inf, -math.inf], size=len(values))
        curves.append(np.where(is_replaced, not_finite, values).tolist())
    return curves


class PrunerContract:
    """A subclass defines the fixture `make`, which returns a function that creates the pruner."""

    @pytest.fixture
    def make(self) -> MakePruner:
        raise NotImplementedError("the fixture `make` returns a function that makes a pruner")

    verdicts: ClassVar[tuple[type, ...]] = (Continue, Stop, Finish)

    def test_judge_is_deterministic_and_changes_nothing(self, make: MakePruner) -> None:
        history = history_of(*noisy_curves(20, seed=1))
        before = list(history)
        pruner = make()
        first = [pruner.judge(one, history) for one in history]
        assert [pruner.judge(one, history) for one in history] == first
        assert [make().judge(one, history) for one in history] == first
        assert list(history) == before

    def test_nan_infinity_and_short_curves_are_no_error(self, make: MakePruner) -> None:
        for seed in range(5):
            history = history_of(*noisy_curves(30, seed))
            for one in history:
                verdict = make().judge(one, history)
                assert isinstance(verdict, self.verdicts)
                assert isinstance(verdict, Continue) or verdict.reason

    def test_one_trial_alone_or_without_a_report(self, make: MakePruner) -> None:
        for curve in ([], [0.5], [math.nan], [math.inf] * 3):
            history = history_of(curve)
            assert isinstance(make().judge(history[0], history), self.verdicts)

    def test_a_metric_that_is_missing_is_no_error(self, make: MakePruner) -> None:
        history = History(LOSS, [trial(number, 0.1, 0.2, 0.3, metric="other") for number in range(4)])
        assert isinstance(make().judge(history[3], history), self.verdicts)

    def test_a_metric_that_is_in_some_reports_only_is_no_error(self, make: MakePruner) -> None:
        history = History(LOSS, list(map(sparse_trial, range(6))))
        for one in history:
            reports = [end for end, report in enumerate(one.curve, start=1) if LOSS.is_in(report)]
            for end in reports:
                assert isinstance(make().judge(replace(one, curve=one.curve[:end]), history), self.verdicts)

    def test_a_trial_at_its_last_epoch_is_not_pruned(self, make: MakePruner) -> None:
        good, bad = [0.1] * EPOCHS, [9.0 + step for step in range(EPOCHS)]
        history = history_of(*[good] * 8, bad)
        assert not isinstance(make().judge(history[8], history), Stop)

    def test_it_pickles(self, make: MakePruner) -> None:
        history = history_of(*noisy_curves(10, seed=3))
        pruner = make()
        for one in history:
            assert pickle.loads(pickle.dumps(pruner)).judge(one, history) == pruner.judge(one, history)


class PausingPrunerContract(PrunerContract):
    """For a pruner that may also return Pause. `PrunerContract` does not allow it."""

    verdicts = (*PrunerContract.verdicts, Pause)


class ComparingPrunerContract:
    """Further clauses for a pruner that stops a trial only because it is worse than others. It has the same fixture."""

    @pytest.fixture
    def make(self) -> MakePruner:
        raise NotImplementedError("the fixture `make` returns a function that makes a pruner")

    def test_it_never_stops_the_best_at_its_epoch(self, make: MakePruner) -> None:
        for seed in range(5):
            history = history_of(*noisy_curves(30, seed))
            for one in history:
                losses = history.losses_at(one.epoch)
                if losses[one.number] == min(losses.values()):
                    assert isinstance(make().judge(one, history), Continue)

    def test_equal_trials_all_continue(self, make: MakePruner) -> None:
        for epoch in range(1, EPOCHS + 1):
            history = history_of(*[[0.5] * epoch] * 9)
            assert all(isinstance(make().judge(one, history), Continue) for one in history)

    def test_a_maximised_metric_is_judged_like_its_negative(self, make: MakePruner) -> None:
        curves = noisy_curves(20, seed=2)
        flipped = [[-value for value in curve] for curve in curves]
        small, large = history_of(*curves), history_of(*flipped, objective=Objective("val_loss", "maximize"))
        for one, other in zip(small, large, strict=True):
            assert type(make().judge(one, small)) is type(make().judge(other, large))
