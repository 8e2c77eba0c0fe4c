"""Which parameters a trainer reads, in the forms in which it may receive them."""

import copy
import dataclasses
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hpsearch.core.messages import Unread
from hpsearch.trainer.parameter_reads import ParameterReads

VALUES = {"lr": 0.1, "hidden": 16}


@dataclass
class Params:
    lr: float = 0.1
    hidden: int = 16


@dataclass(frozen=True, slots=True)
class FrozenParams:
    lr: float = 0.1
    hidden: int = 16


def unread(argument: Any, read: Callable[[Any], object]) -> Unread | None:
    reads = ParameterReads(argument, VALUES)
    read(reads.argument)
    return reads.unread


def keywords(**params: Any) -> dict[str, Any]:
    return params


@pytest.mark.parametrize(
    "read",
    [
        dict,
        lambda params: {**params},
        lambda params: keywords(**params),
        lambda params: params | {"other": 1},
        lambda params: list(params.items()),
        lambda params: list(params.values()),
        lambda params: params.copy(),
        lambda params: copy.deepcopy(params),
        json.dumps,
        pickle.dumps,
        lambda params: [params[name] for name in params],
        lambda params: (params.pop("lr"), params.get("hidden")),
        lambda params: (lambda lr, hidden: (lr, hidden))(**params),
    ],
)
def test_all_of_a_mapping_is_read(read: Callable[[Any], object]) -> None:
    assert unread(dict(VALUES), read) is None


@pytest.mark.parametrize("read", [lambda params: params["lr"], lambda params: params.get("lr", 1.0)])
def test_one_of_a_mapping_is_read(read: Callable[[Any], object]) -> None:
    assert unread(dict(VALUES), read) == Unread(("hidden",))


def test_a_misspelt_name() -> None:
    assert unread(dict(VALUES), lambda params: params.get("width", 3)) == Unread(("hidden", "lr"), ("width",))


@pytest.mark.parametrize("read", [repr, str, len, lambda params: "lr" in params])
def test_to_print_a_mapping_reads_nothing(read: Callable[[Any], object]) -> None:
    assert unread(dict(VALUES), read) == Unread(("hidden", "lr"))


@pytest.mark.parametrize(
    ("values", "key", "advice"),
    [
        ({"optimizer.lr": 0.1, "hidden": 3}, "optimizer", 'params["optimizer.lr"]'),
        ({"optimizer.lr": 0.1, "hidden": 3}, "optimizer", "nested = true"),
        ({"optimizer": {"lr": 0.1}}, "optimizer.lr", 'params["optimizer"]["lr"]'),
        ({"learning_rate": 0.1, "hidden": 3}, "lr", "`learning_rate`"),
        ({"hidden": 3}, "momentum", "`hidden`"),
    ],
)
def test_a_key_that_is_missing(values: dict[str, Any], key: str, advice: str) -> None:
    argument = ParameterReads(values, values).argument
    with pytest.raises(KeyError) as raised:
        argument[key]
    assert advice in str(raised.value)
    assert argument.get(key) is None
    assert argument.pop(key, 1) == 1
    assert isinstance(pickle.loads(pickle.dumps(raised.value)), KeyError)


def test_a_mapping_is_still_a_dict() -> None:
    argument = ParameterReads(dict(VALUES), VALUES).argument
    assert isinstance(argument, dict)
    assert argument == VALUES
    assert type(pickle.loads(pickle.dumps(argument))) is dict
    assert type(copy.deepcopy(argument)) is dict


@pytest.mark.parametrize("params", [Params, FrozenParams])
class TestDataclass:
    def test_one_attribute(self, params: type) -> None:
        assert unread(params(), lambda own: own.lr) == Unread(("hidden",))

    def test_all_of_it(self, params: Any) -> None:
        assert unread(params(), dataclasses.asdict) is None
        assert unread(params(), pickle.dumps) == Unread(("hidden", "lr"))

    def test_its_dictionary(self, params: Any) -> None:
        if hasattr(params(), "__dict__"):
            assert unread(params(), vars) is None

    def test_it_looks_like_its_class(self, params: Any) -> None:
        own = ParameterReads(params(lr=0.5), VALUES).argument
        assert isinstance(own, params)
        assert repr(own) == repr(params(lr=0.5))
        assert own == params(lr=0.5)
        assert type(pickle.loads(pickle.dumps(own))) is params
        assert dataclasses.replace(own, hidden=3).hidden == 3
        assert unread(params(), repr) == Unread(("hidden", "lr"))


def test_reads_before_the_trainer_begins_do_not_count() -> None:
    reads = ParameterReads(dict(VALUES), VALUES)
    list(reads.argument)
    reads.restart()
    assert reads.unread == Unread(("hidden", "lr"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_may_read() -> None:
    reads = ParameterReads(dict(VALUES), VALUES)
    reads.restart()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert reads.unread is None


def test_an_object_whose_reads_cannot_be_seen() -> None:
    assert ParameterReads((1, 2), VALUES).unread is None
