"""`hpsearch plan` says what a study begins with, and commands that use one metric say which of several goals."""

from tests.cli.cli_runner import CliRunner

GOALS = 'objectives = [ { metric = "val_loss", goal = "minimize" }, { metric = "weight", goal = "minimize" } ]'


def test_known_points_and_earlier_studies(cli: CliRunner) -> None:
    cli.study('method = "random"\ntrials = 6')
    cli.run()
    cli.study('method = "bayesian"\ntrials = 4\nlearn_from = ["toy"]\nfirst = [ { x = 0.5 } ]')
    answer = cli.invoke("plan", "study.toml", "--set", 'study.name="second"', "--json")
    evidence = answer.data["evidence"]
    assert evidence["first"] == 1
    assert [(one["study"], len(one["trials"])) for one in evidence["sources"]] == [("toy", 6)]
    text = cli.invoke("plan", "study.toml", "--set", 'study.name="second"').out
    assert "known points first: 1 trial" in text
    cli.run("--set", 'study.name="second"')
    after = cli.invoke("plan", "study.toml", "--set", 'study.name="second"', "--json").data["evidence"]
    assert [one["trials"] for one in after["sources"]] == [6]


def test_an_earlier_study_that_is_not_recorded_is_found_by_plan(cli: CliRunner) -> None:
    cli.study('method = "bayesian"\ntrials = 4\nlearn_from = ["nothing"]')
    answer = cli.invoke("plan", "study.toml")
    assert (answer.code, cli.files()) == (2, [])
    assert answer.names("search.learn_from", "nothing")


def test_commands_that_use_the_first_goal_say_so(cli: CliRunner) -> None:
    cli.study()
    cli.change(('metric = "val_loss"\ngoal = "minimize"', GOALS))
    assert cli.run().code == 0
    note = "only the first of the goals val_loss, weight is used"
    assert note in cli.invoke("doctor", "toy").out
    cli.run("--set", 'study.name="second"')
    assert note in cli.invoke("compare", "toy", "second").out
