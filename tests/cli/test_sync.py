"""`hpsearch sync`: what is said where there is nothing to bring. The rest is in test_end_to_end."""

import pytest

from tests.cli.cli_runner import CliRunner


def test_a_study_that_is_not_in_mlflow(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    for words in (("sync", "toy"), ("sync", "study.toml"), ("promote", "toy", "--as", "best")):
        answer = cli.invoke(*words)
        assert answer.is_refused
        assert answer.names('"toy"', "tracking.mlflow", "--mlflow")
    assert cli.invoke("sync").out == "no study of this journal is tracked with MLflow\n"
    assert not (cli.folder / ".hpsearch" / "mlflow.db").exists()


def test_a_study_or_trial_that_does_not_exist(cli: CliRunner) -> None:
    assert cli.invoke("sync").code == 2
    cli.study()
    cli.run()
    assert cli.invoke("sync", "tpy").names("`toy`")


def test_a_folder_is_no_store(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    answer = cli.invoke("sync", "toy", "--mlflow", "mlruns")
    assert answer.is_refused
    assert answer.names("--mlflow: ", "sqlite:///", "http://")


def test_goes_where_the_study_file_said(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is called by name alone; a server that is away is no bad input."""
    monkeypatch.setenv("DEAD_PID", "http://127.0.0.1:9")
    cli.study()
    cli.change(('mlflow = "none"', 'mlflow = "${env:DEAD_PID}"'))
    monkeypatch.setattr("hpsearch.orchestrator.search.FLUSH", 0.1)
    ran = cli.run()
    assert ran.code == 0
    assert "`hpsearch sync toy`" in ran.out.splitlines()[-2]
    answer = cli.invoke("sync", "toy")
    assert answer.code == 5
    assert answer.err.startswith("toy: ")
    assert answer.names(" http://127.0.0.1:9 ")
    monkeypatch.delenv("DEAD_PID")
    answer = cli.invoke("sync", "toy")
    assert answer.is_refused
    assert answer.names('"toy"', " DEAD_PID ")


def test_a_store_that_starts_at_the_file(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.study()
    cli.run("--set", 'tracking.mlflow="sqlite:///other.db"', "--set", "search.trials=1")
    assert cli.invoke("sync", "toy").code == 0  # a busy machine takes longer than the run waits
    assert cli.invoke("sync", "toy").out == "toy: MLflow is up to date\n"
    elsewhere = cli.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    words = ("sync", "toy", "--journal", f"sqlite:///{cli.folder}/.hpsearch/journal.db")
    answer = cli.invoke(*words)
    assert answer.is_refused
    assert answer.names('"toy"', '"sqlite:///other.db"')
    answer = cli.invoke(*words, "--mlflow", f"sqlite:///{cli.folder}/other.db", "--json")
    (updated,) = answer.data
    assert [updated[key] for key in ("study", "sent", "pending", "files_pending")] == ["toy", 0, 0, 0]
    assert list(elsewhere.iterdir()) == []
