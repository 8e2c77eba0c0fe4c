"""`[study] objectives`: a study with two goals, from the file to what is shown and exported."""

import csv
import io
from pathlib import Path

import pytest

import hpsearch
from hpsearch.records.find import opened
from hpsearch.reports import content, page
from tests.cli.cli_runner import CliRunner
from tests.support.optuna_study import optuna_study

GRID = 'method = "grid"'
X = 'x = { values = [0.9, 0.6, 0.3, 0.1], names = ["large", "medium", "small", "tiny"] }'
GOALS = '{ metric = "val_loss", goal = "minimize" }, { metric = "gap", goal = "minimize" }'


@pytest.fixture
def two(cli: CliRunner) -> CliRunner:
    """Trial 0 is dominated: its loss and its gap are the largest. Of the others the gap falls as the loss rises."""
    cli.study(GRID, trainer="tests.cli.trainers:two_goals", space=X, epochs=1)
    cli.change(('metric = "val_loss"\ngoal = "minimize"', f"objectives = [{GOALS}]"))
    return cli


def test_the_front_is_in_the_results_of_run_status_show_and_best(two: CliRunner) -> None:
    answer = two.run("--json")
    assert answer.code == 0
    assert [one["trial"] for one in answer.data["front"]] == [3, 2, 1]
    assert answer.data["front"][0]["values"] == {"val_loss": 0.1, "gap": pytest.approx(0.9)}
    assert answer.data["best"]["trial"] == 3
    for verb in ("status", "show", "best"):
        assert [one["trial"] for one in two.invoke(verb, "toy", "--json").data["front"]] == [3, 2, 1]
        assert "gap" in two.invoke(verb, "toy").out
    for words in (["status", "toy"], ["show", "toy"], ["best", "toy"], ["doctor", "toy", "3"]):
        assert "tiny" in two.invoke(*words).out, words


def test_best_takes_a_preference(two: CliRunner) -> None:
    two.run()
    assert two.invoke("best", "toy", "--prefer", "gap <= 0.75", "--json").data["preferred"]["trial"] == 2
    assert two.invoke("best", "toy", "--prefer", "gap <= 0.01").code == 3
    assert two.invoke("best", "toy", "--prefer", "gap").is_refused
    answer = two.invoke("best", "toy", "--prefer", "gp <= 0.75")
    assert answer.is_refused
    assert "did you mean `gap`?" in answer.err


def test_a_preference_is_refused_with_one_goal(cli: CliRunner) -> None:
    cli.study(GRID, trainer="tests.cli.trainers:slope", space="x = [0.9]")
    answer = cli.run("--json")
    assert "front" not in answer.data
    assert "front" not in cli.invoke("status", "toy", "--json").data
    assert cli.invoke("best", "toy", "--prefer", "val_loss <= 1").is_refused


def test_exports_have_all_goals(two: CliRunner) -> None:
    two.run()
    document = two.export()
    assert document["study"]["front"] == [3, 2, 1]
    assert [one["goal"] for one in document["study"]["objectives"]] == ["minimize", "minimize"]
    assert document["trials"][1]["values"] == {"val_loss": 0.6, "gap": pytest.approx(0.4)}
    rows = list(csv.DictReader(io.StringIO(two.invoke("export", "toy", "--format", "csv").out)))
    assert [row["on_front"] for row in rows] == ["False", "True", "True", "True"]
    path = two.folder / "study.db"
    two.invoke("export", "toy", "--format", "optuna", "-o", str(path))
    study = optuna_study("toy", path)
    assert sorted(one.user_attrs["number"] for one in study.best_trials) == [1, 2, 3]


def test_in_python_and_in_the_report(two: CliRunner) -> None:
    two.run()
    recorded = hpsearch.load(two.folder / "study.toml")
    assert [one.number for one in recorded.front] == [3, 2, 1]
    assert recorded.best.values == {"val_loss": 0.1, "gap": pytest.approx(0.9)}
    with opened(str(two.folder / "study.toml")) as (journal, study):
        text = page.report(content.read(journal, study))
    assert '<section id="front">' in text
    assert "Pareto front of 3 trials: minimize val_loss and minimize gap" in text
    assert "<td>tiny</td>" in text


def test_a_goal_that_is_never_reported_ends_the_run(two: CliRunner) -> None:
    two.change(('metric = "gap"', 'metric = "gapp"'))
    answer = two.run()
    assert answer.code == 2
    assert answer.names("study.objectives.1.metric", "gapp", "gap")


def test_a_second_run_and_other_goals(two: CliRunner, tmp_path: Path) -> None:
    two.run()
    assert two.run("--json").data["front"][0]["trial"] == 3
    two.change(('metric = "gap"', 'metric = "signal"'))
    assert two.run().changed
