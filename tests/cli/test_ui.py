"""`hpsearch ui`."""

import json
import os
import signal
import urllib.request

import pytest

from tests.cli.cli_runner import CliRunner
from tests.support.ray_session import descendants, running


def test_no_store(cli: CliRunner) -> None:
    answer = cli.invoke("ui")
    assert answer.code == 2
    assert f"no MLflow store in {cli.folder}/.hpsearch" in answer.err
    assert "--home" in answer.err


def test_arguments(cli: CliRunner) -> None:
    assert cli.invoke("ui", "--port", "http").code == 2
    assert cli.invoke("ui", "--mlflow", "mlruns").names("--mlflow: ", "sqlite:///")


@pytest.mark.slow
def test_serves_until_it_is_interrupted(cli: CliRunner) -> None:
    cli.study()
    cli.change(('[tracking]\nmlflow = "none"\n', ""))
    assert cli.run("--set", "search.trials=1").code == 0
    process = cli.start("ui", "--json", "--port", "0")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    ours = descendants(process.pid)
    with urllib.request.urlopen(url, timeout=60) as page:
        assert b"MLflow" in page.read()
    os.kill(process.pid, signal.SIGINT)
    answer = cli.ended(process)
    assert (answer.code, answer.out, answer.err) == (130, "", "")
    assert not running(ours)
    assert (cli.folder / ".hpsearch" / "ui.log").exists()


@pytest.mark.slow
def test_a_server_that_does_not_start(cli: CliRunner) -> None:
    (cli.folder / "mlflow.db").write_text("no database")
    answer = cli.invoke("ui", "--home", cli.folder)
    assert answer.code == 5
    assert answer.err.startswith("the dashboard does not start at http://127.0.0.1:")
    assert answer.err.endswith(f"\n  log  {cli.folder}/ui.log\n")


def test_a_server_shows_itself(cli: CliRunner) -> None:
    answer = cli.invoke("ui", "--mlflow", "http://me:secret@mlflow.example:5000")
    assert (answer.code, answer.out.split()[-1]) == (0, "http://mlflow.example:5000")
    assert cli.invoke("ui", "--mlflow", "http://host:1", "--json").data == {"url": "http://host:1"}
