"""Every study file that ships: it loads, teaches, its trainer takes what it proposes, and it runs to a result."""

import json
import math
from pathlib import Path

import pytest

from hpsearch import Run
from hpsearch.core.seeds import stream
from hpsearch.study.definition import Study
from hpsearch.trainer import arguments, contract
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.trainers.conftest import data_dir, one_thread

__all__ = ["cli", "data_dir", "one_thread"]  # fixtures

FOLDER = Path(__file__).parent.parent / "studies"
FILES = sorted(FOLDER.glob("*.toml"))
METHODS = ("grid", "random", "bayesian", "coarse-to-fine", "recipe")


def named(path: Path) -> str:
    return path.stem


def test_there_is_a_quickstart_and_one_file_for_each_method_on_each_task():
    expected = {"quickstart"} | {f"{task}-{method}" for task in ("digits", "heart") for method in METHODS}
    assert {path.stem for path in FILES} >= expected


def test_there_is_one_for_every_task():
    used = {Study.load(path, environment={}).trainer.use for path in FILES}
    folder = FOLDER.parent / "trainers"
    assert used == {f"trainers.{path.stem}:train" for path in folder.glob("*.py") if path.stem != "__init__"}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_it_loads_and_is_called_as_its_file(path):
    loaded = Study.load(path, environment={})
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
    loaded = Study.load(path, environment={})
    train = contract.find(loaded.trainer.use, FOLDER)
    seen = set()
    for number in range(40):
        params = loaded.space.from_unit(stream(0, number).random(loaded.space.dimensions).tolist())
        arguments.params_argument(train, {**loaded.trainer.options, **params})
        seen |= set(params)
    assert seen >= {parameter.name for parameter in loaded.space.parameters}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_its_trainer_reports_its_metric(path, data_dir):
    loaded = Study.load(path, environment={})
    train = contract.find(loaded.trainer.use, FOLDER)
    first = next(train(arguments.params_argument(train, loaded.trainer.options), Run.local(1, data_dir=data_dir)))
    assert loaded.study.metric in first.metrics


SHORT = {
    "grid": (),
    "random": ("search.trials=2",),
    "bayesian": ("search.trials=3", "search.startup_trials=2"),
    "coarse-to-fine": ("search.rounds=[{trials=2,epochs=1},{trials=1,epochs=2}]",),
    "recipe": ("search.budget.epochs=9", "search.preflight=false", "search.lr_range=false"),
}
"""Two epochs of two or three trials; a grid is as large as it is, and has one epoch."""

EARLY = {"halving": ("prune.min_epochs=1",), "hyperband": ("prune.min_epochs=1",), "median": ("prune.warmup_epochs=1",)}

SMALL = {
    "cifar10-coarse-to-fine": ("trainer.options.blocks=1", "space.batch_size=32"),
    "digits-cnn-random": ("trainer.options.filters=4",),
}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_its_short_form_runs_to_a_result(path: Path, cli: CliRunner, data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    loaded = Study.load(path, environment={})
    method = loaded.search.method
    monkeypatch.setenv("HPSEARCH_HOME", str(cli.folder / "home"))
    monkeypatch.setenv("HPSEARCH_DATA", str(data_dir))
    epochs = 1 if method == "grid" else 2
    settings = [f"trainer.epochs={epochs}", "resources.address=none", "tracking.mlflow=none", *SHORT[method]]
    settings += [*SMALL.get(path.stem, ()), *EARLY.get(loaded.prune.method if loaded.prune else "", ())]
    answer = cli.invoke("run", path, "--json", *(word for setting in settings for word in ("--set", setting)))
    assert answer.code == 0, answer.err
    outcome = json.loads(answer.out)
    assert outcome["trials"]["failed"] == 0
    assert outcome["trials"]["complete"] > 0
    assert math.isfinite(outcome["best"]["value"])
