"""A trainer that is a Python object of a program or a notebook."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Report, State
from hpsearch.orchestrator import build
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run import run_study
from hpsearch.records.find import opened
from hpsearch.reproduce.retraining import reproduce
from hpsearch.study.definition import Study
from hpsearch.trainer.trainer_object import PickledTrainer, TrainerObject
from hpsearch.workers.worker import Worker
from tests.support import toys
from tests.support.studies import setup


def sections(**changes: Any) -> dict[str, Any]:
    return {
        "study": {"name": "given", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"epochs": 2},
        "space": {"lr": {"low": 0.0, "high": 1.0}},
        "search": {"method": "random", "trials": 2},
        "resources": {"address": "none"},
        "tracking": {"mlflow": "none"},
        **changes,
    }


def study(folder: Path, train: Any = toys.learner, **changes: Any) -> Study:
    return Study.from_dict(sections(**changes), trainer=train, folder=folder)


def test_a_study_trains_it_goes_on_and_records_where_it_comes_from(tmp_path: Path) -> None:
    assert len(run_study(study(tmp_path), Observer()).history) == 2
    result = run_study(study(tmp_path, search={"method": "random", "trials": 3}), Observer())
    assert [trial.epoch for trial in result.history] == [2, 2, 2]
    with opened("given", f"sqlite:///{tmp_path}/.hpsearch/journal.db") as (journal, found):
        assert found.record.spec["trainer"] == {
            "use": "tests.support.toys:learner",
            "from_python": True,
            "epochs": 2,
            "repeats": 1,
            "options": {},
        }
        sources = journal.segments(found.record.id)[0].environment.document["environment"]["sources"]
        assert "tests.support.toys" in sources


def test_without_the_object_a_recorded_study_cannot_be_trained(tmp_path: Path) -> None:
    made = study(tmp_path)
    run_study(made, Observer())
    again = Study.from_dict(made.spec(), folder=tmp_path)
    with pytest.raises(TrainerError, match="of the program or notebook that ran the study"):
        build.setup(again, "u")
    with opened("given", made.journal_url) as (journal, found), pytest.raises(TrainerError):
        reproduce(journal, found, 0, print)


def in_a_notebook(loss: str) -> Any:
    """A function of a notebook, which raises where `loss` does."""
    names: dict[str, Any] = {"__name__": "__main__", "Report": Report}
    exec(f"def train(params, run):\n    yield Report(1, {{'val_loss': {loss}}})\n", names)
    return names["train"]


def test_failed_trials_are_tried_again_with_changed_code_as_those_of_a_file_are(tmp_path: Path) -> None:
    failed = run_study(study(tmp_path, in_a_notebook("1 / 0")), Observer())
    assert {trial.state for trial in failed.history} == {State.FAILED}
    same = run_study(study(tmp_path, in_a_notebook("1 / 0")), Observer())
    assert {trial.state for trial in same.history} == {State.FAILED}
    changed = run_study(study(tmp_path, in_a_notebook("1.0")), Observer())
    assert {trial.state for trial in changed.history} == {State.COMPLETE}


def test_what_is_no_trainer_is_refused_before_anything_is_recorded(tmp_path: Path) -> None:
    with pytest.raises(TrainerError):
        run_study(study(tmp_path, toys.parameterless), Observer())
    assert not (tmp_path / ".hpsearch").exists()


def test_its_parameters_are_checked_by_its_dataclass(tmp_path: Path) -> None:
    given = TrainerObject.of(toys.typed, "tests.support.toys:typed")
    with pytest.raises(TrainerError, match="has no `learning_rate`"):
        Worker(setup(tmp_path, trainer_object=given)).check({"learning_rate": 0.1})


def test_what_cannot_be_unpickled_is_the_trainers_fault() -> None:
    with pytest.raises(TrainerError, match="no_such_module"):
        _ = PickledTrainer(b"cno_such_module\ntrain\n.", None, TrainerObject.of(toys.learner, "x:y").sources).trainer


PROGRAM = """
from __future__ import annotations
import sys
from dataclasses import dataclass
from typing import Literal
import beside
from hpsearch import Report, Run, Study
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run import run_study

@dataclass
class Settings:
    lr: float
    kind: Literal["a", "b"] = "a"

def train(settings: Settings, run: Run):
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": beside.loss(settings.lr) / epoch})

if __name__ == "__main__":
    result = run_study(Study.from_dict(SECTIONS, trainer=train), Observer())
    print(*sorted(result.counts.values()), type(result.best.value).__name__)
"""


@pytest.mark.xdist_group("ray")
@pytest.mark.slow
def test_a_function_of_a_program_trains_on_ray_workers(tmp_path: Path) -> None:
    """Its annotations are strings that name what only the program knows, and it imports a module beside the program."""
    (tmp_path / "beside.py").write_text("def loss(lr):\n    return lr + 1\n")
    text = PROGRAM.replace("SECTIONS", repr(sections(resources={"workers": 1})))
    (tmp_path / "program.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "2 float\n", done.stderr
