"""The whole of it, with nothing left out: real workers, real training, a real MLflow store, a real PostgreSQL."""

import os
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hpsearch.tracking.mlflow_logging import configure
from tests.cli.cli_runner import DURATION, CliRunner, content
from tests.cli.test_going_on import written

NETWORK = "lr = { low = 1e-4, high = 1.0, log = true }\nwidth = [12, 24]"
SEARCH = 'method = "random"\ntrials = 8'
TRIAL = r"\[\d/8\] trial \d   (COMPLETE|PRUNED  |FAILED  )  val_loss [\d.e-]+ at epoch \d  .+"
STDOUT = (
    r"toy: done",
    rf"8 trials: \d complete, \d pruned, \d failed; \d+ epochs in {DURATION}, workers busy \d+%",
    r"",
    r"best: trial \d, val_loss [\d.e-]+ at epoch \d",
    r"      lr = [\d.e-]+, width = (12|24)",
    r"",
    r"  journal    \.hpsearch/journal\.db",
    r"  best       hpsearch show toy \d",
    r"  report     hpsearch report toy",
    r"  failed     hpsearch show toy \d",
    r"  dashboard  hpsearch ui",
    r"",
    r"fix the trainer .+",
)


def networks(cli: CliRunner) -> None:
    """A study of real networks on two workers of a Ray of its own, some of which are pruned and some fail."""
    cli.study(
        SEARCH,
        trainer="tests.cli.trainers:network",
        epochs=6,
        options="limit = 0.1, pace = 0.03",
        space=NETWORK,
        more='[prune]\nmethod = "halving"\nmin_epochs = 2\npromote = false\n',
    )
    cli.change(('address = "none"', "workers = 2"), ('[tracking]\nmlflow = "none"\n', ""))


@pytest.mark.xdist_group("ray")
def test_ray_and_mlflow(cli: CliRunner) -> None:
    networks(cli)
    answer = cli.ended(cli.start("run", "study.toml"))
    assert answer.code == 0
    lines = answer.err.splitlines()
    assert len(lines) == 8
    assert all(re.fullmatch(TRIAL, line) for line in lines), answer.err
    assert len(answer.out.splitlines()) == len(STDOUT), answer.out
    for line, wanted in zip(answer.out.splitlines(), STDOUT, strict=True):
        assert re.fullmatch(wanted, line), line
    document = cli.export()
    states = [trial["state"] for trial in document["trials"]]
    assert set(states) == {"COMPLETE", "PRUNED", "FAILED"}
    check_mlflow(cli, document)
    (updated,) = cli.invoke("sync", "toy", "--json").data
    assert [updated[key] for key in ("study", "sent", "pending", "files_pending")] == ["toy", 0, 0, 0]
    best, promoted = (
        cli.invoke("best", "toy", "--json").data,
        cli.invoke("promote", "toy", "--as", "networks", "--json"),
    )
    assert [promoted.data[key] for key in ("version", "trial", "is_new")] == ["1", best["number"], True]
    again = cli.invoke("promote", "study.toml", "--as", "networks").out.splitlines()
    assert again[0] == "networks, version 1 is this model already; nothing was registered"
    assert again[-2].endswith("mlflow.artifacts.download_artifacts('models:/networks/1')")


def check_mlflow(cli: CliRunner, document: dict[str, Any]) -> None:
    """One experiment, one parent, one child a trial; every curve point for point."""
    configure()
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{cli.folder}/.hpsearch/mlflow.db")
    experiment = client.get_experiment_by_name("toy")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["hpsearch.state"] == "COMPLETE"
    children = {int(run.data.tags["hpsearch.trial"]): run for run in runs if run is not parent}
    assert sorted(children) == [trial["number"] for trial in document["trials"]]
    for trial in document["trials"]:
        run = children[trial["number"]]
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == ("FAILED" if trial["state"] == "FAILED" else "FINISHED")
        assert run.data.params == {name: str(value) for name, value in trial["params"].items()}
        for name in ("state", "round", "seed", "reason", "origin"):
            assert run.data.tags[f"hpsearch.{name}"] == str(trial[name])
        curve: dict[int, dict[str, Any]] = {}
        for name in trial["curve"][0].keys() - {"step"}:
            for point in client.get_metric_history(run.info.run_id, name):
                curve.setdefault(point.step, {"step": point.step})[name] = point.value
        assert [curve[step] for step in sorted(curve)] == trial["curve"]
        texts = [file.path for file in client.list_artifacts(run.info.run_id)]
        assert sorted(texts) == (["log.txt", "traceback.txt"] if trial["state"] == "FAILED" else [])


@pytest.mark.xdist_group("ray")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("resources.per_trial.gpus=99", "resources.per_trial asks for 1 CPU, 99 GPUs, but this machine has "),
        pytest.param(
            'trainer.use="tests.cli.trainers:netwrk"',
            'study.toml:7 trainer.use: "tests.cli.trainers:netwrk": tests.cli.trainers has no `netwrk`; did you mean',
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_a_worker_finds_out_leaves_nothing(cli: CliRunner, change: str, message: str) -> None:
    networks(cli)
    answer = cli.ended(cli.start("run", "study.toml", "--set", change))
    assert (answer.code, answer.out, cli.files()) == (2, "", [])
    assert answer.err.startswith(message)
    assert answer.err.count("\n") == 1


class TestPostgres:
    def test_run_interrupt_and_resume(self, cli: CliRunner, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HPSEARCH_DATABASE_URL", postgres_url)
        written(cli, "bayesian", "pace = 0.05", '[journal]\nurl = "${env:HPSEARCH_DATABASE_URL}"\n')
        process = cli.start("run", "study.toml")
        cli.wait_for(lambda: cli.trained() >= 11, process)
        os.kill(process.pid, signal.SIGINT)
        assert cli.ended(process).code == 130
        assert cli.invoke("status", "study.toml", "--json").data["state"] == "STOPPED"
        assert cli.run().code == 0
        broken = content(cli.export("study.toml"))
        cli.change(('url = "${env:HPSEARCH_DATABASE_URL}"', 'url = "sqlite:///unbroken.db"'))
        assert cli.run().code == 0
        assert content(cli.export("study.toml")) == broken

    def test_no_file_is_left(self, cli: CliRunner, postgres_url: str) -> None:
        written(cli, "random")
        assert cli.run("--set", f"journal.url={postgres_url}").code == 0
        assert not (cli.folder / ".hpsearch" / "journal.db").exists()
        assert cli.invoke("best", "toy", "--journal", postgres_url).code == 0


def test_journal_is_whole_after_all(cli: CliRunner) -> None:
    written(cli, "random")
    cli.run()
    with closing(sqlite3.connect(Path(".hpsearch/journal.db"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
