"""[search] first: checked against the space, and trained before the search in every method."""

import json
from typing import Any

import pytest

from hpsearch.core.decisions import New
from hpsearch.core.errors import StudyFileError
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.orchestrator import build
from hpsearch.study.definition import Study
from hpsearch.study.file.known_points import points
from hpsearch.study.grid_counts import grid_size

SPACE: dict[str, Any] = {
    "lr": {"low": 0.0, "high": 1.0, "points": 3},
    "o": {"name": ["sgd", "adam"], "momentum": {"low": 0.0, "high": 0.9, "step": 0.3, "when": {"o.name": "sgd"}}},
    "n": {"low": 0, "high": 2},
    "units": {"count": "n", "low": 1, "high": 4},
    "layers": [[64], [64, 64]],
    "fixed": 3,
}
FIRST = [
    {"lr": 1, "o": {"name": "adam"}, "n": 2, "units": [1, 4], "layers": [64]},
    {"lr": 0.3, "o.name": "sgd", "o.momentum": 0.6, "n": 0, "units": [], "layers": [64, 64], "fixed": 3},
]
PARAMS = [
    {"fixed": 3, "lr": 1.0, "o.name": "adam", "n": 2, "units_1": 1, "units_2": 4, "layers": [64]},
    {"fixed": 3, "lr": 0.3, "o.name": "sgd", "o.momentum": 0.6, "n": 0, "layers": [64, 64]},
]
ROUNDS = [{"trials": 5, "epochs": 1}, {"trials": 4, "epochs": 2}]
SEARCHES: list[dict[str, Any]] = [
    {"method": "grid"},
    {"method": "random", "trials": 5},
    {"method": "bayesian", "trials": 5, "startup_trials": 2},
    {"method": "coarse-to-fine", "rounds": ROUNDS},
    {"method": "recipe", "rounds": ROUNDS},
]


def study(search: dict[str, Any], space: Any = None, **own: Any) -> Study:
    sections = {
        "study": {"name": "s", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"use": "trainer:train", "epochs": 2},
        "space": space or SPACE,
        "search": search,
    }
    return Study.from_dict(sections, **own)


def faults(first: Any, **search: Any) -> list[str]:
    with pytest.raises(StudyFileError) as problem:
        study({"method": "random", "trials": 5, "first": first, **search})
    return [line.partition(": ")[0].strip() for line in str(problem.value).splitlines()]


def proposals(made: Study, most: int = 4) -> list[Any]:
    sampler, history, found = build.sampler(made), History(made.objective), []
    while len(found) < most:
        found.append(sampler.ask(history))
        history.put(Trial(len(history), found[-1].params, 0, found[-1].until, State.RUNNING))
    return found


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search["method"])
def test_they_are_the_first_trials(search: dict[str, Any]) -> None:
    made = study({**search, "first": FIRST})
    found = proposals(made)
    assert [one.params for one in found[:2]] == PARAMS
    assert all(made.space.contains(one.params) for one in found)
    assert all(one.params not in PARAMS for one in found[2:])
    assert points(made.space, made.search.first) == tuple(PARAMS)


def test_a_grid_has_each_point_once() -> None:
    made = study({"method": "grid", "first": FIRST})
    (rung,) = made.search.rungs(made.space, 2)
    plain = grid_size(study({"method": "grid"}).space)
    assert plain is not None
    assert rung.new == plain + 1  # lr = 0.3 is between two points of the grid
    found = proposals(made, rung.new)
    assert len({json.dumps(one.params, sort_keys=True) for one in found}) == rung.new


class Own:
    def __init__(self, space: Any, epochs: int):
        self.space, self.epochs = space, epochs

    def ask(self, history: History) -> Any:
        return New(self.space.from_unit([0.4] * self.space.dimensions), self.epochs, "own")


def test_a_sampler_of_ones_own() -> None:
    made = study({"trials": 4, "first": FIRST}, sampler=Own)
    assert [one.reason for one in proposals(made)][2:] == ["own", "own"]
    assert [one.params for one in proposals(made, 2)] == PARAMS


def test_a_study_without_them_has_no_key() -> None:
    assert "first" not in study({"method": "grid"}).spec()["search"]


def test_faults() -> None:
    good = dict(FIRST[0])
    without_lr = {key: value for key, value in good.items() if key != "lr"}
    assert faults(
        [
            {**good, "lr": 2.0},
            {**good, "o": {"name": "sgd", "momentum": 0.5}},
            {**good, "o": {"name": "adam", "momentum": 0.3}},
            {**good, "laeyrs": [64]},
            without_lr,
        ]
    ) == ["search.first.0.lr", 'search.first.1."o.momentum"', 'search.first.2."o.momentum"', "search.first.3.laeyrs",
          "search.first.4"]  # fmt: skip
    assert faults([{**good, "n": 1.0}, {**good, "units": [1]}, {**good, "units": [1, 9]}, {**good, "fixed": 4}]) == [
        "search.first.0.n",
        "search.first.0.units",
        "search.first.1.units",
        "search.first.2.units",
        "search.first.3.fixed",
    ]
    assert faults([{**good, "units": 3}, {key: value for key, value in good.items() if key != "units"}]) == [
        "search.first.0.units",
        "search.first.1",
    ]


def test_faults_of_the_list() -> None:
    assert faults([FIRST[0], FIRST[0]]) == ["search.first.1"]
    assert faults(FIRST, trials=1) == ["search.first"]
    assert faults([]) == ["search.first"]
    assert faults(FIRST, method="list", sets=[{"params": PARAMS[0]}], trials=None)[0].startswith("search.")
    assert faults([3]) == ["search.first.0"]


def test_a_constraint() -> None:
    space = {"a": {"low": 0.0, "high": 1.0}, "b": {"low": 0.0, "high": 1.0}, "constraints": ["a < b"]}
    with pytest.raises(StudyFileError, match=r"search\.first\.0"):
        study({"method": "random", "trials": 3, "first": [{"a": 0.5, "b": 0.1}]}, space)
