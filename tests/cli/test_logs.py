"""`hpsearch logs`, of a study on Ray: what its trials wrote, and that none sees what another one changed."""

from pathlib import Path

import pytest

from tests.cli.cli_runner import CliRunner


@pytest.mark.xdist_group("ray")
@pytest.mark.slow
def test_trials_on_ray_are_processes_of_their_own(cli: CliRunner) -> None:
    """Each way changes something for the process that it is trained in."""
    ways = ["writes", "chdir", "fine"]
    cli.study(
        'method = "grid"',
        trainer="tests.support.process_toys:train",
        epochs=2,
        space=f"how = {ways!r}".replace("'", '"'),
    )
    cli.change(('address = "none"', "workers = 1"))
    assert cli.run().code == 0
    trials = cli.export()["trials"]
    assert [trial["state"] for trial in trials] == ["COMPLETE"] * 3
    assert [trial["value"] for trial in trials] == [1.0] * 3, "no trial was trained in the process before"
    assert len({point["order"] for trial in trials for point in trial["curve"]}) == 1
    answer = cli.invoke("logs", "toy", 0)
    assert answer.out.splitlines() == [
        "imported",
        "print",
        "logging",
        "descriptor 1",
        "child process",
        "100%",
        "atexit",
    ]
    assert cli.invoke("logs", "toy", 0, "--follow").out == answer.out
    data = cli.invoke("logs", "toy", 1, "--json").data
    assert (data["study"], data["trial"], data["output"]) == ("toy", 1, "imported\n")
    assert data["log"].endswith("trial-00001.log")
    Path(data["log"]).unlink()
    assert cli.invoke("logs", "toy", 1).out == "(trial 1 has printed nothing)\n"


def test_in_this_process_there_is_none(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    answer = cli.invoke("logs", "toy", 0)
    assert (answer.code, answer.out) == (2, "")
    assert "prints to the terminal" in answer.err


def test_a_trial_that_is_not_there(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    assert cli.invoke("logs", "toy", 4).code == 2


def test_follow_is_no_document(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    assert cli.invoke("logs", "toy", 0, "--follow", "--json").code == 2
