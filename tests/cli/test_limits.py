"""Limits of a study hold over all its runs, and a raised one goes on where it was."""

import pytest

from tests.cli.desk import Desk, content

SEARCH = 'method = "random"\ntrials = 6'
PACED = "pace = 0.02"


def limited(desk: Desk, limit: str) -> None:
    desk.study(SEARCH, epochs=20, options=PACED, more=f"[limits]\n{limit}\n")


def ended(desk: Desk) -> tuple[str, dict[str, float]]:
    """Why the study came to its end, for code."""
    study = desk.export()["study"]
    return study["cause"], study["cause_numbers"]


def test_wall_clock_is_that_of_all_runs(desk: Desk) -> None:
    limited(desk, 'study = "500ms"')
    first = desk.run("--json")
    assert first.code == 0
    assert (first.data["state"], first.data["reason"]) == ("STOPPED", "limits.study = 0.5 s is used up")
    assert first.data["trials"]["waiting"] <= 1
    trained = desk.trained()
    assert 0 < trained < 120
    again = desk.run("--json")
    assert ended(desk) == ("limit", {"seconds": 0.5})
    assert again.data["state"] == "STOPPED"
    assert desk.trained() == trained, "the next run has no allowance of its own"
    desk.change(('study = "500ms"', 'study = "1h"'))
    assert desk.run("--json").data["state"] == "COMPLETE"
    assert desk.trained() == 120


def test_a_killed_run_has_used_what_it_took(desk: Desk) -> None:
    limited(desk, 'study = "1h"')
    process = desk.start("run", "study.toml")
    desk.wait_for(lambda: desk.trained() >= 30, process)
    process.kill()
    process.communicate()
    desk.change(('study = "1h"', 'study = "500ms"'))  # 30 epochs took longer than that
    trained = desk.trained()
    assert desk.run("--json").data["state"] == "STOPPED"
    assert ended(desk) == ("limit", {"seconds": 0.5})
    assert desk.trained() == trained


@pytest.mark.parametrize("limit", [1, 47, 100])
def test_epochs_are_exact(desk: Desk, limit: int) -> None:
    desk.study(SEARCH, epochs=40, more=f"[limits]\nepochs = {limit}\n")
    answer = desk.run("--json").data
    assert answer["epochs_trained"] == limit
    assert ended(desk) == ("limit", {"epochs": limit})
    assert sum(len(trial["curve"]) for trial in desk.export()["trials"]) == limit
    assert desk.run("--json").data["epochs_trained"] == limit
    desk.change((f"epochs = {limit}\n", "epochs = 1000\n"))
    desk.run()
    raised = content(desk.export())
    assert [trial["state"] for trial in raised] == ["COMPLETE"] * 6
    assert desk.trained() == 240


class TestHowToGoOn:
    """What the screen says at the end is true: the same command changes nothing, a limit above what it names does."""

    def advice(self, desk: Desk) -> str:
        answer = desk.run()
        assert answer.code == 0
        return answer.out.splitlines()[-1]

    def test_epochs(self, desk: Desk) -> None:
        limited(desk, "epochs = 30")
        assert self.advice(desk) == (
            "raise limits.epochs above 30 (up to 120 for the whole search) and run the same command again to go on"
        )
        assert self.advice(desk).startswith("raise limits.epochs above 30 ")
        assert desk.trained() == 30
        desk.change(("epochs = 30", "epochs = 31"))
        desk.run()
        assert desk.trained() == 31
        desk.change(("epochs = 31", "epochs = 10"))
        assert self.advice(desk).startswith("raise limits.epochs above 31 "), "what is trained counts, not the limit"

    def test_wall_clock(self, desk: Desk) -> None:
        limited(desk, 'study = "100ms"')
        assert "raise limits.study above 1s and " in self.advice(desk)

    def test_gpu_hours(self, desk: Desk) -> None:
        limited(desk, "gpu_hours = 0.00001")
        desk.change(('address = "none"', 'address = "none"\nper_trial = { gpus = 1 }'))
        assert "raise limits.gpu_hours above " in self.advice(desk)

    def test_trials(self, desk: Desk) -> None:
        limited(desk, "trials = 2")
        assert self.advice(desk).startswith("raise limits.trials above 2 (up to 6 for the whole search) and ")
        desk.change(("trials = 2\n", "trials = 6\n"))
        assert "limits" not in self.advice(desk), "the search has no more trials either"

    def test_that_is_used_up_by_the_last_trial(self, desk: Desk) -> None:
        desk.study(SEARCH, more="[limits]\nepochs = 18\n")
        data = desk.run("--json").data
        assert (data["state"], data["cause"], data["epochs_trained"]) == ("COMPLETE", "done", 18)
        assert desk.run("--json").data["state"] == "COMPLETE"

    def test_a_lower_limit_does_not_reopen_a_search_that_is_over(self, desk: Desk) -> None:
        desk.study(SEARCH)
        desk.run()
        assert desk.run("--json", "--set", "limits.epochs=2").data["state"] == "COMPLETE"
