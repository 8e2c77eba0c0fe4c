import math

import pytest

from hpsearch.core.trial import Objective
from hpsearch.doctor.curves import Curves
from hpsearch.doctor.evidence import Change, CurvePoint
from hpsearch.doctor.series import Series, series
from tests.doctor.curve import ACCURACY, LOSS, trial


def of(*values: float) -> Series:
    return Series(tuple(range(1, len(values) + 1)), values)


class TestSeries:
    def test_keeps_what_is_finite_at_its_step(self) -> None:
        assert series([(1, 3.0), (2, math.nan), (4, 1.0), (5, math.inf)]) == Series((1, 4), (3.0, 1.0))
        assert series([(1, math.nan)]) is None
        assert series([]) is None

    @pytest.mark.parametrize(
        ("values", "end"),
        [
            ((3.0,), 3.0),
            ((3.0, 1.0, 2.0, 9.0), 9.0),
            ((*[5.0] * 8, 9.0, 2.0), 5.5),
            ((0.0,) * 95 + (4.0,) * 5, 4.0),
        ],
    )
    def test_end_is_the_median_of_the_last_fifth(self, values: tuple[float, ...], end: float) -> None:
        assert of(*values).end == end

    def test_thirds(self) -> None:
        one = of(9.0, 8.0, 5.0, 6.0, 2.0, 1.0)
        assert [one.third(which) for which in range(3)] == [8.5, 5.5, 1.5]
        assert [of(7.0).third(which) for which in range(3)] == [7.0, 7.0, 7.0]
        assert [of(4.0, 3.0, 2.0, 1.0).third(which) for which in range(3)] == [4.0, 2.5, 1.0]

    def test_points_are_reported_values_near_the_medians(self) -> None:
        one = series(enumerate((3.0, *[5.0] * 7, 9.0, 2.0), start=1), "loss")
        assert one is not None
        assert one.end == 5.5
        assert one.change == Change(CurvePoint("loss", 1, 3.0), CurvePoint("loss", 10, 2.0))
        assert one.third_point(1) == CurvePoint("loss", 7, 5.0)
        assert (one.lowest_point.epoch, one.highest_point.epoch) == (10, 9)

    def test_one_outlier_is_not_the_lowest(self) -> None:
        assert of(5.0, 4.0, 0.1, 4.0, 3.0, 3.0, 3.5).lowest == (4, 3.0)

    def test_jitter_of_a_straight_line_is_none(self) -> None:
        assert of(3.0, 2.0, 1.0, 0.0).jitter == 0
        assert of(1.0, 2.0, 1.0, 2.0).jitter == 1
        assert of(1.0, 2.0).jitter == 0

    def test_value_between_reports_is_the_one_before(self) -> None:
        one = Series((5, 10), (2.0, 1.0))
        assert [one.at(step) for step in (1, 5, 9, 10, 99)] == [2.0, 2.0, 2.0, 1.0, 1.0]


class TestCurves:
    def test_are_found_by_name(self) -> None:
        found = Curves.of(
            trial(
                train_loss=[2.0, 1.0],
                val_loss=[2.5, 1.5],
                lr=[0.1, 0.01],
                grad_norm=[1.0, 1.0],
                grad_norm__out=[0.5, 0.5],
                update_ratio=[1e-3, 1e-5],
                train_accuracy=[0.1, 0.9],
                val_accuracy=[0.2, 0.7],
                examples_per_second=[9.0, 9.0],
            ),
            LOSS,
        )
        assert (found.start, found.scale, found.peak_rate) == (2.5, 2.5, 0.1)
        assert list(found.layers) == ["grad_norm/out"]
        assert [one.name for one in found.fractions] == ["val_accuracy", "train_accuracy"]
        assert found.fraction == 0.9
        assert found.fraction_gap == pytest.approx(0.2)
        assert found.weights is None

    def test_update_size_is_that_of_the_highest_learning_rates(self) -> None:
        many = trial(
            val_loss=[1.0] * 6, lr=[0.1, 0.1, 0.001, 0.001, 0.001, 0.001], update_ratio=[0.2, 0.3, *[1e-6] * 4]
        )
        assert Curves.of(many, LOSS).update_size == 0.25

    def test_learning_rate_may_be_a_parameter(self) -> None:
        assert Curves.of(trial(val_loss=[1.0], params={"lr": 0.5}), LOSS).peak_rate == 0.5
        assert Curves.of(trial(val_loss=[1.0], params={"lr": "auto"}), LOSS).peak_rate is None

    def test_loss_of_a_fraction_is_its_difference_to_1(self) -> None:
        found = Curves.of(trial(val_accuracy=[0.25, 0.75]), ACCURACY)
        assert [one.values for one in found.losses] == [(0.75, 0.25)]
        assert [one.reported for one in found.losses] == [(0.25, 0.75)]
        assert found.losses[0].lowest_point == CurvePoint("val_accuracy", 2, 0.75)

    def test_a_maximised_metric_is_negated(self) -> None:
        found = Curves.of(trial(reward=[-5.0, 20.0]), Objective("reward", "maximize"))
        assert (found.start, found.scale) == (5.0, 25.0)

    def test_a_percentage_is_compared_as_a_fraction_and_shown_as_reported(self) -> None:
        (found,) = Curves.of(trial(val_loss=[1.0], val_accuracy=[98.5]), LOSS).fractions
        assert (found.values, found.end_point.value) == ((0.985,), 98.5)
        assert Curves.of(trial(val_loss=[1.0], val_accuracy=[198.5]), LOSS).fractions == []

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_first_loss_that_is_not_finite(self, bad: float) -> None:
        found = Curves.of(trial(val_loss=[1.0, 2.0, bad], size=[math.inf, 1.0, 1.0]), LOSS)
        assert found.broken is not None
        assert (found.broken[0], found.broken[2]) == ("val_loss", 3)

    def test_a_loss_that_was_not_measured_is_not_broken(self) -> None:
        nan = math.nan
        assert Curves.of(trial(val_loss=[1.0, 0.5], kl_loss=[nan, nan], train_loss=[nan, 1.0]), LOSS).broken is None
        broken = Curves.of(trial(val_loss=[1.0, 0.5, 0.4], kl_loss=[0.1, nan, nan]), LOSS).broken
        assert broken is not None
        assert broken[::2] == ("kl_loss", 2)

    def test_of_nothing(self) -> None:
        found = Curves.of(trial(), LOSS)
        assert (found.epochs, found.last, list(found.losses), found.scale) == (0, 0, [], 1e-12)
