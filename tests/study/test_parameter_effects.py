"""Parameters that do nothing, by what a trainer says of them."""

from typing import Any

import pytest

from hpsearch.study.definition import Study
from hpsearch.study.parameter_effects import ParameterEffects, without_effect

EFFECTS = ParameterEffects(
    {
        "momentum": [{"optimizer": ("sgd", "rmsprop")}],
        "dropout": [{"layers": "nonzero"}, {"widths": "nonzero"}],
        "hidden": [{"model": ("mlp",), "widths": "zero"}],
        "unused": [],
        "smoothing": [{"study.metric": ("smooth_loss",)}],
        "amp": [{"run.device": ("cuda",)}],
    },
    {"optimizer": "adam", "layers": 1, "widths": "", "model": "mlp", "momentum": 0.9, "dropout": 0.0},
)
RANGE = {"low": 0.1, "high": 0.9}
SGD = {**RANGE, "when": {"optimizer": "sgd"}}


def found(space: dict[str, Any], options: dict[str, Any] | None = None, **sections: Any) -> dict[str, str]:
    study = {
        "study": {"name": "s", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"use": "trainer:train", "epochs": 10, "options": options or {}},
        "space": {"x": RANGE, **space},
        "search": {"method": "random", "trials": 20},
    }
    return {".".join(map(str, path)): text for path, text in without_effect(Study.from_dict(study | sections), EFFECTS)}


@pytest.mark.parametrize(
    ("space", "options", "key"),
    [
        ({"momentum": RANGE}, {}, "space.momentum"),
        ({"momentum": RANGE, "optimizer": ["adam", "adamw"]}, {}, "space.momentum"),
        ({"momentum": RANGE, "optimizer": ["adam", "sgd"]}, {}, "space.momentum"),
        ({"dropout": RANGE}, {"layers": 0}, "space.dropout"),
        ({"dropout": RANGE, "layers": {"low": 0, "high": 3}}, {}, "space.dropout"),
        ({"hidden": [8, 16], "widths": ["8-8", "16-8"]}, {}, "space.hidden"),
        ({"hidden": [8, 16], "model": ["mlp", "linear"]}, {}, "space.hidden"),
        ({"unused": [1, 2]}, {}, "space.unused"),
        ({"smoothing": RANGE}, {}, "space.smoothing"),
        ({"amp": [True, False]}, {}, "space.amp"),
        ({}, {"momentum": 0.5}, "trainer.options.momentum"),
        ({"hidden": 32, "model": "linear"}, {}, "space.hidden"),
    ],
)
def test_one_that_does_nothing_or_not_with_all_values(space: dict[str, Any], options: dict[str, Any], key: str) -> None:
    assert [*found(space, options)] == [key]


@pytest.mark.parametrize(
    ("space", "options"),
    [
        ({"momentum": RANGE}, {"optimizer": "sgd"}),
        ({"momentum": RANGE, "optimizer": ["sgd", "rmsprop"]}, {}),
        ({"momentum": SGD, "optimizer": ["adam", "sgd"]}, {}),
        ({"dropout": RANGE}, {}),
        ({"dropout": RANGE}, {"layers": 0, "widths": "8"}),
        ({"dropout": RANGE, "layers": {"low": 1, "high": 3}}, {}),
        ({"dropout": RANGE, "layers": {"low": 0, "high": 300}}, {}),
        ({"dropout": 0.0}, {"layers": 0}),
        ({"momentum": RANGE, "optimizer": "sgd"}, {}),
        ({}, {"smoothing": 0.5, "amp": True}),
        ({"other": RANGE}, {}),
    ],
)
def test_one_that_acts(space: dict[str, Any], options: dict[str, Any]) -> None:
    assert found(space, options) == {}


def test_on_a_gpu_and_with_the_metric_that_it_changes() -> None:
    assert found({"amp": [True, False]}, resources={"per_trial": {"gpus": 1}}) == {}
    smooth = {"name": "s", "metric": "smooth_loss", "goal": "minimize"}
    assert found({"smoothing": RANGE}, study=smooth) == {}


def test_a_parameter_whose_condition_is_inactive_has_its_default() -> None:
    """The optimizer is searched for networks only: a linear model has the default, Adam."""
    optimizer = {"values": ["sgd", "rmsprop"], "when": {"model": "mlp"}}
    space = {"model": ["linear", "mlp"], "optimizer": optimizer, "momentum": RANGE}
    assert "space.momentum" in found(space)
    assert found({**space, "momentum": {**RANGE, "when": {"model": "mlp"}}}) == {}


@pytest.mark.parametrize(
    ("space", "written"),
    [
        ({"momentum": RANGE, "optimizer": ["adam", "sgd"]}, 'when = { optimizer = "sgd" }'),
        ({"momentum": RANGE}, 'when = { optimizer = ["sgd", "rmsprop"] }'),
        ({"hidden": [8, 16], "model": ["mlp", "linear"]}, 'hidden = { values = [8, 16], when = { model = "mlp" } }'),
        ({"dropout": RANGE, "layers": {"low": 0, "high": 2}}, "when = { layers = [1, 2] }"),
        (
            {"momentum": {**RANGE, "when": {"model": "mlp"}}, "model": ["mlp", "linear"], "optimizer": ["adam", "sgd"]},
            'when = { model = "mlp", optimizer = "sgd" }',
        ),
    ],
)
def test_what_to_write(space: dict[str, Any], written: str) -> None:
    (message,) = found(space).values()
    assert written in message
