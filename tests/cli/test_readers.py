"""status, show and best."""

import pytest

from tests.cli.desk import Desk, shape


@pytest.fixture
def done(desk: Desk) -> Desk:
    desk.study()
    desk.run()
    return desk


class TestStatus:
    def test_object(self, done: Desk) -> None:
        best = min(done.export()["trials"], key=lambda trial: trial["value"])
        data = done.hp("status", "toy", "--json").data
        assert data.pop("busy_seconds") > 0
        assert data == {
            "study": "toy",
            "state": "COMPLETE",
            "holder": None,
            "trials": {"waiting": 0, "running": 0, "paused": 0, "complete": 4, "pruned": 0, "failed": 0},
            "epochs_trained": 12,
            "best": {"trial": best["number"], "value": best["value"], "epoch": best["best_epoch"]},
            "preflight": None,
            "lr_range": None,
        }

    def test_text_ends_with_the_last_decisions(self, done: Desk) -> None:
        lines = done.hp("status", "toy").out.splitlines()
        assert lines[0].split() == ["study", "state", "trials", "epochs", "best"]
        assert shape([" ".join(lines[1].split())]) == ["toy COMPLETE # complete # # (trial #, epoch #)"]
        assert lines[3] == "last decisions"
        assert " ".join(lines[-1].split()) == "trial 3 epoch 3 complete trained all 3 epochs"

    def test_all_studies(self, done: Desk) -> None:
        done.run("--set", 'study.name="second"', "--set", "search.trials=1")
        lines = done.hp("status").out.splitlines()
        assert [line.split()[0] for line in lines] == ["study", "toy", "second"]
        assert [one["study"] for one in done.hp("status", "--json").data] == ["toy", "second"]

    def test_by_its_file_from_elsewhere(self, done: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir("/")
        assert done.hp("status", done.folder / "study.toml", "--json").data["study"] == "toy"
        url = f"sqlite:///{done.folder}/.hpsearch/journal.db"
        assert done.hp("status", "toy", "--journal", url, "--json").data["study"] == "toy"

    def test_watch_ends_with_the_study(self, done: Desk) -> None:
        assert done.hp("status", "toy", "--watch", "--json").data["state"] == "COMPLETE"

    def test_watch_shows_every_change_until_it_ends(self, desk: Desk) -> None:
        desk.study('method = "random"\ntrials = 2', options="pace = 0.4")
        running = desk.start("run", "study.toml")
        desk.wait_for(lambda: desk.trained() >= 1, running)
        watching = desk.hp("status", "toy", "--watch", "--json")
        assert desk.ended(running).code == 0
        states = [line for line in watching.out.splitlines() if line]
        assert len(states) == len(set(states)) > 2
        assert '"state": "RUNNING"' in states[0]
        assert '"state": "COMPLETE"' in states[-1]


class TestShow:
    def test_everything_about_a_trial(self, done: Desk) -> None:
        trial = done.export()["trials"][2]
        data = done.hp("show", "toy", 2, "--json").data
        decisions, trained, environments = (data.pop(name) for name in ("decisions", "trained", "environments"))
        assert data == trial
        assert [(one["trial"], one["after"]) for one in trained] == [(2, 0)]
        assert trained[0]["environment"] in environments
        assert [(one["kind"], one["step"]) for one in decisions] == [("propose", 0), ("complete", 3)]
        lines = done.hp("show", "toy", 2).out.splitlines()
        assert lines[0] == (f"toy, trial 2: COMPLETE, val_loss {trial['value']:.4g} at epoch {trial['best_epoch']}")
        assert "  why these parameters: random draw 3 of 4" in lines
        assert "  why COMPLETE: trained all 3 epochs" in lines
        (header,) = (i for i, line in enumerate(lines) if line.split() == ["epoch", "val_loss", "weight"])
        points = [line.split() for line in lines[header + 1 : header + 4]]
        assert [point[0] for point in points] == ["1", "2", "3"]
        assert [point[1] for point in points] == [f"{point['val_loss']:.4g}" for point in trial["curve"]]

    def test_a_trial_that_is_not_there(self, done: Desk) -> None:
        answer = done.hp("show", "toy", 4)
        assert (answer.code, answer.err) == (2, 'study "toy" has no trial 4: it has trials 0 to 3\n')

    def test_a_trial_that_is_no_number(self, done: Desk) -> None:
        assert done.hp("show", "toy", "best").code == 2


def test_best_is_the_trial_with_the_best_value(done: Desk) -> None:
    best = min(done.export()["trials"], key=lambda trial: trial["value"])
    data = done.hp("best", "toy", "--json").data
    assert data["number"] == best["number"]
    assert done.hp("best", "toy").out == done.hp("show", "toy", best["number"]).out


class TestNotFound:
    @pytest.mark.parametrize("words", [("status", "tpy"), ("best", "tpy"), ("export", "tpy"), ("show", "tpy", "0")])
    def test_study_with_the_nearest_name(self, done: Desk, words: tuple[str, ...]) -> None:
        answer = done.hp(*words)
        assert (answer.code, answer.err) == (2, 'no study "tpy" in this journal; did you mean `toy`?\n')

    def test_study_with_what_is_there(self, done: Desk) -> None:
        assert done.hp("status", "digits").err == 'no study "digits" in this journal; recorded are: toy\n'

    def test_journal(self, desk: Desk) -> None:
        answer = desk.hp("status")
        assert answer.code == 2
        assert f"there is no journal at {desk.folder}/.hpsearch/journal.db" in answer.err
        assert "name the study's file" in answer.err
        assert desk.files() == []

    def test_journal_that_is_named(self, desk: Desk) -> None:
        answer = desk.hp("status", "--journal", "sqlite:///none.db")
        assert answer.code == 2
        assert "none.db" in answer.err
        assert not (desk.folder / "none.db").exists()

    def test_journal_that_is_no_url(self, desk: Desk) -> None:
        assert "is not a URL" in desk.hp("status", "--journal", "none.db").err
