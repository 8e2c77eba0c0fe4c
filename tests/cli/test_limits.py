"""Limits of a study hold over all its runs, and a raised one goes on where it was."""

import re

import pytest

from tests.cli.cli_runner import CliRunner, content

SEARCH = 'method = "random"\ntrials = 6'
PACED = "pace = 0.02"


def limited(cli: CliRunner, limit: str) -> None:
    cli.study(SEARCH, epochs=20, options=PACED, more=f"[limits]\n{limit}\n")


def ended(cli: CliRunner) -> tuple[str, dict[str, float]]:
    """Why the study ended, for code."""
    study = cli.export()["study"]
    return study["cause"], study["cause_numbers"]


@pytest.mark.slow
def test_wall_clock_is_that_of_all_runs(cli: CliRunner) -> None:
    limited(cli, 'study = "500ms"')
    first = cli.run("--json")
    assert first.code == 0
    assert (first.data["state"], first.data["cause"], first.data["cause_numbers"]) == (
        "STOPPED",
        "limit",
        {"seconds": 0.5},
    )
    assert "limits.study" in first.data["reason"]
    assert first.data["trials"]["waiting"] <= 1
    trained = cli.trained()
    assert 0 < trained < 120
    again = cli.run("--json")
    assert ended(cli) == ("limit", {"seconds": 0.5})
    assert again.data["state"] == "STOPPED"
    assert cli.trained() == trained, "the next run has no allowance of its own"
    cli.change(('study = "500ms"', 'study = "1h"'))
    assert cli.run("--json").data["state"] == "COMPLETE"
    assert cli.trained() == 120


def test_the_time_of_a_killed_run_counts(cli: CliRunner) -> None:
    limited(cli, 'study = "1h"')
    process = cli.start("run", "study.toml")
    cli.wait_for(lambda: cli.trained() >= 30, process)
    process.kill()
    process.communicate()
    cli.change(('study = "1h"', 'study = "500ms"'))  # 30 epochs took longer than that
    trained = cli.trained()
    assert cli.run("--json").data["state"] == "STOPPED"
    assert ended(cli) == ("limit", {"seconds": 0.5})
    assert cli.trained() == trained


@pytest.mark.parametrize("limit", [1, 47, 100])
def test_epochs_are_exact(cli: CliRunner, limit: int) -> None:
    cli.study(SEARCH, epochs=40, more=f"[limits]\nepochs = {limit}\n")
    answer = cli.run("--json").data
    assert answer["epochs_trained"] == limit
    assert ended(cli) == ("limit", {"epochs": limit})
    assert sum(len(trial["curve"]) for trial in cli.export()["trials"]) == limit
    assert cli.run("--json").data["epochs_trained"] == limit
    cli.change((f"epochs = {limit}\n", "epochs = 1000\n"))
    cli.run()
    raised = content(cli.export())
    assert [trial["state"] for trial in raised] == ["COMPLETE"] * 6
    assert cli.trained() == 240


class TestHowToGoOn:
    """What the screen says at the end is true: the same command changes nothing, a limit above what it names does."""

    def raised(self, cli: CliRunner) -> tuple[str, list[float]]:
        """The limit that is to be raised, and the numbers that are named with it."""
        answer = cli.run()
        assert answer.code == 0
        line = answer.out.splitlines()[-1]
        return " ".join(re.findall(r"limits\.\w+", line)), [float(one) for one in re.findall(r"\d[\d.e-]*", line)]

    def test_epochs(self, cli: CliRunner) -> None:
        limited(cli, "epochs = 30")
        for _ in range(2):
            assert self.raised(cli) == ("limits.epochs", [30, 120])
            assert cli.trained() == 30
        cli.change(("epochs = 30", "epochs = 31"))
        cli.run()
        assert cli.trained() == 31
        cli.change(("epochs = 31", "epochs = 10"))
        assert self.raised(cli) == ("limits.epochs", [31, 120]), "what is trained counts, not the limit"

    def test_wall_clock(self, cli: CliRunner) -> None:
        limited(cli, 'study = "100ms"')
        assert self.raised(cli) == ("limits.study", [1])

    def test_gpu_hours(self, cli: CliRunner) -> None:
        limited(cli, "gpu_hours = 0.00001")
        cli.change(('address = "none"', 'address = "none"\nper_trial = { gpus = 1 }'))
        limit, (hours,) = self.raised(cli)
        assert (limit, hours >= 0.00001) == ("limits.gpu_hours", True)

    def test_trials(self, cli: CliRunner) -> None:
        limited(cli, "trials = 2")
        assert self.raised(cli) == ("limits.trials", [2, 6])
        cli.change(("trials = 2\n", "trials = 6\n"))
        assert self.raised(cli)[0] == "", "the search has no more trials either"

    def test_that_is_used_up_by_the_last_trial(self, cli: CliRunner) -> None:
        cli.study(SEARCH, more="[limits]\nepochs = 18\n")
        data = cli.run("--json").data
        assert (data["state"], data["cause"], data["epochs_trained"]) == ("COMPLETE", "done", 18)
        assert cli.run("--json").data["state"] == "COMPLETE"

    def test_a_lower_limit_does_not_reopen_a_search_that_is_over(self, cli: CliRunner) -> None:
        cli.study(SEARCH)
        cli.run()
        assert cli.run("--json", "--set", "limits.epochs=2").data["state"] == "COMPLETE"
