"""`hpsearch sync`: what is said where there is nothing to bring. The rest is in test_end_to_end."""

import pytest

from tests.cli.cli_runner import CliRunner


def test_a_study_that_is_not_in_mlflow(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    for study in ("toy", "study.toml"):
        answer = cli.invoke("sync", study)
        assert (answer.code, answer.err) == (
            2,
            'study "toy" is not in MLflow (tracking.mlflow = "none"): say where with --mlflow URI\n',
        )
    assert cli.invoke("sync").out == "no study of this journal is tracked with MLflow\n"
    assert not (cli.folder / ".hpsearch" / "mlflow.db").exists()


def test_what_is_not_there(cli: CliRunner) -> None:
    assert cli.invoke("sync").code == 2
    cli.study()
    cli.run()
    assert "did you mean `toy`?" in cli.invoke("sync", "tpy").err


def test_a_folder_is_no_store(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    answer = cli.invoke("sync", "toy", "--mlflow", "mlruns")
    assert answer.code == 2
    assert answer.err == "--mlflow: MLflow 3 has no file store: write sqlite:///… or http://…\n"


def test_goes_where_the_study_file_said(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is called by name alone; a server that is away is no bad input."""
    monkeypatch.setenv("DEAD_PID", "http://127.0.0.1:9")
    cli.study()
    cli.change(('mlflow = "none"', 'mlflow = "${env:DEAD_PID}"'))
    monkeypatch.setattr("hpsearch.orchestrator.search.FLUSH", 0.1)
    ran = cli.run()
    assert ran.code == 0
    assert ran.out.splitlines()[-2].endswith("events are not in MLflow yet; `hpsearch sync toy` sends them")
    answer = cli.invoke("sync", "toy")
    assert answer.code == 5
    assert answer.err.startswith("toy: ")
    assert "MLflow at http://127.0.0.1:9 does not answer" in answer.err
    monkeypatch.delenv("DEAD_PID")
    answer = cli.invoke("sync", "toy")
    assert (answer.code, answer.err) == (2, 'study "toy": the environment variable DEAD_PID is not set\n')


def test_a_store_that_starts_at_the_file(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.study()
    cli.run("--set", 'tracking.mlflow="sqlite:///other.db"', "--set", "search.trials=1")
    assert cli.invoke("sync", "toy").out == "toy: MLflow is up to date\n"
    elsewhere = cli.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    words = ("sync", "toy", "--journal", f"sqlite:///{cli.folder}/.hpsearch/journal.db")
    answer = cli.invoke(*words)
    assert (answer.code, answer.err) == (
        2,
        'study "toy": sqlite:///other.db starts at its file: name the file in place of the study\n',
    )
    answer = cli.invoke(*words, "--mlflow", f"sqlite:///{cli.folder}/other.db", "--json")
    assert answer.data == [{"study": "toy", "sent": 0, "pending": 0}]
    assert list(elsewhere.iterdir()) == []
