import math
from dataclasses import replace

import pytest

from hpsearch.core.trial import Plain, Trial
from hpsearch.samplers.recipe.search_ranges import (
    SearchRange,
    full_ranges,
    is_outside,
    narrowed,
    next_ranges,
    relative_position,
    shifted,
    trends_in,
)
from hpsearch.study.space import Choice, Float, Int, Parameter, Space
from tests.doctor.curve import LOSS, trial


def after(
    parameter: Parameter, *best: Plain, current: tuple[float, float] | None = None, margin: float = 0.1
) -> SearchRange:
    """The next range of a space with one parameter. best: values, the best first."""
    space = Space((parameter,))
    low, high = current or (full_ranges(space)[0].low, full_ranges(space)[0].high)
    one = SearchRange(parameter.name, low, high, moved=False, reason="")
    return next_ranges(space, [one], [{parameter.name: value} for value in best], among=24, margin=margin)[0]


def ends(one: SearchRange) -> list[float]:
    return [one.low, one.high]


def test_the_first_ranges_are_those_of_the_numeric_parameters() -> None:
    space = Space((Float("lr", 1e-5, 1.0, log=True), Choice("optimizer", ("sgd", "adam")), Int("hidden", 16, 256)))
    assert [(one.name, one.low, one.high) for one in full_ranges(space)] == [("lr", 1e-5, 1.0), ("hidden", 16, 256)]
    assert narrowed(space, full_ranges(space)) == space


def test_a_range_narrows_to_the_best_with_a_margin_of_its_width() -> None:
    one = after(Float("dropout", 0.0, 1.0), 0.4, 0.3, 0.5)
    assert ends(one) == pytest.approx([0.2, 0.6])
    assert not one.moved


def test_lengths_are_logarithms_where_log() -> None:
    one = after(Float("lr", 1e-4, 1.0, log=True), 1e-2, 1e-2)
    assert ends(one) == pytest.approx([10**-2.4, 10**-1.6])


def test_a_narrowed_range_stays_within_the_bounds() -> None:
    parameter = Float("lr", 1e-5, 1.0, log=True)
    assert after(parameter, 0.1, 0.9).high == 1.0
    assert after(parameter, 1e-4, 1.1e-5).low == 1e-5


def test_a_range_inside_the_bounds_moves_and_keeps_its_width() -> None:
    one = after(Float("dropout", 0.0, 1.0), 0.595, 0.45, current=(0.4, 0.6))
    assert ends(one) == pytest.approx([0.495, 0.695])
    assert one.moved


def test_a_best_trial_of_an_earlier_round_outside_the_range_moves_it_there() -> None:
    assert ends(after(Float("dropout", 0.0, 1.0), 0.8, current=(0.4, 0.6))) == pytest.approx([0.7, 0.9])


def test_a_moved_range_is_shifted_into_the_bounds() -> None:
    assert ends(after(Float("dropout", 0.0, 1.0), 0.98, current=(0.78, 0.98))) == pytest.approx([0.8, 1.0])


def test_against_a_hard_bound_it_is_half_as_wide() -> None:
    assert ends(after(Float("dropout", 0.0, 1.0), 0.99, 0.2)) == pytest.approx([0.5, 1.0])
    assert ends(after(Float("dropout", 0.0, 1.0), 0.0, 0.2)) == pytest.approx([0.0, 0.5])
    # At the inner edge of a range that ends at a bound on its other side there is room to move.
    assert ends(after(Float("dropout", 0.0, 1.0), 0.39, current=(0.0, 0.4))) == pytest.approx([0.19, 0.59])


def test_with_expand_it_goes_past_the_bound_by_the_same_factor() -> None:
    one = after(Float("lr", 1e-4, 1e-2, log=True, expand=True), 1e-2, 1e-3)
    assert ends(one) == pytest.approx([1e-3, 1e-1])
    assert ends(after(Int("hidden", 16, 256, log=True, expand=True), 256)) == [64, 1024]
    # The next round may stay outside.
    inside = after(Float("lr", 1e-4, 1e-2, log=True, expand=True), 3e-2, 5e-2, current=(1e-3, 1e-1))
    assert inside.high > 5e-2


