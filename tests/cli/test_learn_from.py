"""`[search] learn_from`: earlier studies on other data."""

import sqlite3
from contextlib import closing

import pytest

from hpsearch.core.trial import Params, Report
from hpsearch.orchestrator.simulation.simulated_run import simulate
from hpsearch.study.definition import Study
from hpsearch.workers.pools.simulated.played_curves import Curve
from tests.cli.cli_runner import CliRunner

FIRST = 'method = "random"\ntrials = 8'
SECOND = 'method = "bayesian"\ntrials = {}\nlearn_from = ["toy"]'
RENAMED = 'x = { low = 0.0, high = 1.0, renamed = "old" }'
"""The earlier study has the parameter by its present name already."""


def test_it_learns_and_goes_on_alike_without_the_earlier_study(cli: CliRunner) -> None:
    cli.study(FIRST)
    cli.run("--set", "study.seed=3")
    cli.study(SECOND.format(6), space=RENAMED)
    rename = ("--set", 'study.name="second"')
    answer = cli.run(*rename)
    assert 'the search learns from the ranks of 8 trials of study "toy"' in answer.err
    whole = cli.export("second")
    assert whole["trials"][0]["origin"].startswith("learn_from: ")
    (source,) = whole["evidence"]
    assert (source["kind"], source["trials"], source["learns"]) == ("learn_from", 8, True)

    cli.study(SECOND.format(4), space=RENAMED)
    cli.run("--set", 'study.name="third"')
    _rename_study(cli, "toy", "gone")
    cli.study(SECOND.format(6), space=RENAMED)
    assert cli.run("--set", 'study.name="third"').code == 0
    params = [trial["params"] for trial in whole["trials"]]
    assert [trial["params"] for trial in cli.export("third")["trials"]] == params


def test_an_earlier_study_that_is_not_recorded(cli: CliRunner) -> None:
    cli.study(FIRST)
    cli.run()
    cli.study(SECOND.format(4).replace('"toy"', '"toi"'))
    answer = cli.run("--set", 'study.name="second"')
    assert answer.code == 2
    assert "`toi`" in answer.err
    assert "toy" in answer.err
    assert [one["study"] for one in cli.invoke("status", "--json").data] == ["toy"]


def test_what_cannot_be_used_is_said(cli: CliRunner) -> None:
    cli.study('method = "random"\ntrials = 3')
    cli.run()
    cli.study(SECOND.format(4))
    answer = cli.run("--set", 'study.name="second"')
    assert 'study "toy" is not used' in answer.err
    (source,) = cli.export("second")["evidence"]
    assert (source["trials"], source["why_not"] != "") == (0, True)


def test_a_fork_uses_what_its_origin_has_recorded_of_a_deleted_study(cli: CliRunner) -> None:
    cli.study(FIRST)
    cli.run()
    cli.study(SECOND.format(4))
    cli.run("--set", 'study.name="second"')
    _rename_study(cli, "toy", "gone")
    cli.study(SECOND.format(5))
    answer = cli.run("--set", 'study.name="second"', "--set", "space.x.high=0.9", "--fork", "third")
    assert answer.code == 0
    learned = [one for one in cli.export("third")["evidence"] if one.get("kind") == "learn_from"]
    assert [(one["source"], one["trials"]) for one in learned] == [('study "toy"', 8)]
    assert cli.run("--set", 'study.name="fourth"').code == 2


def test_a_random_search_begins_with_the_best_points(cli: CliRunner) -> None:
    cli.study(FIRST)
    cli.run()
    best = cli.invoke("best", "toy", "--json").data["params"]
    cli.study('method = "random"\ntrials = 4\nlearn_from = ["toy"]')
    rename = ("--set", 'study.name="second"')
    planned = cli.invoke("plan", "study.toml", *rename, "--json").data["first"]
    cli.run(*rename)
    trials = cli.export("second")["trials"]
    assert [one["params"] for one in trials] == planned
    assert trials[0]["params"] == best


def test_two_goals(cli: CliRunner) -> None:
    """The trials at the ends of the front come first: those with the best value by one of the goals."""
    goals = [f'{{ metric = "{name}", goal = "minimize" }}' for name in ("val_loss", "gap")]
    two = ('metric = "val_loss"\ngoal = "minimize"', f"objectives = [{', '.join(goals)}]")
    grid = "x = [0.95, 0.9, 0.6, 0.3, 0.1]"
    cli.study('method = "grid"', trainer="tests.cli.trainers:two_goals", space=grid, epochs=1)
    cli.change(two)
    cli.run()
    cli.study('method = "random"\ntrials = 4\nlearn_from = ["toy"]', trainer="tests.cli.trainers:two_goals", epochs=1)
    cli.change(two)
    cli.run("--set", 'study.name="second"')
    assert {one["params"]["x"] for one in cli.export("second")["trials"][:2]} == {0.1, 0.6}


@pytest.mark.parametrize(
    "search",
    [
        'method = "grid"\nlearn_from = ["a"]',
        'method = "list"\nsets = [{ params = { x = 0.5 } }]\nlearn_from = ["a"]',
        'method = "bayesian"\ntrials = 3\nlearn_from = ["a", "a"]',
        'method = "bayesian"\ntrials = 3\nlearn_from = []',
        'method = "bayesian"\ntrials = 3\nlearn_from = "a"',
        'method = "bayesian"\ntrials = 3\nlearn_from = [3]',
        'method = "auto"\nbudget = { epochs = 30 }\nlearn_from = ["a", "a"]',
    ],
)
def test_wrong_forms(cli: CliRunner, search: str) -> None:
    cli.study(search, space="x = { low = 0.0, high = 1.0, step = 0.1 }")
    answer = cli.invoke("check", "study.toml")
    assert answer.code == 2
    assert "search.learn_from" in answer.err + answer.out


class _Falling:
    def curve(self, params: Params, seed: int, epochs: int) -> Curve:
        reports = tuple(Report(epoch, {"val_loss": params["x"] / epoch}) for epoch in range(1, epochs + 1))
        return Curve(reports, (1.0,) * epochs)


def test_a_simulation_learns_too(cli: CliRunner) -> None:
    cli.study(FIRST)
    cli.run()
    cli.study(SECOND.format(4))
    study = Study.load(cli.folder / "study.toml", ['study.name="second"'])

    run = simulate(study, _Falling())
    assert run.history[0].origin.startswith("learn_from: ")


def _rename_study(cli: CliRunner, old: str, new: str) -> None:

    (journal,) = cli.folder.rglob("journal.db")
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("UPDATE hpsearch_studies SET name = ? WHERE name = ?", (new, old))
