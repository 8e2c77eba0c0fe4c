"""Search ranges by the slope of all trials."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from hpsearch.core.constraints import read
from hpsearch.core.trial import Objective, Params, Report, State, Trial
from hpsearch.samplers.recipe.search_ranges import SearchRange, full_ranges, narrowed
from hpsearch.samplers.recipe.slopes import NextRound, RoundEvidence, next_round
from hpsearch.study.space import Choice, Float, Space

LOSS = Objective("val_loss", "minimize")
LR = Float("lr", 1e-6, 1e-4, log=True, expand=True)
DROPOUT = Float("dropout", 0.0, 1.0)
SPACE = Space((LR, DROPOUT))


def trials(loss: Callable[[Params], float], space: Space = SPACE, count: int = 30) -> list[Trial]:
    points = np.random.default_rng(0).random((count, space.dimensions))
    params = [space.from_unit(point.tolist()) for point in points]
    curves = [(Report(1, {"val_loss": loss(one)}),) for one in params]
    return [Trial(n, one, 0, 1, State.PAUSED, curve=c) for n, (one, c) in enumerate(zip(params, curves, strict=True))]


def bowl(centre: float) -> Callable[[Params], float]:
    return lambda params: (math.log10(params["lr"]) - centre) ** 2 + (params["dropout"] - 0.3) ** 2


def following(
    loss: Callable[[Params], float],
    space: Space = SPACE,
    past: Sequence[Sequence[SearchRange]] = (),
    done: Sequence[Trial] = (),
) -> NextRound:
    """The round after one of 30 random trials in the last of the ranges."""
    past = past or [full_ranges(space)]
    done = done or trials(loss, narrowed(space, past[-1]))
    return next_round(space, RoundEvidence(past, LOSS.ranked(done)[:5], done, LOSS.loss, len(done)), 0.1)


@pytest.mark.parametrize("centre", [-2.0, -8.0])
def test_a_range_two_decades_off_moves_to_the_optimum_in_one_step(centre: float) -> None:
    lr = following(bowl(centre)).ranges[0]
    assert lr.moved
    assert math.log10(lr.low) < centre < math.log10(lr.high)
    assert math.log10(lr.high / lr.low) >= 2 - 1e-9


def test_a_range_moves_by_two_widths_at_most() -> None:
    lr = following(bowl(6.0)).ranges[0]
    assert math.log10(lr.low * lr.high) / 2 <= 2 * 2 - 4 + 1e-6


def test_a_range_without_expand_stays_in_the_space() -> None:
    space = Space((Float("lr", 1e-6, 1e-4, log=True), DROPOUT))
    assert following(bowl(-2.0), space).ranges[0].high <= 1e-4 * (1 + 1e-9)


def test_a_refined_range_is_centred_on_the_best_and_narrower_where_the_parameter_matters() -> None:
    lr = following(bowl(-5.0)).ranges[0]
    best = LOSS.ranked(trials(bowl(-5.0)))[0].params["lr"]
    assert math.sqrt(lr.low * lr.high) == pytest.approx(best)
    assert 0.3 * 2 <= math.log10(lr.high / lr.low) + 1e-9 < 2


def test_the_range_reaches_the_vertex_where_the_best_trial_is_elsewhere() -> None:
    """The learning rate decides, so the best dropout is that of the best learning rate, by chance."""
    dropout = following(lambda params: 100 * bowl(-5.0)(params) - 99 * (params["dropout"] - 0.3) ** 2).ranges[1]
    assert dropout.low < 0.3 < dropout.high


def test_while_a_range_moves_the_others_stay() -> None:
    found = following(bowl(-2.0))
    assert found.beyond == ("lr",)
    assert found.ranges[0].moved
    assert (found.ranges[1].low, found.ranges[1].high) == (0.0, 1.0)


@pytest.mark.parametrize("centre", [-2.0, -5.0, -8.0])
def test_the_first_trial_of_a_round_is_the_vertex_of_all_parabolas(centre: float) -> None:
    estimate = following(bowl(centre)).estimate
    assert estimate is not None
    assert math.log10(estimate["lr"]) == pytest.approx(centre)
    assert estimate["dropout"] == pytest.approx(0.3)


def test_without_a_minimum_or_with_a_broken_constraint_there_is_no_estimate() -> None:
    assert following(lambda params: -math.log10(params["lr"])).estimate is None
    assert following(lambda _: 1.0).estimate is None
    bound = Space(SPACE.parameters, constraints=(read("dropout >= 0.5"),))
    assert following(bowl(-5.0), bound, done=trials(bowl(-5.0))).estimate is None


def test_two_ranges_that_miss_the_optimum_move_together() -> None:
    space = Space((LR, Float("decay", 1e-3, 0.1, log=True, expand=True), DROPOUT))
    found = following(lambda params: 4 * bowl(-2.0)(params) + (math.log10(params["decay"]) + 6) ** 2, space)
    assert found.beyond == ("lr", "decay")
    assert found.estimate is not None
    assert math.log10(found.estimate["decay"]) == pytest.approx(-6)


def test_the_slope_is_seen_beside_a_choice_that_matters_more() -> None:
    space = Space((LR, DROPOUT, Choice("kind", ("a", "b"))))
    found = following(lambda params: bowl(-2.0)(params) + 50 * (params["kind"] == "b"), space)
    assert found.estimate is not None
    assert math.log10(found.estimate["lr"]) == pytest.approx(-2)
    assert found.estimate["kind"] == "a"


def test_a_range_on_a_linear_axis_moves() -> None:
    space = Space((Float("x", 0.0, 1.0, expand=True), DROPOUT))
    found = following(lambda params: (params["x"] - 3) ** 2 + params["dropout"], space).ranges[0]
    assert found.low < 3 < found.high


def test_a_range_is_not_narrowed_around_trials_that_pile_up_at_its_end() -> None:
    """So few trials that no slope is significant."""
    done = sorted(trials(bowl(-2.0)), key=lambda one: one.params["lr"])
    done = [*done[:2], *done[-4:-1]]
    seen = RoundEvidence([full_ranges(SPACE)], LOSS.ranked(done)[:3], done, LOSS.loss, 5)
    lr = next_round(SPACE, seen, 0.1).ranges[0]
    assert math.log10(lr.high / lr.low) == pytest.approx(2)
    assert lr.high > 1e-4


def test_a_range_widens_again_where_the_optimum_is_outside_of_a_narrowed_one() -> None:
    full = full_ranges(SPACE)
    narrow = (replace(full[0], low=2e-5, high=4e-5), full[1])
    lr = following(bowl(-5.5), past=[full, narrow]).ranges[0]
    assert lr.low < 10**-5.5 < lr.high
    assert lr.high / lr.low > 2


def test_a_minimum_just_inside_the_edge_is_kept() -> None:
    found = following(bowl(-4.1))
    assert found.ranges[0].low < 10**-4.1 < found.ranges[0].high
    assert found.estimate is not None
    assert math.log10(found.estimate["lr"]) == pytest.approx(-4.1)
