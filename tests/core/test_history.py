import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hpsearch.core.history import BestTrial, History, by_arrival
from hpsearch.core.trial import Cause, Objective, Report, State, Trial

LOSS = Objective("val_loss", "minimize")


def curve(*losses: float) -> tuple[Report, ...]:
    return tuple(Report(step, {"val_loss": loss}) for step, loss in enumerate(losses, start=1))


def trial(number: int, *losses: float, state: State = State.COMPLETE, ended: int = 0, **changes: object) -> Trial:
    made = Trial(number, {"lr": 0.1}, seed=number, until=5, state=state, curve=curve(*losses), ended=ended)
    return replace(made, **changes)


class TestPut:
    def test_adds_the_next_and_replaces_the_others(self) -> None:
        history = History(LOSS)
        history.put(trial(0, state=State.RUNNING))
        history.put(trial(1))
        history.put(trial(0, 3.0))
        assert len(history) == 2
        assert [each.number for each in history] == [0, 1]
        assert history[0].epoch == 1

    def test_leaves_no_gap(self) -> None:
        with pytest.raises(ValueError, match="trial 1 put before trial 0"):
            History(LOSS).put(trial(1))

    def test_counts_epochs_and_seconds_once(self) -> None:
        history = History(LOSS, [trial(0, 3.0, 2.0, busy=1.5)])
        history.put(trial(0, 3.0, 2.0, 1.0, busy=2.0))
        history.put(trial(0, 3.0, 2.0, 1.0, busy=2.0, reason="again"))
        history.put(trial(1, 5.0, busy=0.25))
        assert (history.epochs, history.busy) == (4, 2.25)

    def test_counts_how_many_trials_ended(self) -> None:
        history = History(LOSS, [trial(0, 3.0, ended=1), trial(1, ended=2)])
        history.put(trial(0, 3.0, 2.0, ended=3))
        assert history.ended == 3


class TestLosses:
    def test_are_the_best_up_to_an_epoch(self) -> None:
        history = History(LOSS, [trial(0, 3.0, 1.0, 2.0), trial(1, 4.0)])
        assert [dict(history.losses_at(step)) for step in (1, 2, 3, 4)] == [{0: 3.0, 1: 4.0}, {0: 1.0}, {0: 1.0}, {}]

    def test_or_those_of_the_epoch_itself(self) -> None:
        history = History(Objective("val_loss", "minimize", at="last"), [trial(0, 3.0, 1.0, 2.0)])
        assert [history.losses_at(step)[0] for step in (1, 2, 3)] == [3.0, 1.0, 2.0]

    def test_or_the_mean_of_the_last_ones(self) -> None:
        history = History(Objective("val_loss", "maximize", at="mean of last 2"), [trial(0, 3.0, 1.0, 2.0)])
        assert [history.losses_at(step)[0] for step in (1, 2, 3)] == [-3.0, -2.0, -1.5]

    @pytest.mark.parametrize("steps", [(0, 1, 2), (0, 2, 4)])
    def test_a_report_from_before_training_has_none(self, steps: tuple[int, ...]) -> None:
        curve = tuple(Report(step, {"val_loss": float(step)}) for step in steps)
        history, growing = History(LOSS, [replace(trial(0), curve=curve)]), History(LOSS)
        for length in range(len(curve) + 1):
            growing.put(replace(trial(0), curve=curve[:length]))
        for own in (history, growing):
            assert [own.losses_at(step).get(0) for step in (0, *steps[1:])] == [None, *[float(steps[1])] * 2]
            assert own.epochs == steps[-1]
            best = own.best()
            assert best is not None
            assert LOSS.judged(best) == curve[1]

    def test_smaller_is_better_where_a_metric_is_maximised(self) -> None:
        history = History(Objective("val_loss", "maximize"), [trial(0, 3.0, 1.0)])
        assert [history.losses_at(step)[0] for step in (1, 2)] == [-3.0, -3.0]

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_nan_and_infinity_are_the_worst(self, bad: float) -> None:
        history = History(LOSS, [trial(0, bad, 2.0, bad)])
        assert [history.losses_at(step)[0] for step in (1, 2, 3)] == [math.inf, 2.0, 2.0]

    @pytest.mark.parametrize("at", ["best", "last", "mean of last 3"])
    @example(losses=[1e308, 1.5e308], parts=set())
    @example(losses=[1.7976931348623157e308] * 3, parts=set())
    @given(losses=st.lists(st.floats(allow_nan=True), min_size=1, max_size=8), parts=st.sets(st.integers(1, 7)))
    def test_do_not_depend_on_how_a_curve_grew(self, at: str, losses: list[float], parts: set[int]) -> None:
        objective = Objective("val_loss", "minimize", at=at)
        at_once, in_parts = History(objective, [trial(0, *losses)]), History(objective)
        for size in [0, *sorted(parts), len(losses)]:
            in_parts.put(trial(0, *losses[:size])) if size <= len(losses) else None
        for step in range(1, len(losses) + 1):
            assert dict(at_once.losses_at(step)) == dict(in_parts.losses_at(step))
        assert at_once.epochs == in_parts.epochs


