"""`hpsearch ui`."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from urllib.error import HTTPError

import pytest

from tests.cli.cli_runner import CliRunner
from tests.support.ray_session import descendants, running


def test_no_store(cli: CliRunner) -> None:
    answer = cli.invoke("ui")
    assert answer.code == 2
    assert f"no MLflow store in {cli.folder}/.hpsearch" in answer.err
    assert "--home" in answer.err
    assert "run a study first" in answer.err
    cli.study()
    cli.run()  # with [tracking] mlflow = "none", as where MLflow has not accepted anything yet
    assert "`hpsearch sync STUDY` writes it" in cli.invoke("ui").err


def test_arguments(cli: CliRunner) -> None:
    assert cli.invoke("ui", "--port", "http").code == 2
    assert cli.invoke("ui", "--mlflow", "mlruns").names("--mlflow: ", "sqlite:///")


@pytest.mark.slow
def test_serves_until_it_is_interrupted(cli: CliRunner) -> None:
    cli.study()
    cli.change(('[tracking]\nmlflow = "none"\n', ""))
    assert cli.run("--set", "search.trials=1").code == 0
    assert cli.invoke("sync", "toy").code == 0  # a busy machine takes longer than the run waits
    executed = cli.folder / "executed"
    for module in ("mlflow", "uvicorn", "hpsearch"):  # code in the folder that the user happens to be in
        (cli.folder / f"{module}.py").write_text(f"open({str(executed)!r}, 'w')")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "hpsearch", "ui", "--json", "--port", "0"],
        **{"cwd": cli.folder, "text": True, "start_new_session": True, "stdout": -1, "stderr": -1},  # type: ignore
        env={**os.environ, "http_proxy": "http://127.0.0.1:9"},  # it does not reach this machine's servers
    )
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    ours = descendants(process.pid)
    without = url.partition("?")[0]
    for path in ("", "health", "api/2.0/mlflow/experiments/search?max_results=1"):
        with pytest.raises(HTTPError, match="403"):
            urllib.request.urlopen(without + path, timeout=60)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(url, timeout=60) as page:
        assert b"MLflow" in page.read()
    with browser.open(f"{without}ajax-api/2.0/mlflow/experiments/search?max_results=9", timeout=60) as found:
        assert b"toy" in found.read()
    log = (cli.folder / ".hpsearch" / "ui.log").read_text()
    assert url.partition("token=")[2] not in log
    os.kill(process.pid, signal.SIGINT)
    answer = cli.ended(process)
    assert (answer.code, answer.out, answer.err) == (130, "", "")
    assert not running(ours)
    assert not executed.exists()


@pytest.mark.slow
def test_a_server_that_does_not_start(cli: CliRunner) -> None:
    (cli.folder / "mlflow.db").write_text("no database")
    answer = cli.invoke("ui", "--home", cli.folder)
    assert answer.code == 5
    assert answer.names("the dashboard does not start at http://127.0.0.1:")
    assert answer.err.endswith(f"\n  log  {cli.folder}/ui.log\n")


def test_a_server_shows_itself(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_PASSWORD", "secret")
    answer = cli.invoke("ui", "--mlflow", "http://me:${env:MLFLOW_PASSWORD}@mlflow.example:5000")
    assert (answer.code, answer.out.split()[-1]) == (0, "http://mlflow.example:5000")
    assert cli.invoke("ui", "--mlflow", "http://host:1", "--json").data == {"url": "http://host:1"}
