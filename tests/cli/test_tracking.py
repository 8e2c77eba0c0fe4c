"""MLflow before a study begins (FAULTS row 11): what must be put right is said at once; what passes by itself holds
nothing up."""

import pytest

from tests.chaos.http_proxy import Proxy
from tests.cli.cli_runner import CliRunner


@pytest.fixture(autouse=True)
def _tracked(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.orchestrator.search.FLUSH", 0.1)
    cli.study()
    cli.change(('mlflow = "none"', 'mlflow = "${env:TRACKING}"'))


@pytest.mark.parametrize(
    ("status", "body", "fix"),
    [
        (401, "", "needs a login: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (
            403,
            "Invalid Host header",
            "refuses the name '127.0.0.1': start it with `mlflow server --allowed-hosts 127.0.0.1`",
        ),
        (403, "", "denies this user access: ask its administrator"),
        (404, "", "is not an MLflow server: check tracking.mlflow"),
    ],
)
def test_a_server_that_refuses_us(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch, status: int, body: str, fix: str
) -> None:
    with Proxy(mode=status, body=body) as server:
        monkeypatch.setenv("TRACKING", server.uri)
        answer = cli.run()
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"tracking.mlflow: MLflow at {server.uri} {fix}")
    assert (cli.trained(), cli.files()) == (0, [])


def test_another_scheme(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(mode=200, body="{}") as server:
        monkeypatch.setenv("TRACKING", server.uri.replace("http:", "https:"))
        answer = cli.run()
    assert (answer.code, cli.files()) == (2, [])
    assert answer.err.endswith("does not speak TLS: write http:// in place of https://\n")


def test_a_server_that_is_away(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKING", "http://127.0.0.1:9")
    answer = cli.run()
    assert answer.code == 0
    assert sum("MLflow" in line for line in answer.err.splitlines()) == 1
    assert "note: MLflow at http://127.0.0.1:9 does not answer (" in answer.err
    assert "16 events are not in MLflow yet; `hpsearch sync toy` sends them" in answer.out


def test_a_study_that_is_over_needs_no_mlflow(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKING", "http://127.0.0.1:9")
    assert cli.run().code == 0
    with Proxy(mode=401) as server:
        monkeypatch.setenv("TRACKING", server.uri)
        answer = cli.run()
    assert answer.code == 0
    assert "16 events are not in MLflow yet" in answer.out
