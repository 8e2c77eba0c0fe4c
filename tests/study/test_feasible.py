"""Points that fulfil constraints."""

import numpy as np
import pytest

from hpsearch.core.constraints import read
from hpsearch.study import feasible
from hpsearch.study.grid_counts import grid_size
from hpsearch.study.space import Choice, Float, Int, Space


def space(*constraints: str) -> Space:
    return Space(
        (
            Float("a", 0.0, 1.0),
            Float("b", 0.0, 1.0),
            Int("batch", 1, 256),
            Int("accumulate", 1, 256),
            Choice("opt", ("sgd", "adam")),
            Float("momentum", 0.0, 1.0, when={"opt": ("sgd",)}),
        ),
        constraints=tuple(map(read, constraints)),
    )


ALL = space("a + b <= 0.5", "batch * accumulate == 256", "opt != 'sgd' or momentum > 0.2")


def test_random_points_are_feasible_and_spread():
    generator = np.random.default_rng(1)
    found = [feasible.draw(ALL, generator) for _ in range(100)]
    assert all(one is not None and ALL.contains(one) for one in found)
    assert {one["batch"] for one in found if one} == {2**i for i in range(9)}
    assert {one["opt"] for one in found if one} == {"sgd", "adam"}


def test_random_points_are_uniform_in_the_feasible_part():
    """In the triangle a + b <= 1 the mean of each coordinate is 1/3, with a standard deviation of sqrt(1/18)."""
    generator = np.random.default_rng(2)
    drawn = [feasible.draw(space("a + b <= 1"), generator) or {} for _ in range(2_000)]
    assert abs(np.mean([one["a"] for one in drawn]) - 1 / 3) < 5 * (1 / 18 / 2_000) ** 0.5


@pytest.mark.parametrize(
    ("text", "a", "b", "most"),
    [("a + b <= 0.5", 0.5, 0.5, 0.4), ("a >= 0.9", 0.1, 0.7, 0.85)],
)
def test_the_nearest_point(text, a, b, most):
    own = space(text)
    params = {**own.middle(), "a": a, "b": b}
    found = feasible.nearest(own, params, np.random.default_rng(0))
    assert own.contains(found)
    assert np.hypot(found["a"] - a, found["b"] - b) <= most
    assert {name: found[name] for name in ("batch", "opt")} == {name: params[name] for name in ("batch", "opt")}


def test_a_known_point_leads_to_a_near_one():
    own = space("a + b <= 0.001")
    start, known = {**own.middle(), "a": 0.9, "b": 0.0}, {**own.middle(), "a": 0.0, "b": 0.0}
    found = feasible.nearest(own, start, np.random.default_rng(0), [known])
    assert own.contains(found)


def test_the_nearest_of_few_combinations():
    own = space("batch * accumulate == 256")
    found = feasible.nearest(own, {**own.middle(), "batch": 30, "accumulate": 9}, np.random.default_rng(0))
    assert (found["batch"], found["accumulate"]) == (32, 8)


def test_the_centre():
    assert ALL.contains(feasible.centre(ALL))
    assert feasible.centre(space()) == space().middle()


def test_the_share():
    assert feasible.share(space("a + b <= 1")).value == pytest.approx(0.5, abs=5 * (0.25 / feasible.SHARE_DRAWS) ** 0.5)
    assert feasible.share(space("a <= 2")).value == 1.0
    independent = feasible.share(space("a <= 0.5", "b <= 0.5")).value
    assert independent == pytest.approx(0.25, abs=0.02)


def test_what_is_impossible():
    assert feasible.impossible(ALL) == ()
    assert feasible.impossible(space("batch * accumulate == 65537")) == (read("batch * accumulate == 65537"),)
    assert feasible.impossible(space("a > 2", "b <= 1")) == (read("a > 2"),)
    assert set(feasible.impossible(space("a > 0.7", "b > a", "b < 0.6"))) == {
        read("a > 0.7"),
        read("b > a"),
        read("b < 0.6"),
    }


def test_a_grid_leaves_out():
    own = Space((Int("x", 1, 4), Int("y", 1, 4)), constraints=(read("x * y == 4"),))
    assert list(own.grid()) == [{"x": 1, "y": 4}, {"x": 2, "y": 2}, {"x": 4, "y": 1}]
    assert grid_size(own) == 3