class TestBest:
    def test_is_the_earlier_of_equals(self) -> None:
        history = History(LOSS, [trial(0, 3.0), trial(1, 2.0), trial(2, 2.0)])
        assert history.best() is history[1]

    @pytest.mark.parametrize(
        "bad",
        [
            trial(0, 0.1, math.nan, state=State.PRUNED, cause=Cause.DIVERGED),
            trial(0, -math.inf),
            trial(0),
        ],
        ids=["diverged", "infinite", "no report"],
    )
    def test_is_no_diverged_trial_and_none_without_reports(self, bad: Trial) -> None:
        assert History(LOSS, [bad]).best() is None
        history = History(LOSS, [bad, trial(1, 5.0)])
        assert history.best() is history[1]

    def test_may_have_failed_where_the_study_keeps_such_results(self) -> None:
        trials = [trial(0, 0.1, state=State.FAILED), trial(1, 5.0)]
        keep, drop = History(LOSS, trials), History(replace(LOSS, failed="drop"), trials)
        assert (keep.best(), drop.best()) == (trials[0], trials[1])
        assert [(best.trial, best.failed) for h in (keep, drop) if (best := BestTrial.of(h))] == [(0, True), (1, False)]

    @pytest.mark.parametrize("state", [State.PRUNED, State.PAUSED, State.RUNNING, State.WAITING])
    def test_may_be_a_trial_that_was_not_trained_to_the_end(self, state: State) -> None:
        assert History(LOSS, [trial(0, 3.0), trial(1, 2.0, state=state)]).best() is not None

    def test_of_nothing_is_none(self) -> None:
        assert (History(LOSS).best(), History(LOSS).ended) == (None, 0)


class TestAsOf:
    def test_trials_that_ended_later_are_running_without_a_curve(self) -> None:
        history = History(
            LOSS,
            [
                trial(0, 3.0, ended=2),
                trial(1, 2.0, ended=1, state=State.PRUNED),
                trial(2, 1.0, state=State.RUNNING),
                trial(3, state=State.WAITING),
            ],
        )
        then = history.as_of(1)
        assert [each.state for each in then] == [State.RUNNING, State.PRUNED, State.RUNNING, State.RUNNING]
        assert [each.epoch for each in then] == [0, 1, 0, 0]
        assert [each.ended for each in then] == [0, 1, 0, 0]
        assert (then.ended, dict(then.losses_at(1))) == (1, {1: 2.0})

    def test_is_a_copy(self) -> None:
        history = History(LOSS, [trial(0, 3.0, ended=1)])
        then = history.as_of(1)
        history.put(trial(1, ended=2))
        assert len(then) == 1

    def test_keeps_the_evidence(self) -> None:
        evidence = [trial(0, 1.0)]
        assert History(LOSS, evidence=evidence).as_of(0).evidence == tuple(evidence)


def test_reports_of_all_curves_come_as_they_arrived() -> None:
    """Of those of one moment that of the smaller number comes first."""
    curves = {0: [10, 40, 50], 1: [20, 30, 40], 2: []}
    trials = [
        Trial(number, {}, 0, 9, curve=tuple(Report(step, {}, at) for step, at in enumerate(times, 1)))
        for number, times in curves.items()
    ]
    came = [(number, report.step, report.at) for number, report in by_arrival(trials)]
    assert came == [(0, 1, 10), (1, 1, 20), (1, 2, 30), (0, 2, 40), (1, 3, 40), (0, 3, 50)]


def test_as_of_a_trial_that_is_tried_again_shows_it_running() -> None:
    """It had failed before the others ended; what it reports since must not change what was known then."""
    curve = (Report(1, {"val_loss": 1.0}),)
    again = Trial(0, {"x": 1.0}, 0, 3, State.WAITING, curve=curve, ended=1)
    other = Trial(1, {"x": 2.0}, 0, 3, State.COMPLETE, curve=curve, ended=2)
    first, second = History(Objective("val_loss", "minimize"), [again, other]).as_of(2)
    assert (first.state, first.curve) == (State.RUNNING, ())
    assert second == other


class TestOfSearch:
    def test_is_the_current_trials_where_no_search_in_rounds_began_later(self) -> None:
        history = History(LOSS, [trial(0, 1.0), trial(1, 2.0, superseded=True)])
        assert history.of_search is history.current
        assert len(history.of_search) == 1

    def test_leaves_out_the_trials_before_a_search_in_rounds(self) -> None:
        before = [trial(0, 1.0, superseded=True), trial(1, 2.0, state=State.PAUSED), trial(2, 3.0, replaces=1)]
        history = History(LOSS, before, before_rounds=3)
        history.put(trial(3, state=State.RUNNING))
        history.put(trial(3, 5.0))
        seen = history.of_search
        assert [(one.number, one.curve) for one in seen] == [(0, curve(5.0))]
        assert seen.number_of(0) == 3
        assert [one.number for one in seen.known] == [2]
        assert seen.drawn_before == 1
        assert [one.seed for one in history.current] == [2, 3]
        assert (history.counted, seen.counted) == (2, 1)
        assert history.renumbered(history[3]).number == 1
        assert history.best() == history[1]

    def test_a_trial_that_replaces_one_of_them_is_none_of_its_own(self) -> None:
        history = History(LOSS, [trial(0, 1.0), trial(1, 1.0), trial(2, 0.5, replaces=0)], before_rounds=1)
        assert [one.seed for one in history.of_search] == [1]
        assert [one.seed for one in history.current] == [2, 1]


