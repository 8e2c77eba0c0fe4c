"""What a trainer gets of a trial's parameters: lists, tables, None, nested names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import State
from hpsearch.trainer.arguments import converted, grouped, nested

got: list[Any] = []


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path))
    got.clear()


def searched(trainer: Any, space: dict[str, Any], **own: Any) -> list[Any]:
    """What the trainer gets in a grid search, without duplicates."""
    sections = {
        "study": {"name": "delivery", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"epochs": 1, **own},
        "space": space,
        "search": {"method": "grid"},
        "resources": {"workers": 1, "address": "none"},
        "tracking": {"mlflow": "none"},
    }
    result = hpsearch.run(hpsearch.Study.from_dict(sections, trainer=trainer), progress=False)
    assert {trial.state for trial in result.history} == {State.COMPLETE}, [trial.reason for trial in result.history]
    return got


def mapping(params: Any, run: hpsearch.Run) -> Iterator[hpsearch.Report]:
    got.append(dict(params))
    yield hpsearch.Report(1, {"val_loss": 1.0 + len(got)})


def test_lists_and_tables_are_fresh_for_each_trial() -> None:
    def greedy(params: Any, run: hpsearch.Run) -> Iterator[hpsearch.Report]:
        got.append((list(params["layers"]), params["other"]))
        params["layers"].append(1)
        yield hpsearch.Report(1, {"val_loss": 1.0 + len(got)})

    assert searched(greedy, {"layers": [[64], [64, 64]], "other": [1, 2]}) == [
        ([64], 1), ([64], 2), ([64, 64], 1), ([64, 64], 2),
    ]  # fmt: skip


def test_values_keep_their_types() -> None:
    found = searched(mapping, {"clip": ["none", 0.5, 1, True], "depth": [0, False]})
    assert [repr(one["clip"]) for one in found] == ["None"] * 2 + ["0.5"] * 2 + ["1"] * 2 + ["True"] * 2
    assert [repr(one["depth"]) for one in found] == ["0", "False"] * 4


def test_none_where_the_choice_says_so() -> None:
    found = searched(mapping, {"clip": {"values": ["none", 0.5], "none": True}, "norm": ["none", "batch"]})
    assert [(one["clip"], one["norm"]) for one in found] == [
        (None, "none"), (None, "batch"), (0.5, "none"), (0.5, "batch"),
    ]  # fmt: skip


def test_none_where_an_argument_is_annotated() -> None:
    def train(clip: float | None, layers: tuple[int, ...], run: hpsearch.Run) -> Iterator[hpsearch.Report]:
        got.append((clip, layers))
        yield hpsearch.Report(1, {"val_loss": 1.0 + len(got)})

    assert searched(train, {"clip": ["none", 1], "layers": [[1], [1, 2]]}) == [
        (None, (1,)), (None, (1, 2)), (1.0, (1,)), (1.0, (1, 2)),
    ]  # fmt: skip


def test_nested_tables() -> None:
    found = searched(mapping, {"optimizer": {"lr": [0.1, 0.2], "name": "sgd"}, "width": 3}, nested=True)
    assert found == [{"optimizer": {"lr": lr, "name": "sgd"}, "width": 3} for lr in (0.1, 0.2)]


def test_whole_names_without_nested() -> None:
    assert searched(mapping, {"optimizer": {"lr": [0.1]}}) == [{"optimizer.lr": 0.1}]


@dataclass
class Optimizer:
    lr: float
    name: str = "sgd"


@dataclass
class Params:
    optimizer: Optimizer
    clip: float | None = None
    sizes: list[int] = field(default_factory=list)


def of_dataclass(params: Params, run: hpsearch.Run) -> Iterator[hpsearch.Report]:
    got.append((params.optimizer, params.clip, params.sizes))
    yield hpsearch.Report(1, {"val_loss": 1.0 + len(got)})


@pytest.mark.parametrize("own", [{}, {"nested": True}])
def test_a_dataclass_of_dataclasses(own: dict[str, Any]) -> None:
    space = {"optimizer.lr": [1, 0.5], "clip": ["none", 2.0], "sizes": [[1, 2]]}
    found = searched(of_dataclass, space, **own)
    assert found == [(Optimizer(lr), clip, [1, 2]) for lr in (1.0, 0.5) for clip in (None, 2.0)]


def test_a_table_is_a_dataclass() -> None:
    found = searched(of_dataclass, {"optimizer": [{"lr": 1.0}, {"lr": 2.0, "name": "adam"}]})
    assert [one[0] for one in found] == [Optimizer(1.0), Optimizer(2.0, "adam")]


@pytest.mark.parametrize("space", [{"optimizer.rate": [0.1], "optimizer.lr": 1.0}, {"optimizer.name": ["sgd"]}])
def test_wrong_and_missing_fields_of_an_inner_dataclass(space: dict[str, Any]) -> None:
    with pytest.raises(TrainerError, match="Optimizer"):
        searched(of_dataclass, space)


def test_converted() -> None:
    assert converted("f", "x", "none", int | None) is None
    assert converted("f", "x", None, "unknown") is None
    assert converted("f", "x", 3, float | None) == 3.0
    assert converted("f", "x", "none", str) == "none"
    with pytest.raises(TrainerError):
        converted("f", "x", None, float)
    with pytest.raises(TrainerError):
        converted("f", "x", "much", float | None)


def test_nested_at_any_depth() -> None:
    assert nested({"a.b.c": 1, "a.b.d": [2], "e": 3}) == {"a": {"b": {"c": 1, "d": [2]}}, "e": 3}


def test_grouped_by_the_known_names() -> None:
    assert grouped({"a.b": 1, "a.c.d": 2, "x.y": 3}, {"a", "x.y"}) == {"a": {"b": 1, "c.d": 2}, "x.y": 3}


def test_a_family_is_a_list() -> None:
    found = searched(mapping, {"n": {"low": 0, "high": 2}, "units": {"count": "n", "values": [1, 2]}})
    assert [one["units"] for one in found] == [[], [1], [2], [1, 1], [1, 2], [2, 1], [2, 2]]
    assert all(one.keys() == {"n", "units"} for one in found)


def test_a_family_under_a_condition_that_does_not_hold() -> None:
    space = {
        "deep": [False, True],
        "n": {"values": [1, 2], "when": {"deep": True}},
        "units": {"count": "n", "values": [5]},
    }
    assert searched(mapping, space) == [
        {"deep": False}, {"deep": True, "n": 1, "units": [5]}, {"deep": True, "n": 2, "units": [5, 5]},
    ]  # fmt: skip


def test_several_ranges_arrive_under_one_name() -> None:
    lr = [{"low": 1, "high": 2, "when": {"opt": "sgd"}}, {"values": [0.5], "when": {"opt": "adam"}}]
    assert searched(mapping, {"opt": ["sgd", "adam"], "lr": lr}) == [
        {"opt": "sgd", "lr": 1}, {"opt": "sgd", "lr": 2}, {"opt": "adam", "lr": 0.5},
    ]  # fmt: skip