@pytest.mark.parametrize(
    ("parameter", "best", "lowest"),
    [
        (Int("layers", 1, 4, log=True, expand=True), 1, 1),
        (Int("layers", 2, 6, expand=True), 2, 1),
        (Int("layers", 0, 4, expand=True), 0, 0),
        (Float("dropout", 0.1, 0.6, expand=True), 0.1, 0.0),
        (Float("shift", -1.0, 1.0, expand=True), -1.0, -2.0),
    ],
)
def test_positive_bounds_stay_positive(parameter: Parameter, best: float, lowest: float) -> None:
    assert after(parameter, best).low == lowest


def test_ints_and_steps_are_rounded_outwards_to_what_they_can_be() -> None:
    one = after(Int("hidden", 16, 256, log=True), 60, 50, 70)
    assert ends(one) == [int(one.low), int(one.high)]
    assert all(isinstance(end, int) for end in ends(one))
    assert one.low <= 50 / 16**0.1
    assert one.high >= 70 * 16**0.1
    assert ends(after(Int("batch", 0, 100, step=10), 40, 50)) == [30, 60]
    assert ends(after(Float("dropout", 0.0, 0.6, step=0.1), 0.3, 0.3)) == [0.2, 0.4]


def test_a_parameter_that_the_best_do_not_use_or_without_width_keeps_its_range() -> None:
    space = Space((Choice("optimizer", ("sgd", "adam")), Float("momentum", 0.0, 0.9, when={"optimizer": ("sgd",)})))
    one = next_ranges(space, full_ranges(space), [{"optimizer": "adam"}], among=9, margin=0.1)[0]
    assert ends(one) == [0.0, 0.9]
    assert ends(after(Float("dropout", 0.5, 0.5), 0.5)) == [0.5, 0.5]


def test_a_conditional_parameter_follows_the_best_that_use_it() -> None:
    space = Space((Choice("optimizer", ("sgd", "adam")), Float("momentum", 0.0, 1.0, when={"optimizer": ("sgd",)})))
    best: list[dict[str, Plain]] = [{"optimizer": "adam"}, {"optimizer": "sgd", "momentum": 0.5}]
    assert ends(next_ranges(space, full_ranges(space), best, among=9, margin=0.1)[0]) == pytest.approx([0.4, 0.6])


def test_the_narrowed_space_draws_from_the_ranges_only() -> None:
    space = Space((Float("lr", 1e-5, 1.0, log=True), Choice("norm", (True, False)), Int("hidden", 16, 256, log=True)))
    best: list[dict[str, Plain]] = [{"lr": 1e-3, "norm": True, "hidden": 64}, {"lr": 3e-3, "norm": True, "hidden": 80}]
    ranges = next_ranges(space, full_ranges(space), best, among=8, margin=0.05)
    for corner in (0.0, 1.0):
        params = narrowed(space, ranges).from_unit([corner] * 3)
        assert space.contains(params)
        assert math.isclose(params["lr"], ranges[0].high if corner else ranges[0].low)
        assert params["hidden"] == (ranges[1].high if corner else ranges[1].low)
    assert {narrowed(space, ranges).from_unit([0.5, u, 0.5])["norm"] for u in (0.1, 0.9)} == {True, False}


LR = Float("lr", 1e-4, 1e-2, log=True, expand=True)


def one(low: float, high: float, name: str = "lr") -> SearchRange:
    return SearchRange(name, low, high, moved=False, reason="")


def test_a_relative_position_is_on_the_axis_as_it_is_searched() -> None:
    assert relative_position(LR, one(1e-4, 1e-2), 1e-3) == pytest.approx(0.5)
    assert relative_position(LR, one(1e-3, 1e-3), 1e-3) == 0.5


def test_a_shift_is_a_fraction_of_the_width() -> None:
    up = shifted(LR, one(1e-4, 1e-2), 0.5, "lr too low")
    assert ends(up) == pytest.approx([1e-3, 1e-1])
    assert up.moved
    assert ends(shifted(LR, one(1e-4, 1e-2), -0.5, "lr too high")) == pytest.approx([1e-5, 1e-3])


def test_a_widened_range_keeps_its_other_end() -> None:
    dropout = Float("dropout", 0.0, 0.8)
    widened = shifted(dropout, one(0.1, 0.5, "dropout"), 0.5, "overfitting", widened=True)
    assert ends(widened) == pytest.approx([0.1, 0.7])
    assert ends(shifted(dropout, one(0.3, 0.7, "dropout"), 0.5, "overfitting", widened=True)) == [0.3, 0.8]


