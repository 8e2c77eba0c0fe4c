"""Search ranges by the slope of all trials."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from hpsearch.core.trial import Objective, Params, Report, State, Trial
from hpsearch.samplers.recipe.search_ranges import SearchRange, full_ranges, trends_in
from hpsearch.samplers.recipe.slopes import others_stay, parabolas, ranges_by_slope
from hpsearch.study.space import Float, Space

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
    loss: Callable[[Params], float], space: Space = SPACE, before: Sequence[Sequence[SearchRange]] = ()
) -> tuple[SearchRange, ...]:
    done, current = trials(loss, space), full_ranges(space)
    best = [one.params for one in LOSS.ranked(done)[:5]]
    given = (space, current, best, len(done), 0.1, trends_in(space, done, LOSS.loss))
    return ranges_by_slope(*given, before or [current], done, LOSS.loss)


@pytest.mark.parametrize("centre", [-2.0, -8.0])
def test_a_range_two_decades_off_moves_to_the_optimum_in_one_step(centre: float) -> None:
    lr = following(bowl(centre))[0]
    assert lr.moved
    assert math.log10(lr.low) < centre < math.log10(lr.high)
    assert math.log10(lr.high / lr.low) >= 2 - 1e-9


def test_a_range_moves_by_two_widths_at_most() -> None:
    lr = following(bowl(6.0))[0]
    assert math.log10(lr.low * lr.high) / 2 <= 2 * 2 - 4 + 1e-6


def test_a_range_without_expand_stays_in_the_space() -> None:
    space = Space((Float("lr", 1e-6, 1e-4, log=True), DROPOUT))
    assert following(bowl(-2.0), space)[0].high <= 1e-4 * (1 + 1e-9)


def test_a_refined_range_is_centred_on_the_best_and_narrower_where_the_parameter_matters() -> None:
    lr = following(bowl(-5.0))[0]
    best = LOSS.ranked(trials(bowl(-5.0)))[0].params["lr"]
    assert math.sqrt(lr.low * lr.high) == pytest.approx(best)
    assert 0.3 * 2 <= math.log10(lr.high / lr.low) + 1e-9 < 2


def test_the_range_reaches_the_vertex_where_the_best_trial_is_elsewhere() -> None:
    """The learning rate decides, so the best dropout is that of the best learning rate, by chance."""
    dropout = following(lambda params: 100 * bowl(-5.0)(params) - 99 * (params["dropout"] - 0.3) ** 2)[1]
    assert dropout.low < 0.3 < dropout.high


def test_while_a_range_moves_the_others_stay() -> None:
    current = full_ranges(SPACE)
    found, beyond = others_stay(SPACE, current, following(bowl(-2.0)), [current])
    assert beyond == ("lr",)
    assert found[0].moved
    assert (found[1].low, found[1].high) == (0.0, 1.0)


def test_parameters_are_fitted_together() -> None:
    done = trials(bowl(-5.0))
    places = {
        "lr": [math.log(one.params["lr"]) for one in done],
        "dropout": [float(one.params["dropout"]) for one in done],
    }
    fits = parabolas(places, [LOSS.loss(one) for one in done])
    assert fits["lr"].vertex == pytest.approx(math.log(1e-5))
    assert fits["dropout"].vertex == pytest.approx(0.3)


def test_diverged_trials_constant_losses_and_few_trials_have_no_parabola_or_no_minimum() -> None:
    places = [float(place) for place in range(10)]
    assert parabolas({"x": places}, [math.inf] * 10) == {}
    assert parabolas({"x": places[:3]}, [1.0, 0.5, 1.0]) == {}
    assert parabolas({"x": [1.0] * 10}, places) == {}
    assert parabolas({"x": places}, [1.0] * 10)["x"].bend < 2
    assert parabolas({"x": [None] * 5 + places[:5]}, places) == {}
