"""Parameters, conditions, the unit cube and the grid."""

import math
import pickle
from dataclasses import replace
from itertools import islice, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.study.grid_counts import grid_size
from hpsearch.study.space import Choice, Float, Int, Parameter, Space, is_active, offers

UNIT = st.floats(0, 1)


# Strategies ──────────────────────────────────────────────────────────────────────────────────────


@st.composite
def floats(draw: st.DrawFn, name: str = "x") -> Float:
    """Ordinary ranges: at least a thousandth wide, linear or over up to sixteen decades, some with a step."""
    kind = draw(st.sampled_from(["linear", "log", "step"]))
    if kind == "log":
        low = draw(st.floats(1e-8, 1.0))
        return Float(name, low, low * draw(st.floats(1.1, 1e8)), log=True)
    if kind == "step":
        step, low = draw(st.integers(1, 50)), draw(st.integers(-100, 100))
        return Float(name, low / 10, (low + step * draw(st.integers(0, 12))) / 10, step=step / 10)
    low = draw(st.floats(-1e3, 1e3))
    return Float(name, low, low + draw(st.floats(1e-3, 1e3)))


@st.composite
def ints(draw: st.DrawFn, name: str = "x", widest: int = 300) -> Int:
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -100, 100))
    step = None if log else draw(st.sampled_from([None, 1, 3]))
    return Int(name, low, low + (step or 1) * draw(st.integers(0, widest // 3)), log=log, step=step)


def choices(name: str = "x") -> st.SearchStrategy[Choice]:
    values = st.lists(st.sampled_from(["a", "b", "", 2, 0.5, True, False]), min_size=1, max_size=5, unique=True)
    return values.map(lambda some: Choice(name, tuple(some)))


@st.composite
def spaces(draw: st.DrawFn, discrete: bool = False) -> Space:
    """Up to five parameters, each of which may ask for values of those before it. discrete: none is a continuum."""
    fixed = {"batch": 64} if draw(st.booleans()) else {}
    made: list[Parameter] = []
    for i in range(draw(st.integers(0, 5))):
        name = f"p{i}"
        kinds = [ints(name, 12), choices(name), *([] if discrete else [floats(name)])]
        one = draw(st.one_of(kinds))
        asked = [before for before in made if isinstance(before, Choice)]
        if asked and draw(st.booleans()):
            other = draw(st.sampled_from(asked))
            allowed = draw(st.lists(st.sampled_from(other.values), min_size=1, max_size=2, unique=True))
            one = replace(one, when={other.name: tuple(allowed)})
        made.append(one)
    return Space(tuple(made), fixed)


# Floats ──────────────────────────────────────────────────────────────────────────────────────────


@given(floats(), UNIT)
def test_a_float_lies_in_its_bounds(parameter, u):
    value = parameter.from_unit(u)
    assert type(value) is float
    assert parameter.low <= value <= parameter.high


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False), UNIT)
def test_extreme_bounds_hold_too(one, other, u):
    low, high = sorted((one, other))
    if math.isinf(high - low):
        return  # a study file is refused that asks for it
    assert low <= Float("x", low, high).from_unit(u) <= high
    if low > 0:
        assert low <= Float("x", low, high, log=True).from_unit(u) <= high


@given(floats(), UNIT)
def test_a_float_maps_back(parameter, u):
    value = parameter.from_unit(u)
    back = parameter.to_unit(value)
    if parameter.step is not None or parameter.low == parameter.high:
        assert 0 < back < 1
        assert parameter.from_unit(back) == value
    else:
        # An ulp of a bound (at most 2e3) over the least width (1e-3), twice; logs lose less.
        assert back == pytest.approx(u, abs=4 * math.ulp(2e3) / 1e-3)


def test_a_log_uniform_float_has_the_same_share_in_every_decade():
    lr = Float("lr", 1e-4, 1.0, log=True)
    assert [lr.from_unit(k / 4) for k in range(5)] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0], rel=1e-12)
    assert [lr.to_unit(10.0**k) for k in range(-4, 1)] == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=1e-12)


