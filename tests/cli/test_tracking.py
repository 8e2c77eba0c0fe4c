"""MLflow before a study begins (FAULTS row 11): what must be fixed is reported at once; what passes by itself holds
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
    ("status", "body", "named"),
    [
        (401, "", "MLFLOW_TRACKING_USERNAME"),
        (403, "Invalid Host header", "--allowed-hosts"),
        (403, "", "administrator"),
        (404, "", "check tracking.mlflow"),
    ],
)
def test_a_server_that_refuses_us(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch, status: int, body: str, named: str
) -> None:
    with Proxy(mode=status, body=body) as server:
        monkeypatch.setenv("TRACKING", server.uri)
        answer = cli.run()
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("tracking.mlflow: ")
    assert answer.names(f" {server.uri} ", named)
    assert (cli.trained(), cli.files()) == (0, [])


def test_another_scheme(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(mode=200, body="{}") as server:
        monkeypatch.setenv("TRACKING", server.uri.replace("http:", "https:"))
        answer = cli.run()
    assert (answer.code, cli.files()) == (2, [])
    assert answer.names("tracking.mlflow: ", "http://", "https://")


def test_an_unreachable_server(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKING", "http://127.0.0.1:9")
    answer = cli.run()
    assert answer.code == 0
    assert sum("MLflow" in line for line in answer.err.splitlines()) == 1
    assert answer.names("note: ", " http://127.0.0.1:9 ")
    assert all(text in answer.out for text in ("16 events", "`hpsearch sync toy`"))


def test_a_study_that_is_over_needs_no_mlflow(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKING", "http://127.0.0.1:9")
    assert cli.run().code == 0
    with Proxy(mode=401) as server:
        monkeypatch.setenv("TRACKING", server.uri)
        answer = cli.run()
    assert answer.code == 0
    assert "16 events" in answer.out
