"""FAULTS row 35: many start at once, where there is nothing yet: one schema, one experiment a study, nobody fails."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch.tracking.mlflow_logging import configure
from tests.chaos.scenario import Scenario, add_summary

TRIALS = 2
EPOCHS = 2


def study(scenario: Scenario, name: str, mlflow: bool) -> Path:
    """A study that takes no time."""
    path = scenario.cli.study(
        f'method = "random"\ntrials = {TRIALS}', trainer="tests.support.toys:noop", epochs=EPOCHS, file=f"{name}.toml"
    )
    text = (
        path.read_text()
        .replace('name = "toy"', f'name = "{name}"')
        .replace(f'epoch_log = "{scenario.cli.epoch_log}"', "")
    )
    path.write_text(text.replace('[tracking]\nmlflow = "none"\n', "") if mlflow else text)
    return path


def start_all(scenario: Scenario, studies: int, each: int, mlflow: bool, patience: float) -> Counter[int]:
    """Start so many studies, each so many times, all at once; how often they ended with which exit code."""
    paths = [study(scenario, f"study-{i:03d}", mlflow) for i in range(studies)]
    drivers = [scenario.start("run", path.name) for _ in range(each) for path in paths]
    answers = [driver.ended(patience) for driver in drivers]
    codes = Counter(answer.code for answer in answers)
    assert set(codes) <= {0, 4}, [answer.err for answer in answers if answer.code not in (0, 4)]
    for i in range(studies):
        done = [answer for answer in answers[i::studies] if "workers busy" in answer.out]
        assert len(done) == 1, f"study {i} was run {len(done)} times"
        scenario.check(f"study-{i:03d}", budget=TRIALS)
    return codes


def check_journal(scenario: Scenario, studies: int) -> None:
    """One schema, and in it each study once."""
    with closing(sqlite3.connect(scenario.folder / ".hpsearch" / "journal.db")) as connection:
        assert len(connection.execute("SELECT version_num FROM hpsearch_alembic_version").fetchall()) == 1
        names = [name for (name,) in connection.execute("SELECT name FROM hpsearch_studies ORDER BY name")]
        assert names == [f"study-{i:03d}" for i in range(studies)]
        assert connection.execute("SELECT count(*) FROM hpsearch_leases").fetchone() == (studies,)
        trials, epochs = connection.execute("SELECT count(*), sum(epoch) FROM hpsearch_trials").fetchone()
        assert (trials, epochs) == (studies * TRIALS, studies * TRIALS * EPOCHS)


def check_mlflow(scenario: Scenario, studies: int) -> None:
    """Each study has one experiment, and in it one run for itself and one for every trial."""
    configure()
    from mlflow import MlflowClient

    assert scenario.invoke("sync", timeout=200).code == 0
    store = f"sqlite:///{scenario.folder}/.hpsearch/mlflow.db"
    experiments = MlflowClient(store, store).search_experiments(filter_string="name != 'Default'", max_results=1000)
    assert sorted(one.name for one in experiments) == [f"study-{i:03d}" for i in range(studies)]
    for i in range(0, studies, max(1, studies // 10)):
        scenario.check(f"study-{i:03d}", mlflow=store)
    left = list((scenario.folder / ".hpsearch").glob(".mlflow.db-*"))
    assert not left, f"half-made stores are left: {left}"


@pytest.mark.chaos
def test_six_studies_at_once(scenario: Scenario) -> None:
    codes = start_all(scenario, studies=6, each=1, mlflow=False, patience=90)
    check_journal(scenario, 6)
    add_summary("35", "first runs of different studies at once, on a fresh journal", times=6, exit_codes=dict(codes))


def test_six_of_one_study_at_once(scenario: Scenario) -> None:
    codes = start_all(scenario, studies=1, each=6, mlflow=False, patience=90)
    check_journal(scenario, 1)
    add_summary("35", "first runs of one study at once, on a fresh journal", times=6, exit_codes=dict(codes))


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_hundred_studies_at_once(scenario: Scenario) -> None:
    codes = start_all(scenario, studies=100, each=1, mlflow=False, patience=400)
    check_journal(scenario, 100)
    add_summary("35", "first runs of different studies at once, on a fresh journal", times=100, exit_codes=dict(codes))


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_hundred_of_ten_studies_at_once(scenario: Scenario) -> None:
    codes = start_all(scenario, studies=10, each=10, mlflow=False, patience=400)
    check_journal(scenario, 10)
    add_summary("35", "first runs of ten studies, each ten times, at once", times=100, exit_codes=dict(codes))


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_twenty_at_once_with_a_fresh_mlflow_store(scenario: Scenario) -> None:
    codes = start_all(scenario, studies=10, each=2, mlflow=True, patience=400)
    check_journal(scenario, 10)
    check_mlflow(scenario, 10)
    add_summary(
        "35", "first runs of ten studies, each twice, with a fresh MLflow store", times=20, exit_codes=dict(codes)
    )