def test_outside_its_bounds_a_value_lies_outside_the_unit():
    assert Float("x", 1.0, 3.0).to_unit(4.0) == 1.5
    assert Float("x", 0.01, 1.0, log=True).to_unit(0.001) == pytest.approx(-0.5)


def test_steps_are_decimals():
    assert tuple(Float("x", 0.0, 0.6, step=0.1).grid_values()) == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert tuple(Float("x", -0.3, 0.3, step=0.1).grid_values()) == (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
    assert tuple(Float("x", 1e12, 1e12 + 1, step=0.5).grid_values()) == (1e12, 1e12 + 0.5, 1e12 + 1)


@given(floats().filter(lambda parameter: parameter.step is not None))
def test_every_step_has_an_equal_share(parameter):
    count = parameter.count
    assert [parameter.from_unit((i + 0.5) / count) for i in range(count)] == list(parameter.grid_values())
    assert parameter.from_unit(1.0) == parameter.high


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (Float("x", 0.0, 1.0), ()),
        (Float("x", 2.0, 2.0), (2.0,)),
        (Float("x", 0.0, 1.0, points=5), (0.0, 0.25, 0.5, 0.75, 1.0)),
        (Float("x", 1e-3, 1.0, log=True, points=4), (1e-3, 1e-2, 1e-1, 1.0)),
        (Float("x", 0.0, 1.0, grid=(0.1, 0.9)), (0.1, 0.9)),
        (Int("x", 2, 8, step=3), (2, 5, 8)),
        (Int("x", 1, 3), (1, 2, 3)),
        (Int("x", 1, 1000, log=True, points=4), (1, 10, 100, 1000)),
        (Int("x", 1, 3, points=9), (1, 2, 3)),
        (Int("x", 1, 9, grid=(4, 1)), (4, 1)),
        (Choice("x", ("b", "a")), ("b", "a")),
    ],
)
def test_values_in_a_grid(parameter, values):
    found = parameter.grid_values()
    assert found == (values if isinstance(parameter, Choice) else pytest.approx(values, rel=1e-12))


# Integers ────────────────────────────────────────────────────────────────────────────────────────


@given(ints(), UNIT)
def test_an_integer_lies_in_its_bounds_and_on_its_steps(parameter, u):
    value = parameter.from_unit(u)
    assert type(value) is int
    assert value in range(parameter.low, parameter.high + 1, parameter.step or 1)


@given(ints())
def test_every_integer_maps_back(parameter):
    values = [parameter.from_unit(parameter.to_unit(value)) for value in parameter.grid_values()]
    assert values == list(parameter.grid_values())


@given(ints(), UNIT, UNIT)
def test_an_integer_rises_with_its_coordinate(parameter, one, other):
    low, high = sorted((one, other))
    assert parameter.from_unit(low) <= parameter.from_unit(high)


@given(ints().filter(lambda parameter: not parameter.log))
def test_every_integer_has_an_equal_share(parameter):
    count = parameter.count
    drawn = [parameter.from_unit((i + 0.5) / count) for i in range(count)]
    assert drawn == list(parameter.grid_values())
    assert (parameter.from_unit(0.0), parameter.from_unit(1.0)) == (parameter.low, parameter.high)


def test_a_log_uniform_integer_has_the_share_of_its_neighbourhood():
    units = Int("units", 1, 8, log=True)
    whole = math.log(8.5) - math.log(0.5)
    edges = [(math.log(v + 0.5) - math.log(0.5)) / whole for v in range(1, 8)]
    for value, edge in enumerate(edges, start=1):
        assert units.from_unit(edge - 1e-9) == value
        assert units.from_unit(edge + 1e-9) == value + 1
    shares = [b - a for a, b in pairwise([0, *edges, 1])]
    assert shares == sorted(shares, reverse=True)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1), UNIT)
def test_wide_integers_stay_in_bounds(one, other, u):
    low, high = sorted((one, other))
    assert low <= Int("x", low, high).from_unit(u) <= high
    if low > 0:
        assert low <= Int("x", low, high, log=True).from_unit(u) <= high


