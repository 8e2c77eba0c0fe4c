"""Studies in Optuna storages, written by Optuna itself."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.trial import Objective, State
from hpsearch.samplers.optuna import earlier_study

LOSS = Objective("loss", "minimize")
LR = {"lr": optuna.distributions.FloatDistribution(0.0, 1.0)}
TRIALS: list[dict[str, Any]] = [
    {"value": 0.3, "intermediate_values": {0: 0.5, 1: 0.3}},
    {"value": 0.1, "intermediate_values": {0: 0.5, 1: 0.3}},
    {"value": 0.2},
    {"state": optuna.trial.TrialState.PRUNED, "intermediate_values": {0: 0.9}},
    {"state": optuna.trial.TrialState.FAIL},
]


def written(storage: Any, name: str = "old", **options: Any) -> Any:
    study = optuna.create_study(storage=storage, study_name=name, **options)
    study.add_trials([optuna.trial.create_trial(params={"lr": 0.5}, distributions=LR, **one) for one in TRIALS])
    return storage


def read(address: Any, name: str | None = None, objective: Objective = LOSS, **columns: str) -> Any:
    return earlier_study.read("here", address, name, objective, columns)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.log"
    written(optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path))))
    return path


def test_a_journal_file(journal: Path) -> None:
    """A final value that the curve does not have stands alone, at its last step."""
    name, trials = read(journal)
    assert name == "old"
    assert [list(one.values) for one in trials] == [[(1, 0.5), (2, 0.3)], [(2, 0.1)], [(0, 0.2)], [(1, 0.9)], []]
    assert [one.state for one in trials] == [State.COMPLETE] * 3 + [State.PRUNED, State.FAILED]
    assert (trials[0].label, dict(trials[0].params)) == ("trial 0", {"lr": 0.5})
    assert dict(read(journal, rate="lr")[1][0].params) == {"rate": 0.5}


def test_a_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    storage = written(optuna.storages.RDBStorage(url))
    assert len(read(url)[1]) == len(TRIALS)
    written(storage, "other", direction="maximize")
    storage.remove_session()
    storage.engine.dispose()
    for name, part in ((None, "--study"), ("olds", "did you mean `old`"), ("other", "maximize")):
        with pytest.raises(BadInput, match=part):
            read(url, name)


def test_two_objectives(journal: Path) -> None:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
    optuna.create_study(storage=storage, study_name="two", directions=["minimize", "minimize"])
    with pytest.raises(BadInput, match="2 objectives"):
        read(journal, "two")


def test_what_is_no_storage(tmp_path: Path) -> None:
    """Nothing is made in it."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE own (x)")
    with pytest.raises(BadInput, match="no Optuna study"):
        read(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("own",)]
    path.write_bytes(b"SQLite format 3\0 and then nothing")
    with pytest.raises(BadInput):
        read(f"sqlite:///{path}")
    path.write_text('{"op_code": 99}\n')
    with pytest.raises(BadInput):
        read(path)


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_study, "LOCK_SECONDS", 0.01)
    path = tmp_path / "study.db"
    storage = written(optuna.storages.RDBStorage(f"sqlite:///{path}"))
    storage.remove_session()
    storage.engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BadInput, match="another program"):
            read(f"sqlite:///{path}")
