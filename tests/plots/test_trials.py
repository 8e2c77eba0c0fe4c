"""The plots of curves contain the right data; their look is not tested."""

import math
from collections.abc import Sequence

from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.plots import trials as of_trials
from tests.plots.made import LOSS, trial

LAST = Objective("val_loss", "minimize", at="last")


def caption_of(ranked: Sequence[Trial]) -> str:
    return of_trials.curves_caption(of_trials.curves(ranked, [], LOSS), ranked, [])


class TestCurves:
    def test_the_best_have_a_name_and_the_others_are_behind_them(self) -> None:
        ranked = [trial(number, 1.0 + number, 0.5 + number) for number in range(7)]
        figure = of_trials.curves(ranked, [trial(7, 9.0)], LOSS)
        behind, *best = figure.data
        assert [trace.name for trace in best] == [f"trial {number}" for number in (4, 3, 2, 1, 0)]
        assert list(best[-1].x) == [1, 2]
        assert list(best[-1].y) == [1.0, 0.5]
        assert list(behind.y) == [6.0, 5.5, None, 7.0, 6.5, None, 9.0, None]

    def test_many_trials_and_long_curves_are_thinned_and_the_caption_says_so(self) -> None:
        long = [3.0] * 3_000
        long[1_234] = 0.1
        ranked = [trial(0, *long), *(trial(number, 1.0) for number in range(1, 500))]
        best = of_trials.curves(ranked, [], LOSS).data[-1]
        assert len(best.x) <= of_trials.MAX_POINTS + 2
        assert {1, 1_235, 3_000} <= set(best.x)
        behind = of_trials.curves(ranked, [], LOSS).data[0]
        assert len(set(behind.text) - {""}) == of_trials.MAX_CURVES - of_trials.NAMED
        caption = caption_of(ranked)
        assert caption.startswith("The best 5 trials in colour, the others in grey. 200 of 500 trials are shown: ")
        assert "about 200 points" in caption

    def test_a_few_are_all_drawn_without_a_caption(self) -> None:
        assert caption_of([trial(0, 1.0), trial(1, 2.0)]) == ""

    def test_the_caption_names_outliers_only_where_some_are_cut_off(self) -> None:
        ranked = [trial(number, 1.0 + number / 10, 0.5 + number / 10) for number in range(10)]
        colours = "The best 5 trials in colour, the others in grey."
        assert caption_of(ranked) == colours
        assert caption_of([*ranked, trial(10, 1e9)]) == f"{colours} Outliers are cut off: double-click to show them."

    def test_a_value_that_is_not_finite_is_a_gap(self) -> None:
        figure = of_trials.curves([], [trial(0, 1.0, math.nan, math.inf)], LOSS)
        assert list(figure.data[0].y) == [1.0, None, None, None]

    def test_a_trial_that_exploded_does_not_flatten_the_others(self) -> None:
        ranked = [trial(number, 1.0 + number / 10, 0.5 + number / 10) for number in range(10)]
        low, high = of_trials.curves([*ranked, trial(10, 1e9)], [], LOSS).layout.yaxis.range
        assert low < 0.5
        assert 2.0 < high < 10.0


class TestLosses:
    def test_only_where_both_were_reported(self) -> None:
        both = Trial(0, {}, 0, 2, curve=(Report(1, {"train_loss": 1.0, "val_loss": 2.0}),))
        assert of_trials.has_losses(both)
        assert not of_trials.has_losses(trial(0, 1.0))
        figure = of_trials.losses(both, LOSS)
        assert {trace.name: list(trace.y) for trace in figure.data} == {"train_loss": [1.0], "val_loss": [2.0]}
        assert figure.layout.shapes[0].x0 == 1


class TestAnytime:
    def test_epochs_count_in_the_order_of_their_reports(self) -> None:
        first, second = trial(0, 3.0, 2.0, 1.0, begins=10), trial(1, 2.5, 9.0, begins=11)
        found = list(of_trials.improvements([first, second], [first, second], LOSS))
        assert [(count, value) for count, value, _ in found] == [(1, 3.0), (2, 2.0), (4, 1.0)]
        assert found[-1][2] == "trial 0, epoch 3"

    def test_failed_trials_count_as_epochs_without_a_value(self) -> None:
        failed, good = trial(0, 0.1, 0.1, state=State.FAILED), trial(1, 2.0, begins=5)
        assert [count for count, _, _ in of_trials.improvements([failed, good], [good], LOSS)] == [3]

    def test_a_trial_judged_by_its_last_epoch_counts_from_then_on(self) -> None:
        trials = [trial(0, 0.5, 1.0, 3.0), trial(1, 2.0, begins=10)]
        assert [value for _, value, _ in of_trials.improvements(trials, trials, LAST)] == [3.0, 2.0]

    def test_a_mean_of_the_last_epochs_counts_from_then_on(self) -> None:
        trials = [trial(0, 0.5, 1.0, 3.0), trial(1, 2.5, begins=10)]
        mean = Objective("val_loss", "minimize", at="mean of last 2")
        assert [value for _, value, _ in of_trials.improvements(trials, trials, mean)] == [2.0]

    def test_a_metric_that_is_maximised_rises(self) -> None:
        trials = [trial(0, 0.5, 0.4, 0.7)]
        best = of_trials.improvements(trials, trials, Objective("val_loss", "maximize"))
        assert [value for _, value, _ in best] == [0.5, 0.7]

    def test_a_first_value_that_is_an_outlier_is_cut_off(self) -> None:
        trials = [trial(0, 1e9, 3.0, 2.5, 2.0, 1.9, 1.8, 1.7, 1.6)]
        low, high = of_trials.anytime(trials, trials, LOSS).layout.yaxis.range
        assert low < 1.6
        assert 3.0 < high < 10.0

    def test_the_line_goes_on_to_the_end(self) -> None:
        trials = [trial(0, 0.5, 0.6, 0.7)]
        assert list(of_trials.anytime(trials, trials, LOSS).data[0].x) == [1, 3]