# Choices ─────────────────────────────────────────────────────────────────────────────────────────


@given(choices())
def test_every_choice_has_an_equal_share_and_maps_back(parameter):
    count = len(parameter.values)
    assert tuple(parameter.from_unit((i + 0.5) / count) for i in range(count)) == parameter.values
    assert tuple(parameter.from_unit(parameter.to_unit(value)) for value in parameter.values) == parameter.values
    assert parameter.from_unit(1.0) == parameter.values[-1]


def test_true_is_not_one():
    parameter = Choice("x", (1, "a"))
    assert parameter.index(1) == 0
    with pytest.raises(ValueError, match=r"^x: True is not one of \[1, 'a'\]$"):
        parameter.index(True)


@pytest.mark.parametrize(
    ("parameter", "yes", "no"),
    [
        (Choice("x", ("a", 1)), ["a", 1], [True, "b", 1.5]),
        (Int("x", 2, 8, step=3), [2, 5, 8], [3, 11, -1, True, "2", 2.5]),
        (Float("x", 0.0, 0.6, step=0.1), [0.3, 0.6, 0], [0.35, 0.7, "0.3"]),
        (Float("x", 2.0, 2.0), [2.0], [2.1]),
        (Float("x", 0.0, 1.0), [], [0.0, 0.5]),
    ],
)
def test_what_a_condition_may_ask_for(parameter, yes, no):
    assert all(offers(parameter, value) for value in yes)
    assert not any(offers(parameter, value) for value in no)


# Spaces ──────────────────────────────────────────────────────────────────────────────────────────

SGD = Space(
    (
        Float("momentum", 0.0, 0.9, step=0.3, when={"optimizer": ("sgd",)}),
        Choice("optimizer", ("sgd", "adam")),
        Choice("nesterov", (True, False), when={"momentum": (0.3, 0.6, 0.9)}),
    ),
    {"batch": 64},
)


def test_what_others_depend_on_comes_first():
    assert [parameter.name for parameter in SGD.parameters] == ["optimizer", "momentum", "nesterov"]


def test_what_is_inactive_is_left_out():
    assert SGD.from_unit([0.9, 0.9, 0.1]) == {"batch": 64, "optimizer": "adam"}
    assert SGD.from_unit([0.1, 0.0, 0.1]) == {"batch": 64, "optimizer": "sgd", "momentum": 0.0}
    assert SGD.from_unit([0.1, 0.9, 0.1]) == {"batch": 64, "optimizer": "sgd", "momentum": 0.9, "nesterov": True}
    assert SGD.to_unit({"batch": 64, "optimizer": "adam"}) == [0.75, None, None]


def test_a_condition_may_ask_for_a_fixed_value():
    space = Space((Int("x", 1, 2, when={"kind": ("b",)}),), {"kind": "a"})
    assert space.from_unit([0.5]) == {"kind": "a"}
    assert not is_active(space["x"], {"kind": "a"})


def test_a_grid_with_conditions():
    assert list(SGD.grid()) == [
        {"batch": 64, "optimizer": "sgd", "momentum": 0.0},
        *(
            {"batch": 64, "optimizer": "sgd", "momentum": momentum, "nesterov": nesterov}
            for momentum, nesterov in product((0.3, 0.6, 0.9), (True, False))
        ),
        {"batch": 64, "optimizer": "adam"},
    ]
    assert grid_size(SGD) == 8


@given(st.data(), spaces())
def test_every_point_of_the_cube_is_in_the_space(data, space):
    point = data.draw(st.lists(UNIT, min_size=space.dimensions, max_size=space.dimensions))
    params = space.from_unit(point)
    assert space.contains(params)
    back = space.to_unit(params)
    assert [u is None for u in back] == [parameter.name not in params for parameter in space.parameters]
    again = space.from_unit([0.5 if u is None else min(max(u, 0.0), 1.0) for u in back])
    assert again.keys() == params.keys()
    for name, value in params.items():
        assert again[name] == (pytest.approx(value, rel=1e-6, abs=1e-6) if type(value) is float else value)


