"""`hpsearch show` and `hpsearch best`."""

import subprocess
import sys

import pytest

from tests.cli.desk import Desk, X


def test_everything_about_a_trial(done: Desk) -> None:
    trial = done.export()["trials"][2]
    data = done.hp("show", "toy", 2, "--json").data
    decisions, trained, environments = (data.pop(name) for name in ("decisions", "trained", "environments"))
    assert (data.pop("checkpoint").endswith("/checkpoints/00002/best.pt"), data.pop("log")) == (True, None)
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


def test_a_trial_that_is_not_there(done: Desk) -> None:
    answer = done.hp("show", "toy", 4)
    assert (answer.code, answer.err) == (2, 'study "toy" has no trial 4: it has trials 0 to 3\n')


def test_a_trial_that_is_no_number(done: Desk) -> None:
    assert done.hp("show", "toy", "best").code == 2


def test_best_is_the_trial_with_the_best_value(done: Desk) -> None:
    best = min(done.export()["trials"], key=lambda trial: trial["value"])
    data = done.hp("best", "toy", "--json").data
    assert data["number"] == best["number"]
    assert done.hp("best", "toy").out == done.hp("show", "toy", best["number"]).out


# A study ─────────────────────────────────────────────────────────────────────────────────────────


def listed(desk: Desk, *words: object) -> list[list[str]]:
    """The lines of the table of trials, its head first."""
    lines = desk.hp("show", "toy", *words).out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("trials, best first"))
    return [line.split() for line in lines[start + 1 :] if line]


def test_trials_of_a_study_are_listed_best_first(done: Desk) -> None:
    trials = sorted(done.export()["trials"], key=lambda trial: trial["value"])
    assert listed(done) == [
        ["trial", "val_loss", "epoch", "state", "x"],
        *(
            [str(one["number"]), f"{one['value']:.4g}", str(one["best_epoch"]), "COMPLETE", f"{one['params']['x']:.4g}"]
            for one in trials
        ),
    ]
    names = ("number", "state", "value", "best_epoch", "params")
    data = done.hp("show", "toy", "--json").data
    assert data["trial_list"] == [{name: one[name] for name in names} for one in trials]


def test_of_many_trials_the_best_20(desk: Desk) -> None:
    desk.study('method = "random"\ntrials = 23', epochs=1)
    desk.run()
    head, *rows, more = listed(desk)
    assert (len(rows), " ".join(more)) == (20, "3 more trials: --all lists all")
    assert listed(desk, "--all")[:21] == [head, *rows]
    assert len(listed(desk, "--all")) == 24


def test_trials_without_a_value_come_last_and_what_is_fixed_stands_above(desk: Desk) -> None:
    desk.study(trainer="tests.cli.trainers:exploding", options="limit = 0.5", space=f"{X}\nsize = 64")
    desk.run()
    rows = listed(desk)[1:]
    assert [row[1] for row in rows if len(row) > 3] == sorted(row[1] for row in rows if len(row) > 3)
    assert "trials, best first; in all of them size = 64" in desk.hp("show", "toy").out.splitlines()


# Files ───────────────────────────────────────────────────────────────────────────────────────────


def test_checkpoint_is_named_with_a_line_that_loads_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder as well, by the study's file or its journal."""
    desk.study(trainer="tests.cli.predictors:train")
    desk.run()
    best = desk.hp("best", "toy").out
    (line,) = (line for line in best.splitlines() if line.startswith("  load it with: "))
    code = f"import torch; print({line.partition(': ')[2]})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=desk.folder)
    trial = desk.hp("best", "toy", "--json").data
    judged = next(one for one in trial["curve"] if one["step"] == trial["best_epoch"])
    assert loaded.stdout.strip() == str({"weight": {"value": judged["weight"]}})
    checkpoint = desk.folder / f".hpsearch/studies/{work(desk)}/checkpoints/{trial['number']:05d}/best.pt"
    assert trial["checkpoint"] == str(checkpoint)
    monkeypatch.chdir("/")
    journal = f"sqlite:///{desk.folder}/.hpsearch/journal.db"
    for words in (("toy", "--journal", journal), (desk.folder / "study.toml",)):
        assert desk.hp("best", *words, "--json").data["checkpoint"] == str(checkpoint)


def work(desk: Desk) -> str:
    (folder,) = (desk.folder / ".hpsearch" / "studies").iterdir()
    return folder.name


FAILING = """\
from hpsearch import Report


def train(params, run):
    yield Report(1, {"val_loss": 1.0})
    helper()


def helper():
    raise ValueError("no such file")
"""


def test_a_failed_trial_shows_the_users_frames_and_its_log(desk: Desk) -> None:
    (desk.folder / "failing.py").write_text(FAILING)
    desk.study('method = "random"\ntrials = 1', trainer="failing:train", options="")
    desk.run()
    lines = desk.hp("show", "toy", 0).out.splitlines()
    start = lines.index("Traceback (most recent call last):")
    assert lines[start + 1].startswith(f'  File "{desk.folder}/failing.py", line 6, in train')
    assert lines[-1] == "ValueError: no such file"
    assert '  log: none, with address = "none" the trainer prints to the terminal' in lines
    log = desk.folder / ".hpsearch" / "studies" / work(desk) / "logs" / "trial-00000.log"
    log.parent.mkdir()
    log.write_text("what it printed")
    named = desk.hp("show", "toy", 0).out.splitlines()
    assert f"  log: {log.relative_to(desk.folder)}" in named
    assert desk.hp("show", "toy", 0, "--json").data["log"] == str(log)


# Terminals ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_screens_fit_the_terminal(desk: Desk, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Words are whole on every screen; a value of thousands of characters is shortened."""
    monkeypatch.setenv("COLUMNS", str(columns))
    long = "a study with a rather long name that somebody has given it in a hurry"
    choice = f'["{"x" * 7000}", "{"x" * 6999}y"]'
    desk.study(space=f"{X}\nlearning_rate_of_the_head = {{ low = 1e-4, high = 1.0 }}\nprompt = {choice}")
    desk.change(('name = "toy"', f'name = "{long}"'))
    desk.run()
    screens = [("status",), ("status", long), ("show", long), ("show", long, 0), ("best", long), ("doctor", long)]
    for words in [*screens, ("doctor", long, 0), ("compare", long, "other")]:
        if words[0] == "compare":
            desk.run("--set", 'study.name="other"')
        out = desk.hp(*words).out
        assert out
        assert "x" * 41 not in out
        assert [line for line in out.splitlines() if len(line) > columns and "/" not in line] == []
