"""`hpsearch show` and `hpsearch best`."""

import re
import subprocess
import sys

import pytest

from tests.cli.cli_runner import CliRunner, X


def test_everything_about_a_trial(done: CliRunner) -> None:
    trial = done.export()["trials"][2]
    data = done.invoke("show", "toy", 2, "--json").data
    decisions, trained, environments = (data.pop(name) for name in ("decisions", "trained", "environments"))
    assert data.pop("checkpoint").endswith("/checkpoints/00002/best.pt")
    assert (data.pop("checkpoint_removed"), data.pop("log")) == (None, None)
    assert data == trial
    assert [(one["trial"], one["after"]) for one in trained] == [(2, 0)]
    assert trained[0]["environment"] in environments
    assert [(one["kind"], one["step"]) for one in decisions] == [("propose", 0), ("complete", 3)]
    lines = done.invoke("show", "toy", 2).out.splitlines()
    assert all(text in lines[0] for text in ("trial 2:", "COMPLETE", f"{trial['value']:.4g}", str(trial["best_epoch"])))
    assert all(any(line.endswith(f": {trial[why]}") for line in lines) for why in ("origin", "reason"))
    (header,) = (i for i, line in enumerate(lines) if line.split() == ["epoch", "val_loss", "weight"])
    points = [line.split() for line in lines[header + 1 : header + 4]]
    assert [point[0] for point in points] == ["1", "2", "3"]
    assert [point[1] for point in points] == [f"{point['val_loss']:.4g}" for point in trial["curve"]]


def test_a_trial_that_is_not_there(done: CliRunner) -> None:
    answer = done.invoke("show", "toy", 4)
    assert answer.is_refused
    assert answer.names('"toy"', "trial 4")


def test_a_trial_that_is_no_number(done: CliRunner) -> None:
    assert done.invoke("show", "toy", "best").code == 2


def test_best_is_the_trial_with_the_best_value(done: CliRunner) -> None:
    best = min(done.export()["trials"], key=lambda trial: trial["value"])
    data = done.invoke("best", "toy", "--json").data
    assert data["number"] == best["number"]
    assert done.invoke("best", "toy").out == done.invoke("show", "toy", best["number"]).out


# A study ─────────────────────────────────────────────────────────────────────────────────────────


def listed(cli: CliRunner, *words: object) -> list[list[str]]:
    """The lines of the table of trials, its head first."""
    lines = cli.invoke("show", "toy", *words).out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("trials, best first"))
    return [line.split() for line in lines[start + 1 :] if line]


def test_trials_of_a_study_are_listed_best_first(done: CliRunner) -> None:
    trials = sorted(done.export()["trials"], key=lambda trial: trial["value"])
    assert listed(done) == [
        ["trial", "val_loss", "epoch", "state", "x"],
        *(
            [str(one["number"]), f"{one['value']:.4g}", str(one["best_epoch"]), "COMPLETE", f"{one['params']['x']:.4g}"]
            for one in trials
        ),
    ]
    names = ("number", "state", "value", "best_epoch", "params")
    data = done.invoke("show", "toy", "--json").data
    assert data["trial_list"] == [{name: one[name] for name in names} for one in trials]


def test_of_many_trials_the_best_20(cli: CliRunner) -> None:
    cli.study('method = "random"\ntrials = 23', epochs=1)
    cli.run()
    head, *rows, more = listed(cli)
    assert (len(rows), more[0], "--all" in more) == (20, "3", True)
    assert listed(cli, "--all")[:21] == [head, *rows]
    assert len(listed(cli, "--all")) == 24


def test_trials_without_a_value_come_last_and_what_is_fixed_stands_above(cli: CliRunner) -> None:
    cli.study(trainer="tests.cli.trainers:exploding", options="limit = 0.5", space=f"{X}\nsize = 64")
    cli.run()
    rows = listed(cli)[1:]
    assert [row[1] for row in rows if len(row) > 3] == sorted(row[1] for row in rows if len(row) > 3)
    (above,) = [line for line in cli.invoke("show", "toy").out.splitlines() if line.startswith("trials, best")]
    assert above.split()[-3:] == ["size", "=", "64"]


# Files ───────────────────────────────────────────────────────────────────────────────────────────


