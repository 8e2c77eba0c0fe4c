"""study.metric is part of what a study is, but for a name that no trial has ever reported: that was a mistake."""

from tests.cli.cli_runner import CliRunner

WRONG, RIGHT = 'metric = "val_los"', 'metric = "val_loss"'


def test_a_name_that_was_never_reported_is_corrected(cli: CliRunner) -> None:
    cli.study()
    cli.change((RIGHT, WRONG))
    assert cli.run().code == 2
    assert cli.invoke("status", "toy", "--json").data["best"] is None
    cli.change((WRONG, RIGHT))
    assert cli.run().code == 0
    trials = cli.export()["trials"]
    assert [one["state"] for one in trials] == ["FAILED", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert all(one["value"] is not None for one in trials), "what the first had reported counts"
    best = cli.invoke("status", "toy", "--json").data["best"]
    assert best["value"] == min(one["value"] for one in trials)
    assert cli.run().code == 0, "it is recorded with this name"


def test_it_may_be_corrected_again(cli: CliRunner) -> None:
    cli.study()
    cli.change((RIGHT, WRONG))
    cli.run()
    cli.change((WRONG, 'metric = "another"'))
    assert cli.run().code in (2, 3)
    cli.change(('metric = "another"', RIGHT))
    assert cli.run().code == 0


def test_one_that_was_reported_is_not(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    cli.change((RIGHT, 'metric = "weight"'))
    refused = cli.run()
    assert (refused.code, refused.changed) == (2, {"study.metric"})


def test_nothing_else_may_change_with_it(cli: CliRunner) -> None:
    cli.study()
    cli.change((RIGHT, WRONG))
    cli.run()
    cli.change((WRONG, RIGHT), ("seed = 3", "seed = 4"))
    refused = cli.run()
    assert (refused.code, refused.changed) == (2, {"study.seed"})
