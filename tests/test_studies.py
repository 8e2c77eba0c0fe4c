"""Every study file that ships: it loads, teaches, and its trainer takes what it proposes."""

from pathlib import Path

import pytest

from hpsearch import Run, study, trainer
from hpsearch.seeds import stream
from tests.trainers.conftest import data_dir, one_thread

__all__ = ["data_dir", "one_thread"]  # fixtures

FOLDER = Path(__file__).parent.parent / "studies"
FILES = sorted(FOLDER.glob("*.toml"))
METHODS = ("grid", "random", "bayesian", "coarse-to-fine")


def named(path: Path) -> str:
    return path.stem


def test_there_is_a_quickstart_and_one_file_for_each_method_on_each_task():
    expected = {"quickstart"} | {f"{task}-{method}" for task in ("digits", "heart") for method in METHODS}
    assert {path.stem for path in FILES} >= expected


@pytest.mark.parametrize("path", FILES, ids=named)
def test_it_loads_and_is_called_as_its_file(path):
    loaded = study.load(path, environment={})
    assert loaded.study.name == path.stem
    assert path.stem == "quickstart" or path.stem.endswith(loaded.search.method)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_an_editor_finds_the_schema_and_a_newcomer_the_command(path):
    text = path.read_text()
    assert text.startswith("#:schema ./study.schema.json\n")
    assert (FOLDER / "study.schema.json").is_file()
    assert f"hpsearch run studies/{path.name}" in text


@pytest.mark.parametrize("path", FILES, ids=named)
def test_its_trainer_takes_whatever_the_space_holds(path):
    loaded = study.load(path, environment={})
    train = trainer.find(loaded.trainer.use, FOLDER)
    seen = set()
    for number in range(40):
        params = loaded.space.from_unit(stream(0, number).random(loaded.space.dimensions).tolist())
        trainer.argument(train, {**loaded.trainer.options, **params})
        seen |= set(params)
    assert seen >= {parameter.name for parameter in loaded.space.parameters}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_its_trainer_reports_its_metric(path, data_dir):
    loaded = study.load(path, environment={})
    train = trainer.find(loaded.trainer.use, FOLDER)
    first = next(train(trainer.argument(train, loaded.trainer.options), Run.local(1, data_dir=data_dir)))
    assert loaded.study.metric in first.metrics