class TestSparseCurves:
    """Of trials that do not report the metric at every epoch."""

    def sparse(self, number: int, **values: float | None) -> Trial:
        """values: by "e" and the epoch; None: a report without the metric."""
        curve = tuple(
            Report(int(step[1:]), {"train_loss": 1.0} if value is None else {"val_loss": value})
            for step, value in values.items()
        )
        return replace(trial(number), curve=curve)

    def test_the_last_value_at_or_before_an_epoch_counts(self) -> None:
        one = self.sparse(0, e1=None, e2=0.5, e3=None, e4=0.3, e5=None)
        history = History(LOSS, [one, trial(1, 4.0, 3.0, 2.0)])
        assert [dict(history.losses_at(step)) for step in range(1, 7)] == [
            {1: 4.0},
            {0: 0.5, 1: 3.0},
            {0: 0.5, 1: 2.0},
            {0: 0.3},
            {0: 0.3},
            {},
        ]

    def test_or_the_first_at_or_after_it(self) -> None:
        history = History(LOSS, [self.sparse(0, e2=0.5, e4=0.3, e5=None), trial(1, 4.0, 3.0, 2.0)])
        assert [dict(history.losses_from(step)) for step in range(1, 6)] == [
            {0: 0.5, 1: 4.0},
            {0: 0.5, 1: 3.0},
            {0: 0.3, 1: 2.0},
            {0: 0.3},
            {},
        ]

    def test_epochs_are_counted_by_their_steps(self) -> None:
        history = History(LOSS, [self.sparse(0, e100=0.5, e200=0.3)])
        history.put(self.sparse(1, e50=None))
        assert history.epochs == 250

    @pytest.mark.parametrize("at", ["best", "last"])
    @given(
        values=st.dictionaries(st.integers(1, 12), st.none() | st.floats(allow_nan=True), min_size=1),
        cut=st.integers(0, 12),
    )
    def test_do_not_depend_on_how_a_curve_grew(self, at: str, values: dict[int, float | None], cut: int) -> None:
        objective = Objective("val_loss", "minimize", at=at)  # type: ignore[arg-type]
        one = self.sparse(0, **{f"e{step}": values[step] for step in sorted(values)})
        at_once, in_parts = History(objective, [one]), History(objective, [replace(one, curve=one.curve[:cut])])
        in_parts.put(one)
        for step in range(1, 14):
            assert at_once.losses_at(step) == in_parts.losses_at(step)
            assert at_once.losses_from(step) == in_parts.losses_from(step)
            reported = [report for report in one.curve if report.step <= step and objective.is_in(report)]
            up_to = objective.loss(replace(one, curve=tuple(reported)))
            expected = {0: up_to} if reported and step <= one.epoch else {}
            assert at_once.losses_at(step) == expected


class TestInfeasible:
    def test_no_other_trial_is_compared_with_it(self) -> None:
        history = History(LOSS, [trial(0, 1.0, 0.5), trial(1, 0.1, 0.1, state=State.RUNNING)])
        assert history.losses_at(1) == {0: 1.0, 1: 0.1}
        history.put(trial(1, 0.1, 0.1, 0.1, state=State.INFEASIBLE))
        assert history.losses_at(1) == {0: 1.0}
        assert (history.losses_at(3), history.epochs) == ({}, 5)

    def test_it_has_no_value_and_is_never_best(self) -> None:
        history = History(LOSS, [trial(0, 0.1, state=State.INFEASIBLE)])
        assert (LOSS.value(history[0]), history.best()) == (None, None)
        history.put(trial(1, 9.0))
        assert history.best() == history[1]

    def test_so_many_are_not_counted(self) -> None:
        states = [State.INFEASIBLE, State.COMPLETE, State.INFEASIBLE, State.FAILED, State.INFEASIBLE]
        trials = [trial(number, state=state, ended=number + 1) for number, state in enumerate(states)]
        assert [History(LOSS, trials, uncounted=most).counted for most in (0, 2, 3, 9)] == [5, 3, 2, 2]
        assert History(LOSS, trials, uncounted=9).as_of(1).counted == 4

    def test_it_is_counted_once(self) -> None:
        history = History(LOSS, [trial(0, state=State.INFEASIBLE)], uncounted=9)
        history.put(trial(0, state=State.INFEASIBLE, reason="again"))
        assert history.counted == 0
