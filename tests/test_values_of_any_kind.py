"""Lists, tables, "none" and booleans beside numbers: recorded, shown, exported, learned from, and read back."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.core.trial import value_key
from hpsearch.samplers.optuna.importance import importance
from hpsearch.samplers.optuna.study_file import write_study
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.support.optuna_study import optuna_study

__all__ = ["cli"]  # a fixture

STUDY = """
[study]
name = "toy"
metric = "val_loss"
goal = "minimize"
[trainer]
use = "values:train"
epochs = 2
nested = true
[space]
x = { low = 0.0, high = 1.0 }
net.layers = [[64], [64, 64], [128, 64, 32]]
net.augment = { values = [{ flip = true }, { flip = true, crop = [1, 2.5] }], names = ["light", "strong"] }
clip = { values = ["none", 0.5, 1, true], none = true }
[search]
method = "random"
trials = 24
[resources]
workers = 1
address = "none"
[tracking]
mlflow = "none"
"""

TRAINER = """
from hpsearch import Report

def train(params, run):
    size = len(params["net"]["layers"]) + len(params["net"]["augment"]) + {None: 0, 0.5: 1}.get(params["clip"], 2)
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": params["x"] + size / epoch})
"""


@pytest.fixture
def ran(cli: CliRunner) -> CliRunner:
    (cli.folder / "values.py").write_text(TRAINER)
    (cli.folder / "study.toml").write_text(STUDY)
    assert cli.run().code == 0
    return cli


def test_they_go_out_and_come_back(ran: CliRunner, tmp_path: Path) -> None:
    trials = ran.export("toy")["trials"]
    values = {value_key(one["params"]["net.layers"]) for one in trials}
    assert values == {"[64]", "[64, 64]", "[128, 64, 32]"}
    assert {repr(one["params"]["clip"]) for one in trials} == {"'none'", "0.5", "1", "True"}
    rows = list(csv.DictReader(io.StringIO(ran.invoke("export", "toy", "--format", "csv").out)))
    by_number = {int(row["number"]): row for row in rows}
    for one in trials:
        assert json.loads(by_number[one["number"]]["params.net.layers"]) == one["params"]["net.layers"]
        assert json.loads(by_number[one["number"]]["params.net.augment"]) == one["params"]["net.augment"]
    assert ran.invoke("export", "toy", "--format", "parquet", "-o", str(tmp_path / "toy.parquet")).code == 0
    assert ran.invoke("reproduce", "toy", "3").code == 0
    assert ran.invoke("report", "toy", "-o", str(tmp_path / "toy.html")).code == 0
    more = (ran.folder / "study.toml").read_text().replace("trials = 24", "trials = 26")
    (ran.folder / "study.toml").write_text(more)
    assert ran.run().code == 0
    assert [one["params"] for one in ran.export("toy")["trials"]][:24] == [one["params"] for one in trials]
    learning = more.replace('"random"', '"bayesian"')
    (ran.folder / "study.toml").write_text(learning)
    assert ran.run("--fork", "next").code == 0
    assert "tpe" in ran.export("next")["trials"][0]["origin"]


def test_names_are_on_screens(ran: CliRunner) -> None:
    for screen in (
        ran.invoke("show", "toy", "0").out,
        ran.invoke("show", "toy").out,
        ran.invoke("plan", "study.toml", "--set", "study.name=another").out,
    ):
        assert "light" in screen or "strong" in screen
        assert "flip" not in screen


def test_optuna_gets_names_or_texts(ran: CliRunner, tmp_path: Path) -> None:
    found = hpsearch.load("toy")
    space = hpsearch.Study.load("study.toml").space
    trials = list(found._found.trials)
    write_study(tmp_path / "o.db", "toy", found._study.objective, space, trials)
    exported = optuna_study("toy", tmp_path / "o.db").trials
    for one, own in zip(exported, trials, strict=True):
        assert json.loads(one.params["net.layers"]) == own.params["net.layers"]
        assert one.params["net.augment"] == {1: "light", 2: "strong"}[len(own.params["net.augment"])]
        assert one.params["clip"] == str(own.params["clip"])


def test_frames_plots_and_importance(ran: CliRunner) -> None:
    found: Any = hpsearch.load("toy")
    frame = found.trials
    assert [value_key(one) for one in frame["net.layers"]] == [
        value_key(t.params["net.layers"]) for t in found._found.trials
    ]
    assert set(frame["clip"].map(repr)) == {"'none'", "0.5", "1", "True"}
    figure = found.plot_parameters()
    drawn = {x for trace in figure.data for x in trace.x if isinstance(x, str)}
    assert {"light", "strong", "[64, 64]", "none"} <= drawn
    shares = importance(found._found.trials, found._study.objective, found._study.space).shares
    assert set(shares) == {"x", "net.layers", "net.augment", "clip"}
