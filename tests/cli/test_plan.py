"""`hpsearch plan`: what a study will run, without running it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.cli_runner import RANDOM, CliRunner
from tests.cli.test_going_on import METHODS


@pytest.mark.parametrize(
    ("method", "rounds", "epochs"),
    [
        ("grid", [(4, 3, 0)], 12),
        ("random", [(4, 3, 0)], 12),
        ("bayesian", [(7, 3, 0)], 21),
        ("coarse-to-fine", [(4, 1, 0), (2, 2, 1), (2, 3, 1)], 4 + (1 + 2) + (1 + 3)),
    ],
)
def test_the_plan_equals_the_run(cli: CliRunner, method: str, rounds: list[tuple[int, int, int]], epochs: int) -> None:
    space = "x = { low = 0.0, high = 1.0, points = 2 }\nkind = [1, 2]"
    cli.study(METHODS[method], space=space)
    plan = cli.invoke("plan", "study.toml", "--json").data
    assert cli.files() == []
    assert [(one["trials"], one["epochs"], one["continued"]) for one in plan["rounds"]] == rounds
    assert (plan["trials"], plan["epochs"]) == (sum(one[0] for one in rounds), epochs)
    assert plan["seconds"] is None
    assert cli.run("--json").data["epochs_trained"] == epochs
    document = cli.export()
    assert plan["first"] == [trial["params"] for trial in document["trials"][: len(plan["first"])]]
    started = sum(one["kind"] in ("propose", "continue") for one in document["decisions"])
    assert started == plan["trials"]


def test_with_priors_only_the_first_proposal_is_certain(cli: CliRunner) -> None:
    """Whether later ones are drawn from a prior depends on the results."""
    cli.study(METHODS["random"], space="x = { low = 0.0, high = 1.0, prior = { value = 0.25 } }")
    assert cli.invoke("plan", "study.toml", "--json").data["first"] == [{"x": 0.25}]
    assert "later proposals depend on results" in cli.invoke("plan", "study.toml").out


def test_auto_is_planned_by_its_epochs_and_keeps_the_recorded_choice(cli: CliRunner) -> None:
    """A larger budget would choose another search today."""
    cli.study('method = "auto"\nbudget = { epochs = 5 }')
    plan = cli.invoke("plan", "study.toml", "--json").data
    assert (plan["trials"], plan["rounds"], plan["epochs"], plan["auto"]["search"]) == (None, [], 5, "random")
    assert "as many trials as 5 epochs allow, each of up to 3 epochs" in cli.invoke("plan", "study.toml").out
    cli.run()
    cli.change(("epochs = 5 }", "epochs = 60 }"))
    for command in ("check", "plan"):
        assert cli.invoke(command, "study.toml", "--json").data["auto"]["search"] == "random"
    cli.change(('name = "toy"', 'name = "other"'))
    assert cli.invoke("check", "study.toml", "--json").data["auto"]["search"] == "tpe"


def test_trials_without_checkpoints_are_forecast_as_they_are_trained(cli: CliRunner) -> None:
    """Known from the first run on: what the plan says is then what was counted and what was really trained."""
    cli.study(METHODS["coarse-to-fine"], trainer="tests.support.toys:untracked")
    assert cli.invoke("plan", "study.toml", "--json").data["continues"] is True
    run = cli.run("--json").data
    plan = cli.invoke("plan", "study.toml", "--json").data
    trained = len(cli.epoch_log.read_text().splitlines())
    assert plan["continues"] is False
    assert plan["epochs"] == run["epochs_trained"] == plan["recorded"]["epochs"] == trained == 4 + 2 * 2 + 2 * 3


def test_the_next_proposals_of_a_recorded_study(cli: CliRunner) -> None:
    cli.study(RANDOM)
    cli.run()
    assert "proposals" not in cli.invoke("plan", "study.toml").out
    cli.study(RANDOM.replace("4", "6"))
    plan = cli.invoke("plan", "study.toml", "--json").data
    assert "next proposals" in cli.invoke("plan", "study.toml").out
    cli.run()
    assert plan["next"] == [trial["params"] for trial in cli.export()["trials"][4:]]


def test_rounds_after_another_method_are_still_to_be_trained(cli: CliRunner) -> None:
    cli.study(RANDOM)
    cli.run()
    cli.study(METHODS["coarse-to-fine"])
    plan = cli.invoke("plan", "study.toml", "--json").data
    assert plan["next"] == []
    assert plan["seconds_left"]["high"] > 0


def test_shows_at_most_five_and_no_guess(cli: CliRunner) -> None:
    for search, count in ((RANDOM.replace("4", "9"), 5), (RANDOM, 4), (METHODS["bayesian"], 3)):
        cli.study(search)
        assert len(cli.invoke("plan", "study.toml", "--json").data["first"]) == count


def test_limits_cut_it(cli: CliRunner) -> None:
    cli.study(METHODS["coarse-to-fine"], more="[limits]\ntrials = 5\n")
    plan = cli.invoke("plan", "study.toml", "--json").data
    assert [(one["trials"], one["continued"]) for one in plan["rounds"]] == [(4, 0), (2, 1)]
    assert cli.run("--json").data["epochs_trained"] == plan["epochs"]
    cli.study(METHODS["coarse-to-fine"], more="[limits]\nepochs = 5\n")
    assert cli.invoke("plan", "study.toml", "--json").data["epochs"] == 5


def test_forecast_from_what_is_recorded(cli: CliRunner) -> None:
    cli.study()
    assert cli.invoke("plan", "study.toml", "--json").data["seconds_left"] is None
    cli.run("--set", "search.trials=2")
    plan = cli.invoke("plan", "study.toml", "--json").data
    assert plan["recorded"] == {"trials": 2, "epochs": 6}
    assert plan["seconds"] == pytest.approx(12 * plan["seconds_per_epoch"])
    assert 0 <= plan["seconds_left"]["low"] <= plan["seconds_left"]["high"]
    cli.run()
    assert cli.invoke("plan", "study.toml", "--json").data["seconds_left"] == {"low": 0, "high": 0}


def test_text(cli: CliRunner) -> None:
    cli.study(METHODS["coarse-to-fine"], more="[prune]\nmethod = 'median'\n")
    lines = cli.invoke("plan", "study.toml").out.splitlines()
    assert all(word in lines[0].split() for word in ("coarse-to-fine", "val_loss"))
    assert [line.split() for line in lines[2:5]] == [
        ["1", "4", "none", "1"],
        ["2", "2", "up", "to", "1", "2"],
        ["3", "2", "up", "to", "1", "3"],
    ]
    assert all(word in lines[5] for word in ("11 epochs", "median"))


def test_of_a_bad_file(cli: CliRunner) -> None:
    cli.study(space="x = 3")
    assert cli.invoke("plan", "study.toml").code == 2


def test_every_study_of_the_project_can_be_planned(cli: CliRunner) -> None:
    folder = Path(__file__).parents[2] / "studies"
    shutil.copytree(folder, "studies", ignore=shutil.ignore_patterns(".hpsearch"))
    for file in sorted(Path("studies").glob("*.toml")):
        answer = cli.invoke("plan", file, "--json")
        assert answer.code == 0, answer.err
        assert json.loads(answer.out)["first"]
