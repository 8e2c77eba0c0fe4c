import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cli_runner import CliRunner


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """An empty folder to work in. What a command does to logging is undone."""
    monkeypatch.chdir(tmp_path)
    for name in ("HPSEARCH_HOME", "HPSEARCH_DATA", "MLFLOW_TRACKING_URI", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield CliRunner(tmp_path, capsys)
    logging.captureWarnings(False)
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def done(cli: CliRunner) -> CliRunner:
    """Where a study, toy, of four trials is complete."""
    cli.study()
    cli.run()
    return cli
