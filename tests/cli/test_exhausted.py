"""A search that has started a trial for every point of its space ends: each point has one trial."""

import pytest

from tests.cli.cli_runner import CliRunner

METHODS = {
    "random": 'method = "random"\ntrials = 9',
    "tpe": 'method = "bayesian"\ntrials = 9\nstartup_trials = 2',
    "gp": 'method = "bayesian"\nsampler = "gp"\ntrials = 9\nstartup_trials = 2',
    "cmaes": 'method = "bayesian"\nsampler = "cmaes"\ntrials = 9\nstartup_trials = 2',
    "coarse-to-fine": 'method = "coarse-to-fine"\nrounds = [{ trials = 8, epochs = 1 }, { trials = 6, epochs = 3 }]',
    "recipe, rounds": (
        'method = "recipe"\npreflight = false\nrounds = [{ trials = 8, epochs = 1 }, { trials = 6, epochs = 3 }]'
    ),
    "recipe, budget": 'method = "recipe"\npreflight = false\nbudget = { epochs = 60 }',
}
SPACE = "x = [0.25, 0.75]\nn = { low = 1, high = 2 }"


@pytest.mark.parametrize("method", METHODS)
def test_each_point_has_one_trial(cli: CliRunner, method: str) -> None:
    cli.study(METHODS[method], space=SPACE)
    answer = cli.run("--json")
    assert answer.code == 0
    export = cli.export()
    repeats = [trial for trial in export["trials"] if "another seed" in trial["origin"]]
    assert len(export["trials"]) - len(repeats) == 4
    points = {tuple(trial["params"].items()) for trial in export["trials"]}
    assert len(points) == 4
    assert answer.data["state"] == "COMPLETE"
    if method != "recipe, budget":
        assert (answer.data["cause"], answer.data["cause_numbers"]) == ("exhausted", {"points": 4})
    trained = cli.trained()
    again = cli.run("--json")
    assert (again.code, again.data["cause"], again.data["trials"]) == (0, answer.data["cause"], answer.data["trials"])
    assert cli.trained() == trained == sum(len(trial["curve"]) for trial in export["trials"])


@pytest.mark.parametrize(
    ("search", "points"),
    [
        ('method = "grid"', 4),
        ('method = "list"\nsets = [{ params = { x = 0.25, n = 1 } }, { params = { x = 0.25, n = 1 } }]', 1),
    ],
)
def test_grids_and_lists_end_after_their_points(cli: CliRunner, search: str, points: int) -> None:
    cli.study(search, space=SPACE)
    answer = cli.run("--json")
    assert (answer.data["cause"], answer.data["trials"]["complete"]) == ("done", points)


def test_the_sentence(cli: CliRunner) -> None:
    cli.study(METHODS["random"], space=SPACE)
    assert "the space is exhausted: a trial has been started for each of its 4 points" in cli.run().out.splitlines()


def test_the_plan_has_as_many_trials_as_points(cli: CliRunner) -> None:
    cli.study(METHODS["random"], space=SPACE)
    data = cli.invoke("plan", "study.toml", "--json").data
    assert (data["trials"], data["epochs"], len(data["first"])) == (4, 12, 4)


def test_an_interrupted_search_ends_at_the_same_points(cli: CliRunner) -> None:
    cli.study(METHODS["coarse-to-fine"], space=SPACE, options="pace = 0.021")
    (cli.folder / "bell").write_text("6 SIGINT")
    assert cli.run().code == 130
    assert cli.run("--json").data["cause"] == "exhausted"
    assert len(cli.export()["trials"]) == 4
    assert cli.trained() == 12
