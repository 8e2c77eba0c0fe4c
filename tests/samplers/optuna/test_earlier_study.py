"""Studies in Optuna storages, written by Optuna itself."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import optuna
import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.goals import Goal
from hpsearch.core.requirements import read as requirement
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


def two(journal: Path, names: list[str] | None = None, **attributes: float) -> Path:
    """Adds a study "two" with two objectives; its second trial has failed."""
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
    study = optuna.create_study(storage=storage, study_name="two", directions=["minimize", "maximize"])
    if names:
        with catch_warnings():
            simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(names)
    own = {"params": {"lr": 0.5}, "distributions": LR, "user_attrs": attributes}
    study.add_trial(optuna.trial.create_trial(values=[0.3, 0.8], **own))
    study.add_trial(optuna.trial.create_trial(state=optuna.trial.TrialState.FAIL, **own))
    return journal


LOSS_AND_ACC = replace(LOSS, others=(Goal("acc", "maximize"),))


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["acc", "loss"], None),
        (["loss", "acc"], {}),
        (None, {}),
        (None, {"loss": "values_0", "acc": "values_1"}),
        (["a", "b"], {"loss": "a", "acc": "b"}),
    ],
)
def test_several_goals(journal: Path, names: list[str] | None, columns: dict[str, str] | None) -> None:
    """By the names of the metrics or --columns; without both, in the order of study.objectives."""
    two(journal, names)
    if columns is None:  # named in the other order, so the directions differ
        with pytest.raises(BadInput, match="maximize"):
            read(journal, "two", LOSS_AND_ACC)
        return
    _, (one, failed) = read(journal, "two", LOSS_AND_ACC, **columns)
    assert (list(one.values), dict(one.others)) == ([(0, 0.3)], {0: {"acc": 0.8}})
    assert (failed.state, list(failed.values)) == (State.FAILED, [])


def test_one_of_several_objectives(journal: Path) -> None:
    two(journal, ["a", "loss"])
    best = Objective("loss", "maximize")
    assert list(read(journal, "two", best)[1][0].values) == [(0, 0.8)]
    with pytest.raises(BadInput, match="--columns other"):
        read(journal, "two", Objective("other", "minimize"))


def test_metrics_of_user_attributes(journal: Path) -> None:
    """A required metric is no objective: the script has set it with `set_user_attr`."""
    two(journal, ["loss", "acc"], latency=7.5)
    required = replace(LOSS, require=(requirement("latency <= 20"),))
    assert dict(read(journal, "two", required)[1][0].others) == {0: {"latency": 7.5}}
    assert dict(read(journal, "two", required, latency="ms")[1][0].others) == {0: {}}


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
