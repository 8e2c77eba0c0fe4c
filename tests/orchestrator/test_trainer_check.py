import random
from pathlib import Path

import pytest

from hpsearch.orchestrator import trainer_check
from hpsearch.study.definition import Study
from hpsearch.trainer.source.source_check import SourceCheck
from tests.support.studies import ROOT

FILES = [*(ROOT / "studies").glob("*.toml"), *(ROOT / "docs" / "examples").glob("*.toml")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_false_alarm(path: Path) -> None:
    found = trainer_check.check(Study.load(path, environment={}))
    assert (found.faults, found.warnings, found.doubts) == ((), {}, ())


def returns(x: int) -> float:
    return float(x)


def draws(x: int) -> float:
    return x + random.SystemRandom().random()


def test_a_python_object_is_left_to_the_run_but_for_its_seeds() -> None:
    sections = {
        "study": {"name": "given", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"epochs": 1},
        "space": {"x": [1, 2]},
        "search": {"method": "grid"},
    }
    assert trainer_check.check(Study.from_dict(sections, trainer=returns)) == SourceCheck()
    (doubt,) = trainer_check.check(Study.from_dict(sections, trainer=draws)).doubts
    assert "`random.SystemRandom`" in doubt


def test_earlier_studies_that_are_not_recorded(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "s"\nmetric = "val_loss"\ngoal = "minimize"\n[trainer]\nuse = "t:train"\nepochs = 1\n'
        '[space]\nx = [1, 2]\n[search]\nmethod = "random"\ntrials = 1\nlearn_from = ["mnist"]\n'
    )
    study = Study.load(tmp_path / "study.toml", environment={})
    (warning,) = trainer_check.warnings(study, SourceCheck(), tmp_path / "study.toml")
    assert (warning.key, warning.line) == ("search.learn_from", 13)
    assert list(tmp_path.iterdir()) == [tmp_path / "study.toml"]
