"""docs/mlflow-in-your-code.md: its files are written down as they stand there, and run."""

import re
import sys
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
