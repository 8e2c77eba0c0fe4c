from pathlib import Path

import pytest

from hpsearch.orchestrator import trainer_check
from hpsearch.study.definition import Study
from hpsearch.trainer.source_check import SourceCheck
from tests.support.studies import ROOT

FILES = [*(ROOT / "studies").glob("*.toml"), *(ROOT / "docs" / "examples").glob("*.toml")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_false_alarm(path: Path) -> None:
    found = trainer_check.check(Study.load(path, environment={}))
    assert (found.faults, found.warnings) == ((), {})


def returns(x: int) -> float:
    return float(x)


def test_a_python_object_is_left_to_the_run() -> None:
    sections = {
        "study": {"name": "given", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"epochs": 1},
        "space": {"x": [1, 2]},
        "search": {"method": "grid"},
    }
    assert trainer_check.check(Study.from_dict(sections, trainer=returns)) == SourceCheck()
