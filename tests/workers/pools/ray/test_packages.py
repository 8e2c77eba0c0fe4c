"""What travels to the workers of a cluster."""

import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Report
from hpsearch.trainer.contract import sources_of
from hpsearch.trainer.trainer_object import PickledTrainer, TrainerObject
from hpsearch.trainer.training_run import Run
from hpsearch.workers.pools.ray.packages import packages, pickled, runtime_env
from tests.support import toys
from tests.support.studies import ROOT, setup


def test_hpsearch_and_the_trainers_package_travel(tmp_path: Path) -> None:
    assert packages("trainers.digits:train", tmp_path) == [str(ROOT / "hpsearch"), str(ROOT / "trainers")]


@pytest.mark.parametrize("name", ["hpsearch", "trainers"])
def test_a_package_in_the_studys_folder_travels_with_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    found = packages("trainers.digits:train", tmp_path)
    assert [Path(one).name for one in found] == [other for other in ("hpsearch", "trainers") if other != name]


def test_a_trainer_that_is_one_file_in_the_studys_folder_travels_with_the_folder(tmp_path: Path) -> None:
    (tmp_path / "my_trainer.py").write_text("")
    assert packages("my_trainer:train", tmp_path) == [str(ROOT / "hpsearch")]


def test_a_second_package_and_a_module_on_the_path_travel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    for folder in (study, elsewhere / "second_package"):
        folder.mkdir(parents=True)
    (elsewhere / "second_package" / "__init__.py").write_text("")
    (elsewhere / "second_package" / "layers.py").write_text("import lone_module")
    (elsewhere / "lone_module.py").write_text("import json")
    (study / "first.py").write_text("from second_package import layers\nimport beside")
    (study / "beside.py").write_text("")
    monkeypatch.setattr(sys, "path", [*sys.path, str(elsewhere)])
    sources = sources_of("first:train", study, None)
    environment = runtime_env("first:train", study, sources.files)
    wanted = [str(ROOT / "hpsearch"), str(elsewhere / "second_package"), str(elsewhere / "lone_module.py")]
    assert sorted(environment["py_modules"]) == sorted(wanted)


def test_nothing_of_a_program_itself(tmp_path: Path) -> None:
    assert packages("__main__:train", tmp_path) == [str(ROOT / "hpsearch")]


# A trainer that is a Python object ───────────────────────────────────────────────────────────────


def sent(trainer: Any, folder: Path) -> Any:
    """The context as a worker has it."""
    return pickle.loads(pickle.dumps(pickled(setup(folder, trainer_object=TrainerObject.of(trainer, "x:y")).trainer)))


def made(thing: Any) -> Callable[[Params, Run], Iterator[Report]]:
    def train(params: Params, run: Run) -> Iterator[Report]:
        yield Report(1, {"val_loss": float(bool(thing))})

    return train


def test_a_trainer_that_is_named_travels_as_it_is(tmp_path: Path) -> None:
    context = setup(tmp_path).trainer
    assert pickled(context) is context


def test_a_function_arrives_as_a_trainer(tmp_path: Path) -> None:
    context = sent(made(3), tmp_path)
    assert isinstance(context.trainer_object, PickledTrainer)
    assert [report.metrics for report in context.find()({}, Run.local(1))] == [{"val_loss": 1.0}]
    assert context.sources() == TrainerObject.of(made(3), "x:y").sources


def test_a_function_of_a_module_is_imported_from_where_the_module_lies(tmp_path: Path) -> None:
    context = sent(toys.noop, tmp_path)
    assert context.trainer_object.folder == ROOT
    assert context.find() is toys.noop


def test_what_does_not_pickle_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(TrainerError) as refused:
        sent(made(threading.Lock()), tmp_path)
    assert str(refused.value) == (
        "the trainer `tests.support.toys:learner` cannot be sent to Ray workers: `thing` (a lock), which it uses, "
        "cannot be pickled. Make such an object inside the function, or train in this process with "
        '[resources] address = "none"'
    )


def test_an_instance_that_does_not_pickle(tmp_path: Path) -> None:
    class Trainer:
        def __init__(self) -> None:
            self.lock = threading.Lock()

        def __call__(self, params: Params, run: Run) -> Iterator[Report]:
            yield Report(1, {"val_loss": 0.0})

    with pytest.raises(TrainerError, match=r"it cannot be pickled \(TypeError: cannot pickle '_thread.lock' object\)"):
        sent(Trainer(), tmp_path)