def test_checkpoint_is_named_with_a_line_that_loads_it(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another folder as well, by the study's file or its journal."""
    cli.study(trainer="tests.cli.predictors:train")
    cli.run()
    best = cli.invoke("best", "toy").out
    (line,) = (line for line in best.splitlines() if line.startswith("  load it with: "))
    code = f"import torch; print({line.partition(': ')[2]})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=cli.folder)
    trial = cli.invoke("best", "toy", "--json").data
    judged = next(one for one in trial["curve"] if one["step"] == trial["best_epoch"])
    assert loaded.stdout.strip() == str({"weight": {"value": judged["weight"]}})
    checkpoint = cli.folder / f".hpsearch/studies/{work(cli)}/checkpoints/{trial['number']:05d}/best.pt"
    assert trial["checkpoint"] == str(checkpoint)
    monkeypatch.chdir("/")
    journal = f"sqlite:///{cli.folder}/.hpsearch/journal.db"
    for words in (("toy", "--journal", journal), (cli.folder / "study.toml",)):
        assert cli.invoke("best", *words, "--json").data["checkpoint"] == str(checkpoint)


def work(cli: CliRunner) -> str:
    (folder,) = (cli.folder / ".hpsearch" / "studies").iterdir()
    return folder.name


FAILING = """\
from hpsearch import Report


def train(params, run):
    yield Report(1, {"val_loss": 1.0})
    helper()


def helper():
    raise ValueError("missing")
"""


def test_a_failed_trial_shows_the_users_frames_and_its_log(cli: CliRunner) -> None:
    (cli.folder / "failing.py").write_text(FAILING)
    cli.study('method = "random"\ntrials = 1', trainer="failing:train", options="")
    cli.run()
    lines = cli.invoke("show", "toy", 0).out.splitlines()
    start = lines.index("Traceback (most recent call last):")
    assert lines[start + 1].startswith(f'  File "{cli.folder}/failing.py", line 6,')
    assert lines[-1] == "ValueError: missing"
    assert cli.invoke("show", "toy", 0, "--json").data["log"] is None
    log = cli.folder / ".hpsearch" / "studies" / work(cli) / "logs" / "trial-00000.log"
    log.parent.mkdir()
    log.write_text("".join(f"line {number}\n" for number in range(20)))
    named = cli.invoke("show", "toy", 0).out.splitlines()
    assert f"  log: {log.relative_to(cli.folder)}" in named
    assert named[-10:] == [f"  line {number}" for number in range(10, 20)]
    assert cli.invoke("show", "toy", 0, "--json").data["log"] == str(log)


# Terminals ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_screens_fit_the_terminal(cli: CliRunner, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Words are whole on every screen; a value of thousands of characters is shortened."""
    monkeypatch.setenv("COLUMNS", str(columns))
    long = "a study with a rather long name that somebody has given it in a hurry"
    choice = f'["{"x" * 7000}", "{"x" * 6999}y"]'
    cli.study(space=f"{X}\nlearning_rate_of_the_head = {{ low = 1e-4, high = 1.0 }}\nprompt = {choice}")
    cli.change(('name = "toy"', f'name = "{long}"'))
    cli.run()
    screens = [("status",), ("status", long), ("show", long), ("show", long, 0), ("best", long), ("doctor", long)]
    for words in [*screens, ("doctor", long, 0), ("compare", long, "other")]:
        if words[0] == "compare":
            cli.run("--set", 'study.name="other"')
        out = cli.invoke(*words).out
        assert out
        assert "x" * 41 not in out
        assert [line for line in out.splitlines() if len(line) > columns and "/" not in line] == []


def test_an_exception_after_the_last_report(cli: CliRunner) -> None:
    cli.study(trainer="tests.cli.trainers:plots")
    answer = cli.run()
    assert answer.code == 0
    (warning,) = [line for line in answer.out.splitlines() if line.startswith("warning: ")]
    assert re.findall(r"\d+", warning) == ["0", "1", "2", "3"]
    assert "  warning    hpsearch show toy 3" in answer.out
    trial = cli.invoke("show", "toy", 0, "--json").data
    assert (trial["state"], trial["cause"]) == ("COMPLETE", "done")
    assert "OSError: no such folder" in trial["error"]
    shown = cli.invoke("show", "toy", 0).out.splitlines()
    assert shown[-1] == "OSError: no such folder"
