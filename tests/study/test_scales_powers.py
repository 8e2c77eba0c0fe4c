"""`{ low = 16, high = 256, powers_of = 2 }`: in the space, in every sampler, and in what is planned and recorded."""

import math
from typing import Any

import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.orchestrator import build
from hpsearch.samplers.optuna.distributions import decode, encode
from hpsearch.samplers.recipe.search_ranges import SearchRange, shifted
from hpsearch.study import plan
from hpsearch.study.definition import Study
from hpsearch.study.likely_mistakes import likely_mistakes, number_of_points
from hpsearch.study.space import Int, Space
from hpsearch.testing.simulation import Simulation

POWERS = {"low": 16, "high": 256, "powers_of": 2}
UNITS = Int("units", 16, 256, log=True, powers_of=2)


def study(space: Any = None, **search: Any) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "s", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": "trainer:train", "epochs": 9},
            "space": space or {"units": POWERS},
            "search": search or {"method": "random", "trials": 5},
        }
    )


def test_each_value_has_the_same_share_of_the_unit_interval() -> None:
    drawn = [UNITS.from_unit((place + 0.5) / 100) for place in range(100)]
    assert [drawn.count(value) for value in (16, 32, 64, 128, 256)] == [20] * 5
    assert (UNITS.from_unit(0.0), UNITS.from_unit(1.0)) == (16, 256)
    assert [UNITS.from_unit(UNITS.to_unit(value)) for value in UNITS.grid_values()] == [16, 32, 64, 128, 256]


@pytest.mark.parametrize("base", [2, 3, 10])
def test_bases(base: int) -> None:
    one = Int("x", 1, base**4, log=True, powers_of=base)
    assert one.grid_values() == tuple(base**place for place in range(5))
    assert [decode(one, encode(one, value)) for value in one.grid_values()] == list(one.grid_values())


@pytest.mark.parametrize(
    "search",
    [
        {"method": "grid"},
        {"method": "random", "trials": 5},
        *({"method": "bayesian", "trials": 8, "startup_trials": 3, "sampler": name} for name in ("tpe", "gp", "cmaes")),
        {"method": "coarse-to-fine", "rounds": [{"trials": 6, "epochs": 3}, {"trials": 4, "epochs": 9}]},
        {"method": "recipe", "budget": {"epochs": 60}, "preflight": False, "lr_range": False},
    ],
    ids=lambda search: search.get("sampler", search["method"]),
)
def test_every_sampler_proposes_powers(search: dict[str, Any]) -> None:
    space = {"units": POWERS, "x": {"low": 0.0, "high": 1.0, "points": 2}}
    tried = study(space, **search)

    def loss(params: Any, epoch: int) -> float:
        return abs(math.log2(params["units"]) - 6) + params["x"] / 9 + 1 / epoch

    proposed = [trial.params["units"] for trial in Simulation(build.sampler(tried), loss, epochs=9).run().history]
    assert {type(one) for one in proposed} == {int}
    assert set(proposed) <= {16, 32, 64, 128, 256}
    assert len(set(proposed)) > 2


def test_a_moved_range_ends_at_powers() -> None:
    moved = shifted(UNITS, SearchRange("units", 32, 64, False, ""), 0.5, "why")
    assert (moved.low, moved.high) == (32, 128)


def test_it_is_counted_and_recorded() -> None:
    tried = study(method="grid")
    assert plan.trials(tried) == number_of_points(tried) == 5
    assert Study.from_dict(tried.spec()).space == tried.space == Space((UNITS,))
    assert likely_mistakes(study(method="random", trials=6))[0][0] == ("search", "trials")


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": 10},
        {"high": 200},
        {"low": 0},
        {"low": 0.5},
        {"powers_of": 1},
        {"powers_of": 2.5},
        {"step": 16},
        {"points": 3},
        {"grid": [16]},
        {"low": 512},
    ],
)
def test_what_is_no_range_of_powers(wrong: dict[str, Any]) -> None:
    with pytest.raises(StudyFileError) as problem:
        study({"units": {**POWERS, **wrong}})
    assert all(fault.key.startswith("space.units") for fault in problem.value.faults)
