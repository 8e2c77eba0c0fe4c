import math

from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.samplers.observations import (
    at_one_length,
    cut_outliers,
    half_ranked,
    observations,
    pending,
    usable_evidence,
)
from hpsearch.study.space import Float, Space
from hpsearch.testing.simulation import LOSS

SPACE = Space((Float("x", 0.0, 1.0),))


def trial(number: int, state: State, *losses: float, cause: Cause | None = None, x: float = 0.5) -> Trial:
    curve = tuple(Report(step, {"val_loss": loss}) for step, loss in enumerate(losses, start=1))
    return Trial(number, {"x": x}, 0, 9, state, curve=curve, cause=cause, ended=number + 1)


def test_the_observation_of_each_kind_of_trial() -> None:
    history = History(
        LOSS,
        [
            trial(0, State.COMPLETE, 3.0, 1.0, 2.0),
            trial(1, State.PAUSED, 2.0),
            trial(2, State.COMPLETE, 6.0),
            trial(3, State.PRUNED, 0.5),  # better than the median of the complete ones: has that
            trial(4, State.PRUNED, 7.0),  # worse: unchanged
            trial(5, State.PRUNED, 0.1, math.nan, cause=Cause.DIVERGED),
            trial(6, State.FAILED, 0.1),
            trial(7, State.COMPLETE),
            trial(8, State.RUNNING, 0.1),
            trial(9, State.INFEASIBLE, 0.1),
        ],
    )
    seen = observations(history, SPACE)
    assert [one.loss for one in seen[:5]] == [1.0, 2.0, 6.0, 2.0, 7.0]
    assert [one.own for one in seen] == [1.0, 2.0, 6.0, 0.5, 7.0, *[math.inf] * 4]
    assert len({one.loss for one in seen[5:]}) == 1
    assert seen[5].loss > 7.0
    assert [one.pruned for one in seen] == [False, False, False, True, True, True, False, False, False]
    assert seen[0].epoch == 3


def test_observations_where_every_trial_was_pruned_or_diverged() -> None:
    pruned = History(LOSS, [trial(n, State.PRUNED, float(n)) for n in range(3)])
    assert [one.loss for one in observations(pruned, SPACE)] == [1.0, 1.0, 2.0]
    diverged = History(LOSS, [trial(n, State.PRUNED, math.inf, cause=Cause.DIVERGED) for n in range(3)])
    assert len({one.loss for one in observations(diverged, SPACE)}) == 1


def test_a_maximised_metric_becomes_a_loss() -> None:
    history = History(Objective("val_loss", "maximize"), [trial(0, State.COMPLETE, 0.8, 0.9)])
    assert observations(history, SPACE)[0].loss == -0.9


def test_observations_are_in_the_order_of_ends_after_usable_evidence() -> None:
    evidence = [
        trial(0, State.COMPLETE, 5.0),
        trial(1, State.COMPLETE, 4.0, x=2.0),
        trial(2, State.FAILED, 3.0),
        trial(3, State.WAITING),
    ]
    late = Trial(0, {"x": 0.1}, 0, 9, State.COMPLETE, curve=(Report(1, {"val_loss": 1.0}),), ended=2)
    early = Trial(1, {"x": 0.2}, 0, 9, State.COMPLETE, curve=(Report(1, {"val_loss": 2.0}),), ended=1)
    history = History(LOSS, [late, early], evidence)
    assert [one.loss for one in observations(history, SPACE)] == [5.0, 2.0, 1.0]
    assert [trial.number for trial in usable_evidence(history, SPACE)] == [0]


def test_waiting_and_running_trials_are_pending() -> None:
    history = History(LOSS, [trial(0, State.WAITING, x=0.1), trial(1, State.COMPLETE), trial(2, State.RUNNING, x=0.3)])
    assert pending(history) == [{"x": 0.1}, {"x": 0.3}]


def test_half_ranking_keeps_the_better_half_and_the_order_of_all() -> None:
    losses = [1.0, 2.0, 3.0, 4.0, 50.0, 1e9, 50.0]
    warped = half_ranked(losses)
    assert warped[:4] == losses[:4]
    assert warped[3] < warped[4] == warped[6] < warped[5]
    assert warped[5] == 4.0 + (4.0 - 1.0)
    assert half_ranked([2.0]) == [2.0]
    assert half_ranked([2.0, 2.0, 2.0]) == [2.0, 2.0, 2.0]


def test_outliers_are_cut_and_other_losses_keep_their_scale() -> None:
    assert cut_outliers([1.0, 2.0, 3.0, 40.0, 1e9]) == [1.0, 2.0, 3.0, 40.0, 43.0]
    assert cut_outliers([2.0, 2.0, 1e9]) == [2.0, 2.0, 1e9]
    assert cut_outliers([2.0]) == [2.0]


class TestAtOneLength:
    """Losses of 4 and of 8 epochs are never compared."""

    def trial(self, number: int, until: int, cause: Cause = Cause.DONE, epochs: int | None = None) -> Trial:
        curve = tuple(Report(step, {"val_loss": 9.0 - step}) for step in range(1, (epochs or until) + 1))
        return Trial(number, {"x": number / 10}, 0, until, state=State.COMPLETE, curve=curve, cause=cause)

    def test_equal_lengths_stay(self) -> None:
        trials = [self.trial(number, 4) for number in range(3)]
        assert at_one_length(trials, 2) == trials

    def test_few_long_ones_are_cut(self) -> None:
        trials = [*(self.trial(number, 4) for number in range(3)), self.trial(3, 8)]
        assert [trial.epoch for trial in at_one_length(trials, 2)] == [4, 4, 4, 4]

    def test_enough_long_ones_count_alone(self) -> None:
        trials = [*(self.trial(number, 4) for number in range(3)), self.trial(3, 8), self.trial(4, 8)]
        assert [trial.number for trial in at_one_length(trials, 2)] == [3, 4]

    def test_those_that_ended_early_stay(self) -> None:
        early = self.trial(0, 8, Cause.PATIENCE, epochs=3)
        trials = [early, self.trial(1, 4), self.trial(2, 8), self.trial(3, 8)]
        assert [trial.number for trial in at_one_length(trials, 2)] == [0, 2, 3]
