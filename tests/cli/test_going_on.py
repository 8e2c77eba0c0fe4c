"""A search that is broken off, wherever, comes to what it would have come to unbroken."""

from typing import Any

import pytest

from tests.cli.cli_runner import CliRunner, X, content

SPACE = f"{X}\nkind = [1, 2]\ndrift = {{ low = 0.1, high = 0.5, when = {{ kind = 1 }} }}"
METHODS = {
    "grid": 'method = "grid"',
    "random": 'method = "random"\ntrials = 4',
    "bayesian": 'method = "bayesian"\ntrials = 7\nstartup_trials = 3',
    "coarse-to-fine": (
        'method = "coarse-to-fine"\nrounds = [{ trials = 4, epochs = 1 }, { trials = 2, epochs = 2 },'
        " { trials = 2, epochs = 3 }]"
    ),
    "recipe": 'method = "recipe"\nbudget = { epochs = 16 }\npreflight = false',
}
SLOW = "pace = 0.021"
"""Longer than a worker's slice, so that every epoch is reported by itself."""

HALVING = '[prune]\nmethod = "halving"\n'


def written(cli: CliRunner, method: str, options: str = "", more: str = "") -> None:
    space = "x = { low = 0.0, high = 1.0, points = 2 }\nkind = [1, 2]" if method == "grid" else SPACE
    cli.study(METHODS[method], space=space, options=options, more=more)


def unbroken(cli: CliRunner) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(cli.folder / "unbroken"))
        assert cli.run().code == 0
        return cli.export()


@pytest.mark.parametrize(
    "method", [one if one in ("bayesian", "recipe") else pytest.param(one, marks=pytest.mark.slow) for one in METHODS]
)
def test_interrupted_in_every_epoch(cli: CliRunner, method: str) -> None:
    """Run and broken off again and again, one epoch further each time, until it comes to its end."""
    written(cli, method, SLOW)
    whole = unbroken(cli)
    epochs = cli.trained()
    cli.epoch_log.unlink()
    (cli.folder / "bell").write_text("1 SIGINT")
    codes = []
    while not codes or codes[-1] == 130:
        codes.append(cli.run().code)
        (cli.folder / "bell").write_text(f"{cli.trained() + 1} SIGINT")
    assert codes == [130] * epochs + [0]
    assert cli.invoke("status", "toy", "--json").data["state"] == "COMPLETE"
    assert content(cli.export()) == content(whole)
    assert cli.trained() == epochs


@pytest.mark.parametrize("method", METHODS)
def test_interrupted_where_many_epochs_are_reported_at_once(cli: CliRunner, method: str) -> None:
    """How many that are depends on how busy the machine is: also how many are trained that are not needed."""
    written(cli, method, more=HALVING)
    whole = unbroken(cli)
    cli.epoch_log.unlink()
    codes = []
    while not codes or codes[-1] == 130:
        (cli.folder / "bell").write_text(f"{cli.trained() + 3} SIGINT")
        codes.append(cli.run().code)
    assert codes == [130] * (len(codes) - 1) + [0]
    assert len(codes) > 2
    assert content(cli.export()) == content(whole)


def test_coarse_to_fine_continues_from_checkpoints(cli: CliRunner) -> None:
    written(cli, "coarse-to-fine")
    data = cli.run("--json").data
    trials = cli.export()["trials"]
    assert sum(len(trial["curve"]) for trial in trials) == data["epochs_trained"] == cli.trained()
    continued = [trial for trial in trials if trial["round"] > 1 and trial["origin"].startswith("round 1")]
    assert continued
    kinds = [(one["trial"], one["kind"]) for one in cli.export()["decisions"]]
    assert (continued[0]["number"], "continue") in kinds


class TestAtTheEndOfARun:
    def test_first_signal_lets_the_epoch_end(self, cli: CliRunner) -> None:
        cli.study(options=SLOW)
        (cli.folder / "bell").write_text("2 SIGINT")
        answer = cli.run()
        assert answer.code == 130
        assert "SIGINT" in answer.out.splitlines()[0]
        assert len(answer.err.splitlines()) == 1
        (trial,) = cli.export()["trials"]
        assert (trial["state"], trial["cause"], len(trial["curve"])) == ("WAITING", "interrupted", 2)
        assert cli.invoke("status", "toy", "--json").data["state"] == "STOPPED"

    def test_sigterm(self, cli: CliRunner) -> None:
        cli.study()
        (cli.folder / "bell").write_text("2 SIGTERM")
        answer = cli.run("--json")
        assert answer.code == 143
        assert (answer.data["state"], answer.data["cause"]) == ("STOPPED", "interrupted")
        assert "SIGTERM" in answer.data["reason"]
        assert cli.run().code == 0

    def test_second_signal_breaks_the_epoch_off(self, cli: CliRunner) -> None:
        cli.study(options=SLOW)
        (cli.folder / "bell").write_text("2 SIGINT SIGINT")
        answer = cli.run("--json")
        assert answer.code == 130
        assert (answer.data["trials"]["waiting"], answer.data["epochs_trained"]) == (1, 1)
        (trial,) = cli.export()["trials"]
        assert (trial["state"], len(trial["curve"])) == ("WAITING", 1)
        assert cli.run().code == 0
        assert cli.trained() == 4 * 3 + 1