def test_a_shift_ends_at_a_hard_bound() -> None:
    bound = Float("lr", 1e-4, 1e-2, log=True)
    stuck = shifted(bound, one(1e-3, 1e-2), 0.5, "lr too low")
    assert ends(stuck) == [1e-3, 1e-2]
    assert not stuck.moved


def test_a_range_is_outside_where_no_earlier_one_was() -> None:
    before = [one(1e-4, 1e-2), one(1e-3, 1e-2)]
    assert not is_outside(LR, one(1e-4, 1e-3), before), "it was searched before the range narrowed"
    assert not is_outside(LR, one(1e-3, 1.1e-2), before), "by less than EDGE"
    assert is_outside(LR, one(1e-3, 1e-1), before)
    assert is_outside(LR, one(1e-6, 1e-3), before)


def test_every_range_has_its_reason() -> None:
    dropout, space = Float("dropout", 0.0, 1.0), Space((Float("lr", 1e-5, 1.0, log=True),))
    narrowed, moved = after(dropout, 0.4, 0.3, 0.5), after(dropout, 0.595, 0.45, current=(0.4, 0.6))
    unused = next_ranges(space, full_ranges(space), [{}], among=9, margin=0.1)[0]
    up = shifted(LR, one(1e-4, 1e-2), 0.5, "lr too low")
    stuck = shifted(Float("lr", 1e-4, 1e-2, log=True), one(1e-3, 1e-2), 0.5, "low")
    assert [one.reason for one in (*full_ranges(space), narrowed, moved, unused, up, stuck)] == [
        "lr: full range [1e-05, 1]",
        "dropout: range [0.2, 0.6] around the best 3 of 24 trials (was [0, 1])",
        "dropout: range moved from [0.4, 0.6] to [0.495, 0.695] (the best value, 0.595, is at its edge)",
        "lr: range stays [1e-05, 1] (not active in the best 1 of 9 trials)",
        "lr: range moved from [0.0001, 0.01] to [0.001, 0.1] (lr too low)",
        "lr: range stays [0.001, 0.01], because it ends at the bound of the space (low)",
    ]


WIDE = Space((Float("lr", 1e-6, 1e-4, log=True, expand=True),))


def rated(*rates: float) -> list[Trial]:
    return [trial(number, params={"lr": rate}, val_loss=[-rate]) for number, rate in enumerate(rates)]


def test_results_that_improve_up_to_an_end_move_the_range_beyond_it() -> None:
    trials = rated(*(10 ** (-6 + step / 4) for step in range(9)))
    trends = trends_in(WIDE, trials, LOSS.loss)
    assert trends == {"lr": 1}
    best = [trials[-1].params, trials[-2].params, trials[-3].params]
    (found,) = next_ranges(WIDE, full_ranges(WIDE), best, 9, 0.1, trends)
    assert found.moved
    assert (found.low, found.high) == (pytest.approx(10**-4.2), pytest.approx(10**-2.2))


def test_not_where_an_earlier_round_has_searched() -> None:
    now = replace(full_ranges(WIDE)[0], low=1e-5, high=1e-3)
    earlier = replace(full_ranges(WIDE)[0], low=1e-7, high=1e-5)
    (found,) = next_ranges(WIDE, [now], [{"lr": 2e-5}], 9, 0.1, {"lr": -1}, [[earlier], [now]])
    assert found.low > 1e-5


def test_not_past_a_bound_that_does_not_expand() -> None:
    hard = Space((Float("lr", 1e-6, 1e-4, log=True),))
    (found,) = next_ranges(hard, full_ranges(hard), [{"lr": 8e-5}], 9, 0.1, {"lr": 1})
    assert found.high <= 1e-4


def test_on_a_logit_scale_a_range_moves_towards_1_and_stays_below_it() -> None:
    momentum = Float("momentum", 0.5, 0.9, scale="logit", expand=True)
    moved = after(momentum, 0.899)
    assert moved.moved
    assert 0.5 < moved.low < 0.899 < moved.high < 1.0
    width = momentum.line.to_line(moved.high) - momentum.line.to_line(moved.low)
    assert width == pytest.approx(momentum.line.to_line(0.9) - momentum.line.to_line(0.5))
