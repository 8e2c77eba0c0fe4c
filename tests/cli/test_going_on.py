"""A search that is broken off, wherever, comes to what it would have come to unbroken."""

from typing import Any

import pytest

from tests.cli.desk import Desk, X, content

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


def written(desk: Desk, method: str, options: str = "", more: str = "") -> None:
    space = "x = { low = 0.0, high = 1.0, points = 2 }\nkind = [1, 2]" if method == "grid" else SPACE
    desk.study(METHODS[method], space=space, options=options, more=more)


def unbroken(desk: Desk) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(desk.folder / "unbroken"))
        assert desk.run().code == 0
        return desk.export()


@pytest.mark.parametrize("method", METHODS)
def test_interrupted_in_every_epoch(desk: Desk, method: str) -> None:
    """Run and broken off again and again, one epoch further each time, until it comes to its end."""
    written(desk, method, SLOW)
    whole = unbroken(desk)
    epochs = desk.trained()
    desk.diary.unlink()
    (desk.folder / "bell").write_text("1 SIGINT")
    codes = []
    while not codes or codes[-1] == 130:
        codes.append(desk.run().code)
        (desk.folder / "bell").write_text(f"{desk.trained() + 1} SIGINT")
    assert codes == [130] * epochs + [0]
    assert desk.hp("status", "toy", "--json").data["state"] == "COMPLETE"
    assert content(desk.export()) == content(whole)
    assert desk.trained() == epochs


@pytest.mark.parametrize("method", METHODS)
def test_interrupted_where_many_epochs_are_reported_at_once(desk: Desk, method: str) -> None:
    """How many that are depends on how busy the machine is: also how many are trained that are not needed."""
    written(desk, method, more=HALVING)
    whole = unbroken(desk)
    desk.diary.unlink()
    codes = []
    while not codes or codes[-1] == 130:
        (desk.folder / "bell").write_text(f"{desk.trained() + 3} SIGINT")
        codes.append(desk.run().code)
    assert codes == [130] * (len(codes) - 1) + [0]
    assert len(codes) > 2
    assert content(desk.export()) == content(whole)


def test_coarse_to_fine_continues_from_checkpoints(desk: Desk) -> None:
    written(desk, "coarse-to-fine")
    data = desk.run("--json").data
    trials = desk.export()["trials"]
    assert sum(len(trial["curve"]) for trial in trials) == data["epochs_trained"] == desk.trained()
    continued = [trial for trial in trials if trial["round"] > 1 and trial["origin"].startswith("round 1")]
    assert continued
    kinds = [(one["trial"], one["kind"]) for one in desk.export()["decisions"]]
    assert (continued[0]["number"], "continue") in kinds


class TestAtTheEndOfARun:
    def test_first_signal_lets_the_epoch_end(self, desk: Desk) -> None:
        desk.study(options=SLOW)
        (desk.folder / "bell").write_text("2 SIGINT")
        answer = desk.run()
        assert answer.code == 130
        assert answer.out.startswith("toy: stopped by SIGINT\n1 trial: 1 interrupted (will resume); 2 epochs in ")
        assert answer.out.endswith("run the same command again to go on\n")
        assert answer.err == "stopping: running trials end their epoch (at most 25 s); again to stop at once\n"
        (trial,) = desk.export()["trials"]
        assert (trial["state"], trial["cause"], len(trial["curve"])) == ("WAITING", "interrupted", 2)
        assert desk.hp("status", "toy", "--json").data["state"] == "STOPPED"

    def test_sigterm(self, desk: Desk) -> None:
        desk.study()
        (desk.folder / "bell").write_text("2 SIGTERM")
        answer = desk.run("--json")
        assert answer.code == 143
        assert answer.data["reason"] == "stopped by SIGTERM"
        assert desk.run().code == 0

    def test_second_signal_breaks_the_epoch_off(self, desk: Desk) -> None:
        desk.study(options=SLOW)
        (desk.folder / "bell").write_text("2 SIGINT SIGINT")
        answer = desk.run("--json")
        assert answer.code == 130
        assert (answer.data["trials"]["waiting"], answer.data["epochs_trained"]) == (1, 1)
        (trial,) = desk.export()["trials"]
        assert (trial["state"], len(trial["curve"])) == ("WAITING", 1)
        assert desk.run().code == 0
        assert desk.trained() == 4 * 3 + 1
