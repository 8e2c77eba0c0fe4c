"""Which parameters a trainer's source uses. A parameter that it may use is never named as unused."""

import ast
from pathlib import Path

import pytest

from hpsearch.trainer.source.parameter_flow import names_used

ASSETS = Path(__file__).parent / "assets"


def sources(name: str) -> dict[str, str]:
    """The trainers in a file, by their titles."""
    parts = (ASSETS / f"{name}.txt").read_text(encoding="utf-8").split("=== ")[1:]
    return {title: source for title, _, source in (part.partition("\n") for part in parts)}


NOT_USED = sources("parameter_not_used")
"""Trainers that use `lr`, and never `learning_rate`, though all parameters are copied."""

MAY_BE_USED = sources("parameter_may_be_used")
"""Trainers that use `learning_rate`, or that pass all parameters to a library."""


def used(source: str, argument: str | None = "params", kind: str = "") -> frozenset[str] | None:
    tree = ast.parse(source)
    trainer = next(one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "train")
    return names_used({"trainer": tree}, trainer, argument, kind)


@pytest.mark.parametrize("name", NOT_USED)
def test_a_parameter_that_no_line_uses(name: str) -> None:
    found = used(NOT_USED[name])
    assert found is not None
    assert "lr" in found
    assert "learning_rate" not in found


@pytest.mark.parametrize("name", MAY_BE_USED)
def test_a_parameter_that_may_be_used(name: str) -> None:
    found = used(MAY_BE_USED[name])
    assert found is None or "learning_rate" in found


def test_the_methods_of_an_annotated_dataclass() -> None:
    source = """
from dataclasses import dataclass
@dataclass
class Params:
    learning_rate: float = 1
    hidden: int = 3
    weight: float = 0.1
    def __post_init__(self): self.half = self.weight / 2
    def rate(self): return self.learning_rate
def train(params: Params, run):
    return params.rate()
"""
    found = used(source, kind="Params")
    assert found is not None
    assert {"learning_rate", "weight"} <= found
    assert "hidden" not in found


def test_parameters_as_arguments() -> None:
    found = used("def train(lr=0.1, hidden=3, **others):\n    return lr * others['decay']\n", None)
    assert found is not None
    assert {"lr", "decay"} <= found
    assert "hidden" not in found
