"""docs/mlflow-in-your-code.md: its files are written down as they stand there, and run."""

import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.trainers.conftest import one_thread

__all__ = ["cli", "one_thread"]  # fixtures

TEXT = (Path(__file__).parents[1] / "docs" / "mlflow-in-your-code.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("tracked", [True, False])
def test_what_the_trainer_logs_is_a_child_of_its_trial(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch, tracked: bool
) -> None:
    from mlflow import MlflowClient

    for name, content in re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", TEXT, re.DOTALL):
        (cli.folder / name).write_text(content)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    options = [] if tracked else ["--set", 'tracking.mlflow="none"']
    assert cli.run("--set", 'resources.address="none"', *options).code == 0
    assert not (cli.folder / "mlflow.db").exists()
    client = MlflowClient(f"sqlite:///{cli.folder / '.hpsearch' / 'mlflow.db'}")
    (experiment,) = [one for one in client.search_experiments() if one.name == "own-logging"]
    runs = client.search_runs([experiment.experiment_id])
    named = {run.info.run_id: run.info.run_name for run in runs}
    own = [run for run in runs if run.info.run_name == "mine"]
    parents = sorted(named.get(run.data.tags.get("mlflow.parentRunId", ""), "") for run in own)
    assert parents == ([f"trial-000{number}" for number in range(4)] if tracked else [""] * 4)
    numbers = sorted(int(run.data.tags["hpsearch.parent"].rpartition("/")[2]) for run in own)
    assert numbers == [0, 1, 2, 3]
    for run in own:
        assert run.info.status == "FINISHED"
        assert [point.step for point in client.get_metric_history(run.info.run_id, "my_loss")] == [1, 2, 3]


OTHER_STORE = """
import mlflow
from hpsearch import Report

def use_own():
    mlflow.set_tracking_uri("sqlite:///own.db")

{at_import}
def train(params, run):
    use_own()
    with mlflow.start_run():
        for epoch in run.epochs():
            mlflow.log_metric("own", epoch, step=epoch)
            yield Report(epoch, {{"val_loss": params["x"]}})
"""


@pytest.mark.parametrize("at_import", ["", "use_own()"])
def test_another_store_has_its_own_experiments(cli: CliRunner, at_import: str) -> None:
    """In a process of its own, since the store holds for the whole process."""
    (cli.folder / "other.py").write_text(OTHER_STORE.format(at_import=at_import))
    cli.study('method = "random"\ntrials = 2', trainer="other:train")
    assert cli.ended(cli.start("run", "study.toml")).code == 0
    with closing(sqlite3.connect(cli.folder / "own.db")) as store:
        runs = store.execute(
            "SELECT runs.experiment_id, value FROM runs JOIN latest_metrics USING (run_uuid)"
        ).fetchall()
    assert runs == [(0, 3.0), (0, 3.0)]
