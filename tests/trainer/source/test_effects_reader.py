"""WHEN of a trainer's dataclass, read from its text."""

from pathlib import Path

import pytest

from hpsearch.trainer.source import source_check

KIT = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Settings:
    WHEN: ClassVar = {"momentum": {"optimizer": ("sgd",)}, "rho": {"optimizer": ("rmsprop",)}, "bad": "text"}
    optimizer: str = "adam"
    momentum: float = 0.9
    rho: float = 0.5
    computed: float = 1 / 3
"""
TRAINER = """
from dataclasses import dataclass
from typing import ClassVar
from hpsearch import Report
import kit_of_test
from package_of_test import settings

@dataclass(frozen=True)
class Params(settings.Settings):
    WHEN = {"rho": [], "depth": [{"optimizer": ("sgd",), "momentum": "nonzero"}]}
    optimizer: str = "sgd"
    depth: int = 2

def train(params: Params, run):
    yield Report(1, {"val_loss": 1.0})
"""


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "package_of_test").mkdir()
    (tmp_path / "package_of_test" / "__init__.py").touch()
    (tmp_path / "package_of_test" / "settings.py").write_text(KIT)
    (tmp_path / "trainer_of_test.py").write_text(TRAINER)
    monkeypatch.syspath_prepend(tmp_path)
    return "trainer_of_test:train"


def test_those_of_the_bases_and_of_the_class_itself(use: str, tmp_path: Path) -> None:
    found = source_check.check(use, use, tmp_path, {"depth"}, {"val_loss"})
    assert found.faults == ()
    assert found.effects.when == {
        "momentum": [{"optimizer": ("sgd",)}],
        "rho": [],
        "depth": [{"optimizer": ("sgd",), "momentum": "nonzero"}],
    }
    assert found.effects.defaults == {"optimizer": "sgd", "momentum": 0.9, "rho": 0.5, "depth": 2}


def test_names_are_checked_with_those_of_a_base_in_another_module(use: str, tmp_path: Path) -> None:
    found = source_check.check(use, use, tmp_path, {"momentom"}, {"val_loss"})
    assert [fault.parameter for fault in found.faults] == ["momentom"]


def test_a_trainer_without_a_dataclass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plain_of_test.py").write_text('def train(params, run):\n    yield {"val_loss": params["x"]}\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert source_check.check("plain_of_test:train", "plain_of_test:train", tmp_path, {"x"}, set()).effects.when == {}
