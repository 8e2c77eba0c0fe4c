"""`hpsearch status`."""

import pytest

from tests.cli.cli_runner import CliRunner


def test_object(done: CliRunner) -> None:
    best = min(done.export()["trials"], key=lambda trial: trial["value"])
    data = done.invoke("status", "toy", "--json").data
    assert data.pop("busy_seconds") > 0
    assert data.pop("checkpoint_bytes") > 0
    assert data == {
        "study": "toy",
        "state": "COMPLETE",
        "holder": None,
        "trials": {"waiting": 0, "running": 0, "paused": 0, "complete": 4, "pruned": 0, "infeasible": 0, "failed": 0},
        "epochs_trained": 12,
        "best": {
            "trial": best["number"],
            "value": best["value"],
            "epoch": best["best_epoch"],
            "params": best["params"],
            "failed": False,
        },
        "unmet": 0,
        "unit": "epoch",
        "evidence": [],
        "preflight": None,
        "lr_range": None,
        "cause": "done",
        "cause_numbers": {},
        "seconds_left": None,
    }


def test_text_ends_with_the_last_decisions(done: CliRunner) -> None:
    lines = done.invoke("status", "toy").out.splitlines()
    assert lines[0].split() == ["study", "state", "trials", "epochs", "best"]
    assert lines[1].split()[:5] == ["toy", "COMPLETE", "4", "complete", "12"]
    assert lines[4] == "last decisions"
    last = done.export()["decisions"][-1]
    assert lines[-1].split() == ["trial", "3", "epoch", "3", "complete", *last["reason"].split()]


def test_all_studies(done: CliRunner) -> None:
    done.run("--set", 'study.name="second"', "--set", "search.trials=1")
    lines = done.invoke("status").out.splitlines()
    assert [line.split()[0] for line in lines] == ["study", "toy", "second"]
    assert [one["study"] for one in done.invoke("status", "--json").data] == ["toy", "second"]


def test_by_its_file_from_elsewhere(done: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert done.invoke("status", done.folder / "study.toml", "--json").data["study"] == "toy"
    url = f"sqlite:///{done.folder}/.hpsearch/journal.db"
    assert done.invoke("status", "toy", "--journal", url, "--json").data["study"] == "toy"


def test_watch_ends_with_the_study(done: CliRunner) -> None:
    assert done.invoke("status", "toy", "--watch", "--json").data["state"] == "COMPLETE"


@pytest.mark.slow
def test_watch_shows_every_change_until_it_ends(cli: CliRunner) -> None:
    cli.study('method = "random"\ntrials = 2', options="pace = 0.4")
    running = cli.start("run", "study.toml")
    cli.wait_for(lambda: cli.trained() >= 1, running)
    watching = cli.invoke("status", "toy", "--watch", "--json")
    assert cli.ended(running).code == 0
    states = [line for line in watching.out.splitlines() if line]
    assert len(states) == len(set(states)) > 2
    assert '"state": "RUNNING"' in states[0]
    assert '"state": "COMPLETE"' in states[-1]
