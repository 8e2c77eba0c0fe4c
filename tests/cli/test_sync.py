"""`hpsearch sync`: what is said where there is nothing to bring. The rest is in test_end_to_end."""

import pytest

from tests.cli.desk import Desk


def test_a_study_that_is_not_in_mlflow(desk: Desk) -> None:
    desk.study()
    desk.run()
    for study in ("toy", "study.toml"):
        answer = desk.hp("sync", study)
        assert (answer.code, answer.err) == (
            2,
            'study "toy" is not in MLflow (tracking.mlflow = "none"): say where with --mlflow URI\n',
        )
    assert desk.hp("sync").out == "no study here is in MLflow\n"
    assert not (desk.folder / ".hpsearch" / "mlflow.db").exists()


def test_what_is_not_there(desk: Desk) -> None:
    assert desk.hp("sync").code == 2
    desk.study()
    desk.run()
    assert "did you mean `toy`?" in desk.hp("sync", "tpy").err


def test_a_folder_is_no_store(desk: Desk) -> None:
    desk.study()
    desk.run()
    answer = desk.hp("sync", "toy", "--mlflow", "mlruns")
    assert answer.code == 2
    assert answer.err == "--mlflow: MLflow 3 has no file store: write sqlite:///… or http://…\n"


def test_goes_where_the_study_file_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is called by name alone; a server that is away is no bad input."""
    monkeypatch.setenv("NOBODY", "http://127.0.0.1:9")
    desk.study()
    desk.change(('mlflow = "none"', 'mlflow = "${env:NOBODY}"'))
    monkeypatch.setattr("hpsearch.orchestrator.search.FLUSH", 0.1)
    ran = desk.run()
    assert ran.code == 0
    assert ran.out.splitlines()[-2].endswith("events are not in MLflow yet; `hpsearch sync toy` sends them")
    answer = desk.hp("sync", "toy")
    assert answer.code == 5
    assert answer.err.startswith("toy: 0 sent, ")
    assert "MLflow at http://127.0.0.1:9 does not answer" in answer.err
    monkeypatch.delenv("NOBODY")
    answer = desk.hp("sync", "toy")
    assert (answer.code, answer.err) == (2, 'study "toy": the environment variable NOBODY is not set\n')


def test_a_store_that_starts_at_the_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.study()
    desk.run("--set", 'tracking.mlflow="sqlite:///other.db"', "--set", "search.trials=1")
    assert desk.hp("sync", "toy").out == "toy: 0 sent, 0 pending\n"
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    words = ("sync", "toy", "--journal", f"sqlite:///{desk.folder}/.hpsearch/journal.db")
    answer = desk.hp(*words)
    assert (answer.code, answer.err) == (
        2,
        'study "toy": sqlite:///other.db starts at its file: name the file in place of the study\n',
    )
    answer = desk.hp(*words, "--mlflow", f"sqlite:///{desk.folder}/other.db", "--json")
    assert answer.data == [{"study": "toy", "sent": 0, "pending": 0}]
    assert list(elsewhere.iterdir()) == []
