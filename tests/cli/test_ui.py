"""`hpsearch ui`."""

import json
import os
import signal
import urllib.request

import pytest

from tests.cli.desk import Desk
from tests.support.ray_session import descendants, running


def test_no_store(desk: Desk) -> None:
    answer = desk.hp("ui")
    assert answer.code == 2
    assert f"no MLflow store in {desk.folder}/.hpsearch" in answer.err
    assert "--home" in answer.err


def test_arguments(desk: Desk) -> None:
    assert desk.hp("ui", "--port", "http").code == 2
    assert "MLflow 3 has no file store" in desk.hp("ui", "--mlflow", "mlruns").err


@pytest.mark.slow
def test_serves_until_it_is_interrupted(desk: Desk) -> None:
    desk.study()
    desk.change(('[tracking]\nmlflow = "none"\n', ""))
    assert desk.run("--set", "search.trials=1").code == 0
    process = desk.start("ui", "--json", "--port", "0")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    ours = descendants(process.pid)
    with urllib.request.urlopen(url, timeout=60) as page:
        assert b"MLflow" in page.read()
    os.kill(process.pid, signal.SIGINT)
    answer = desk.ended(process)
    assert (answer.code, answer.out, answer.err) == (130, "", "")
    assert not running(ours)
    assert (desk.folder / ".hpsearch" / "ui.log").exists()


@pytest.mark.slow
def test_a_server_that_does_not_start(desk: Desk) -> None:
    (desk.folder / "mlflow.db").write_text("no database")
    answer = desk.hp("ui", "--home", desk.folder)
    assert answer.code == 5
    assert answer.err.startswith("the dashboard does not start at http://127.0.0.1:")
    assert answer.err.endswith(f"\n  log  {desk.folder}/ui.log\n")


def test_a_server_shows_itself(desk: Desk) -> None:
    answer = desk.hp("ui", "--mlflow", "http://me:secret@mlflow.example:5000")
    assert (answer.code, answer.out) == (0, "MLflow dashboard: http://mlflow.example:5000\n")
    assert desk.hp("ui", "--mlflow", "http://host:1", "--json").data == {"url": "http://host:1"}