@given(spaces(discrete=True))
def test_a_grid_has_every_point_once(space):
    points = [tuple(sorted(params.items(), key=str)) for params in islice(space.grid(), 20_000)]
    if len(points) == 20_000:
        assert grid_size(space) >= 20_000
        return
    assert len(set(map(repr, points))) == len(points) == grid_size(space)
    assert all(space.contains(dict(params)) for params in points)
    assert len(points) <= space.size()
    if not any(parameter.when for parameter in space.parameters):
        assert len(points) == space.size()


def test_contains():
    inside = {"batch": 64, "optimizer": "sgd", "momentum": 0.3, "nesterov": True}
    assert SGD.contains(inside)
    assert not SGD.contains({**inside, "optimizer": "adam"})
    assert not SGD.contains({**inside, "momentum": 1.2})
    assert not SGD.contains({**inside, "momentum": True})
    assert not SGD.contains({**inside, "nesterov": 1})
    assert not SGD.contains({**inside, "more": 1})
    assert not SGD.contains({"batch": 64})
    assert Space((Float("x", 0.1, 0.3),)).contains({"x": 0.3 + 1e-17})


def test_size():
    assert Space((Int("x", 1, 3), Choice("y", ("a", "b")))).size() == 6
    assert Space((Int("x", 1, 3), Float("y", 0.0, 1.0))).size() is None
    assert Space((Int("x", 1, 3), Float("y", 0.0, 1.0, step=0.5))).size() == 9
    assert Space(()).size() == 1


def test_a_huge_grid_is_counted_without_being_made():
    space = Space(tuple(Int(f"x{i}", 1, 10**9, when={"x0": (1,)} if i else {}) for i in range(3)))
    assert grid_size(space) == 10**18 + 10**9 - 1


def test_a_grid_that_conditions_tangle_is_not_counted_for_ever():
    flags = tuple(Choice(f"b{i}", (True, False)) for i in range(40))
    rest = tuple(Int(f"x{i}", 1, 2, when={f"b{i}": (True,)}) for i in range(40))
    assert grid_size(Space(flags + rest)) is None


def test_a_comparison_with_a_wide_integer_is_not_counted_for_ever():
    space = Space((Int("seed", 0, 2**40), Int("depth", 1, 3, when={"seed": (">= 3",)})))
    assert grid_size(space) is None


def test_a_thousand_parameters():
    space = Space(tuple(Int(f"x{i}", 1, 1, when={f"x{i - 1}": (1,)} if i else {}) for i in reversed(range(1000))))
    assert space.parameters[0].name == "x0"
    assert len(next(space.grid())) == 1000
    assert grid_size(space) == 1


def test_narrowed():
    narrow = SGD.narrowed({"momentum": Float("momentum", 0.3, 0.6, step=0.3, when={"optimizer": ("sgd",)})})
    assert tuple(narrow["momentum"].grid_values()) == (0.3, 0.6)
    assert narrow["optimizer"] == SGD["optimizer"]
    assert narrow.fixed == SGD.fixed


@pytest.mark.parametrize("when", [{"x": (1,)}, {"y": (1,)}, {"nothing": (1,)}])
def test_a_condition_must_lead_somewhere(when):
    with pytest.raises(ValueError, match="names itself, forms a cycle, or names no parameter"):
        Space((Int("x", 1, 2, when=when), Int("y", 1, 2, when={"x": (1,)})))


def test_no_such_parameter():
    with pytest.raises(KeyError, match="lr"):
        SGD["lr"]


@given(spaces())
def test_a_space_travels(space):
    assert pickle.loads(pickle.dumps(space)) == space


def test_a_space_with_rows_has_no_other_points() -> None:
    space = Space((Float("lr", 0.0, 1.0),), rows=({"lr": 0.1}, {"lr": 0.7}))
    assert (space.size(), list(space.points())) == (2, [{"lr": 0.1}, {"lr": 0.7}])
    assert list(space.narrowed({"lr": Float("lr", 0.5, 1.0)}).points()) == [{"lr": 0.7}]
