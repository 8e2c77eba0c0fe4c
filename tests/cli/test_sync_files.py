"""`hpsearch sync` where the store of artifacts cannot be written."""

import pytest

from tests.cli.cli_runner import CliRunner


@pytest.fixture
def tracked(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A study of two trials, whose artifacts go to a place that is no folder."""
    cli.study('method = "random"\ntrials = 2')
    cli.change(('mlflow = "none"', 'mlflow = "sqlite:///mlflow.db"'))
    (cli.folder / "mlartifacts").write_text("a file")
    return cli


def test_its_exit_code_is_about_runs_points_and_states(tracked: CliRunner) -> None:
    assert tracked.run().code == 0
    assert tracked.invoke("sync", "study.toml").code == 0
    answer = tracked.invoke("sync", "study.toml", "--json")
    assert answer.code == 0
    (one,) = answer.data
    assert (one["pending"], one["files_sent"]) == (0, 0)
    assert one["files_pending"] > 0
    assert "mlartifacts" in one["problem"]
    (tracked.folder / "mlartifacts").unlink()
    (then,) = tracked.invoke("sync", "study.toml", "--json").data
    assert (then["files_sent"], then["files_pending"], then["problem"]) == (one["files_pending"], 0, "")
