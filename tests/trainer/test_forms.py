"""Which form a function, a class or an object has, and what it is called with."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from hpsearch import Report, Run, TrainerError
from hpsearch.core.trial import Params
from hpsearch.trainer import forms
from hpsearch.trainer.open_trial import OpenTrial

PARAMS: Params = {"lr": 0.5, "hidden": 4}


@dataclass
class Settings:
    lr: float
    hidden: int = 2


seen: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


def called(trainer: Any, params: Params = PARAMS) -> list[Any]:
    """What it has noted in `seen` of its arguments."""
    report = OpenTrial(forms.as_trainer("the trainer", trainer), params, Run(3, 5)).next_report()
    assert report == Report(1, {"value": 1.0})
    return list(seen)


def note(*values: Any) -> float:
    seen.extend(values)
    return 1.0


def params_and_run(params, run):
    return note(params, run.seed)


def config(config):
    return note(config)


def settings(config: Settings):
    return note(config)


def settings_and_run(config: "Settings", r: Run):
    return note(config, r.seed)


def run_first(run, config: dict):
    return note(run.seed, config)


def names(lr, hidden):
    return note(lr, hidden)


def names_and_run(lr, hidden, run=None):
    return note(lr, hidden, run.seed)


def names_with_defaults(lr=0.1, hidden=64, depth=2):
    return note(lr, hidden, depth)


def keywords(*, lr, hidden):
    return note(lr, hidden)


def positions(lr, hidden, /):
    return note(lr, hidden)


def typed(lr: float, hidden: float):
    return note(lr, hidden)


def anything(**params):
    return note(params)


def some_and_anything(lr, **others):
    return note(lr, others)


def config_and_defaults(config: Mapping[str, Any], verbose=False):
    return note(config, verbose)


class Instance:
    def __call__(self, params, run):
        return note(params, run.seed)

    def fit(self, lr, hidden):
        return note(lr, hidden)


def generator_of_config(config):
    note(config)
    yield {"value": 1.0}


def generator_of_names(lr, hidden):
    note(lr, hidden)
    yield {"value": 1.0}


def generator_of_names_and_run(lr, hidden, run):
    note(lr, hidden, run.seed)
    yield {"value": 1.0}


def generator_with_names_of_its_own(c, r):
    note(c, r.seed)
    yield {"value": 1.0}


MAPPING = dict(PARAMS)


@pytest.mark.parametrize(
    ("trainer", "arguments"),
    [
        (params_and_run, [MAPPING, 3]),
        (config, [MAPPING]),
        (lambda config: note(config), [MAPPING]),
        (settings, [Settings(0.5, 4)]),
        (settings_and_run, [Settings(0.5, 4), 3]),
        (run_first, [3, MAPPING]),
        (names, [0.5, 4]),
        (names_and_run, [0.5, 4, 3]),
        (names_with_defaults, [0.5, 4, 2]),
        (keywords, [0.5, 4]),
        (positions, [0.5, 4]),
        (typed, [0.5, 4.0]),
        (anything, [MAPPING]),
        (some_and_anything, [0.5, {"hidden": 4}]),
        (config_and_defaults, [MAPPING, False]),
        (functools.partial(names_and_run, hidden=9), [0.5, 4, 3]),
        (Instance(), [MAPPING, 3]),
        (Instance().fit, [0.5, 4]),
        (generator_of_config, [MAPPING]),
        (generator_of_names, [0.5, 4]),
        (generator_of_names_and_run, [0.5, 4, 3]),
        (generator_with_names_of_its_own, [MAPPING, 3]),
    ],
)
def test_what_it_is_called_with(trainer: Any, arguments: list[Any]) -> None:
    assert called(trainer) == arguments


def test_a_single_parameter_with_the_name_of_what_is_searched_is_its_value() -> None:
    assert called(lambda lr: note(lr), {"lr": 0.5}) == [0.5]


@pytest.mark.parametrize(
    ("trainer", "params", "faults"),
    [
        (names, {"lr": 0.5}, ["needs `hidden`"]),
        (names, {"lr": 0.5, "hiden": 4}, ["has no `hiden`; did you mean `hidden`?", "needs `hidden`"]),
        (names, {"x": 1}, ["has no `x` (it has lr, hidden)", "needs `lr`", "needs `hidden`"]),
        (names_with_defaults, {"x": 1}, ["has no `x`"]),
        (lambda lr: note(lr), {"lr": 0.5, "depth": 1}, ["has no `depth`"]),
        (settings, {"lr": 0.5, "depth": 1}, ["has no `depth`"]),
        (typed, {"lr": "fast", "hidden": 1}, ["must be float"]),
    ],
)
def test_parameters_that_do_not_fit(trainer: Any, params: Params, faults: list[str]) -> None:
    with pytest.raises(TrainerError) as refused:
        called(trainer, params)
    assert all(fault in str(refused.value) for fault in faults)
    assert len(str(refused.value).splitlines()) == len(faults)


async def asynchronous_generator(params, run):
    yield {"value": 1.0}


def undecorated(function):
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (3, "an object of type int, a trainer is"),
        (Settings, "a class, a trainer is"),
        (lambda: 1.0, "takes no parameters of a trial"),
        (lambda run: run.seed, "takes no parameters of a trial"),
        (undecorated(names), "a decorator needs"),
        (type, "a class, a trainer is"),
        (iter, "its signature is not known"),
    ],
)
def test_what_is_no_trainer(thing: Any, words: str) -> None:
    with pytest.raises(TrainerError, match=words):
        forms.as_trainer("the trainer", thing)


def test_a_decorator_that_keeps_the_signature() -> None:
    assert called(functools.wraps(names)(undecorated(names))) == [0.5, 4]


def test_a_generator_that_is_called_with_params_and_run_is_taken_as_it_is() -> None:
    def train(params: Params, run: Run) -> Iterator[Report]:
        yield Report(1, {"value": 1.0})

    def wrapped(*args: Any) -> Iterator[Report]:
        yield from train(*args)

    assert forms.as_trainer("the trainer", train) is train
    assert forms.as_trainer("the trainer", wrapped) is wrapped


@pytest.mark.parametrize(
    "thing", [config, names, params_and_run, generator_of_config, asynchronous_generator, Settings, 3]
)
def test_without_ray_none_is_of_tune(thing: Any) -> None:
    assert not forms.is_trainable(thing)


@pytest.mark.parametrize(("trainer", "can"), [(params_and_run, True), (config, False), (names, False)])
def test_without_a_run_nothing_can_be_continued(trainer: Any, can: bool) -> None:
    run = Run(3, 5)
    OpenTrial(forms.as_trainer("the trainer", trainer), PARAMS, run).next_report()
    assert (run.why_not_resumable == "") == can
