"""`[study] require`: requirements on results."""

import pytest

from tests.cli.cli_runner import CliRunner

GRID = 'method = "grid"'
X = "x = [0.9, 0.6, 0.3, 0.1]"


def required(cli: CliRunner, text: str) -> None:
    """The losses of these trials at the last of three epochs: x + 0.12; see test_target.py."""
    cli.study(GRID, trainer="tests.cli.trainers:slope", space=X)
    cli.change(('goal = "minimize"', f'goal = "minimize"\nrequire = ["{text}"]'))


def test_a_trial_that_does_not_meet_it_is_never_the_best(cli: CliRunner) -> None:
    required(cli, "val_loss >= 0.5")
    answer = cli.run("--json")
    trials = cli.export()["trials"]
    assert (answer.code, answer.data["best"]["trial"]) == (0, 1)
    assert [bool(one["unmet"]) for one in trials] == [False, False, True, True]
    assert trials[3]["unmet"][0]["metrics"] == {"val_loss": pytest.approx(trials[3]["value"])}
    assert "required >= 0.5" in trials[3]["reason"]
    status = cli.invoke("status", "toy", "--json").data
    assert status["unmet"] == 2
    assert cli.invoke("best", "toy", "--json").data["number"] == 1
    shown = cli.invoke("show", "toy", "--json").data["trial_list"]
    assert {one["number"] for one in shown[:2]} == {0, 1}


def test_where_none_meets_it_a_looser_one_continues_the_study(cli: CliRunner) -> None:
    required(cli, "val_loss >= 50")
    answer = cli.run("--json")
    assert (answer.code, answer.data["best"]) == (3, None)
    assert cli.invoke("best", "toy").code == 3
    cli.change(("val_loss >= 50", "val_loss >= 0.5"))
    again = cli.run("--json")
    assert (again.code, again.data["best"]["trial"]) == (0, 1)
    cli.change(("val_loss >= 0.5", "val_loss >= 0.1"))
    assert cli.run().changed == {"study.require"}


def test_a_metric_that_is_never_reported_ends_the_run(cli: CliRunner) -> None:
    required(cli, "val_los >= 0.5")
    answer = cli.run()
    assert answer.code == 2
    assert answer.names("study.require", "val_los", "val_loss")
    cli.change(("val_los >=", "val_loss >="))
    assert cli.run("--json").data["best"]["trial"] == 1


def test_a_target_is_reached_only_by_a_trial_that_meets_it(cli: CliRunner) -> None:
    required(cli, "val_loss >= 0.5")
    path = cli.folder / "study.toml"
    path.write_text(path.read_text() + "[limits]\ntarget = 0.3\n")
    assert cli.run("--json").data["cause"] == "done"
