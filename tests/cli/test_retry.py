"""Failed trials are tried again: where the trainer has changed since, or where `--retry-failed` asks for it."""

import re

import pytest

from tests.cli.cli_runner import CliRunner, content
from tests.cli.test_going_on import METHODS, SPACE

TRAINER = """\
from pathlib import Path
from hpsearch import Report

def train(params, run):
    for epoch in run.epochs():
        if epoch == {epoch}:
            raise ValueError("wrong")
        with Path(params["epoch_log"]).open("a") as epoch_log:
            epoch_log.write(f"{{epoch}}\\n")
        yield Report(epoch, {{"val_loss": params["x"] + 1 / epoch}})
"""
NEVER = 99


def trainer(cli: CliRunner, raises_at: int) -> None:
    """The trainer beside the study file. The next run reads it again."""
    (cli.folder / "changing.py").write_text(TRAINER.format(epoch=raises_at))


def states(cli: CliRunner) -> list[str]:
    return [trial["state"] for trial in cli.export()["trials"]]


@pytest.fixture
def failed(cli: CliRunner) -> CliRunner:
    """A study of which every trial has failed in its second epoch."""
    trainer(cli, raises_at=2)
    cli.study(trainer="changing:train")
    assert cli.run().code == 3
    return cli


def test_a_study_of_failed_trials_is_not_complete(failed: CliRunner) -> None:
    study = failed.export()["study"]
    assert (study["state"], study["cause"], study["cause_numbers"]) == ("FAILED", "trainer_raised", {"failed": 4})
    assert failed.invoke("status", "toy", "--json").data["state"] == "FAILED"


def test_a_changed_file_starts_anew_if_all_trials_failed_before_a_report(cli: CliRunner) -> None:
    (cli.folder / "scaled.py").write_text(
        "def train(params, run):\n"
        "    for epoch in run.epochs():\n"
        "        params.get('epoch_log')\n"
        "        yield {'val_loss': params['x'] * params['scale']}\n"
    )
    cli.study(trainer="scaled:train")
    assert cli.run().code == 3
    cli.study(trainer="scaled:train", options="scale = 2")
    answer = cli.run()
    assert (answer.code, states(cli)) == (0, ["COMPLETE"] * 4)
    assert "starts anew" in answer.err
    cli.study(trainer="scaled:train", options="scale = 3")
    assert cli.run().code == 2, "it has results"


def test_a_trainer_that_is_as_it_was_is_not_tried_again(failed: CliRunner) -> None:
    before = failed.export()
    answer = failed.run()
    assert answer.code == 3
    assert failed.export() == before
    assert "--retry-failed" in answer.out.splitlines()[-1]


def test_a_trainer_that_has_changed_is(failed: CliRunner) -> None:
    trainer(failed, raises_at=NEVER)
    answer = failed.run("--json")
    assert answer.code == 0
    assert (answer.data["state"], answer.data["trials"]["complete"]) == ("COMPLETE", 4)
    document = failed.export()
    for trial in document["trials"]:
        assert (trial["state"], trial["attempts"], trial["error"]) == ("COMPLETE", 1, None)
        assert [report["step"] for report in trial["curve"]] == [1, 2, 3], "its first epoch stays as it was"
    retries = [one for one in document["decisions"] if one["kind"] == "retry"]
    assert [one["trial"] for one in retries] == [0, 1, 2, 3]
    assert retries[0]["reason"].endswith("(changing)")
    lines = answer.err.splitlines()
    assert lines[0].endswith(retries[0]["reason"])
    assert re.findall(r"\d+", lines[0]) == ["4", "0", "1", "2", "3"]
    ended = [line.split()[0] for line in lines[1:] if not line.startswith("warning: ")]
    assert ended == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]


def test_asked_for(failed: CliRunner) -> None:
    assert failed.run("--retry-failed").code == 3
    assert [one["kind"] for one in failed.export()["decisions"] if one["trial"] == 0][-2:] == ["note", "failed"]
    assert sum(one["kind"] == "retry" for one in failed.export()["decisions"]) == 4


def test_the_search_continues_as_if_no_trial_had_failed(failed: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proposal is made twice, and those that follow are those of a search in which nothing failed."""
    trainer(failed, raises_at=NEVER)
    assert failed.run("--set", "search.trials=6").code == 0
    found = [trial["params"] for trial in failed.export()["trials"]]
    monkeypatch.setenv("HPSEARCH_HOME", str(failed.folder / "other"))
    assert failed.run("--set", "search.trials=6").code == 0
    assert found == [trial["params"] for trial in failed.export()["trials"]]


def test_of_a_trial_that_reported_nothing(cli: CliRunner) -> None:
    """It is recorded on what it was trained, too."""
    trainer(cli, raises_at=1)
    cli.study(trainer="changing:train")
    assert cli.run().code == 3
    trainer(cli, raises_at=NEVER)
    assert cli.run().code == 0
    assert states(cli) == ["COMPLETE"] * 4


@pytest.mark.parametrize(
    "method", ["bayesian", "recipe", *(pytest.param(one, marks=pytest.mark.slow) for one in ("coarse-to-fine", "grid"))]
)
def test_every_method_continues(cli: CliRunner, method: str) -> None:
    trainer(cli, raises_at=2 if method in ("bayesian", "grid") else 1)
    space = "x = { low = 0.0, high = 1.0, points = 2 }\nkind = [1, 2]" if method == "grid" else SPACE
    cli.study(METHODS[method], trainer="changing:train", space=space, more="[limits]\nmax_failures = 3\n")
    assert cli.run().code == 3
    assert "FAILED" in states(cli)
    trainer(cli, raises_at=NEVER)
    assert cli.run().code == 0
    trials = content(cli.export())
    assert not {trial["state"] for trial in trials} & {"FAILED", "WAITING"}
    params = [tuple(trial["params"].items()) for trial in trials]
    if method == "grid":
        assert len(set(params)) == len(params) == 4


def test_a_study_whose_trials_all_failed_with_a_value(cli: CliRunner) -> None:
    """No trial succeeded, wherever that is asked for; what they had come to is shown, marked."""
    cli.study(trainer="tests.cli.trainers:picky", options="limit = -1.0")
    first, again = cli.run("--json"), cli.run("--json")
    for answer in (first, again):
        assert (answer.code, answer.data["state"], answer.data["best"]["failed"]) == (3, "FAILED", True)
    status = cli.invoke("status", "toy", "--json").data
    assert (status["state"], status["best"]["failed"]) == ("FAILED", True)
    assert status["best"]["value"] == first.data["best"]["value"]
    assert cli.invoke("best", "toy", "--json").data["state"] == "FAILED"
    dropped = cli.run("--json", "--set", 'study.failed="drop"')
    assert (dropped.code, dropped.data["state"], dropped.data["best"]) == (3, "FAILED", None)
