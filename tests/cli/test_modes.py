"""Other users of the machine read nothing of a study, wherever its files are."""

import os
import stat
from pathlib import Path

import pytest

from tests.cli.cli_runner import CliRunner

NETWORK = "lr = { low = 0.01, high = 0.1 }\nlimit = [1.0]"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_to_others(folder: Path) -> list[str]:
    """What is readable for others below a folder that is."""
    found = []
    for path in folder.rglob("*"):
        above = [one for one in path.parents if one.is_relative_to(folder)]
        if all(one.stat().st_mode & OTHERS for one in [path, *above]):
            found.append(str(path.relative_to(folder)))
    return found


@pytest.fixture(autouse=True)
def _usual_umask() -> None:
    os.umask(0o022)


def test_the_home_of_a_study(cli: CliRunner) -> None:
    cli.study('method = "random"\ntrials = 1', trainer="tests.cli.trainers:network", epochs=1, space=NETWORK)
    assert cli.run().code == 0
    assert cli.invoke("sync", "toy", "--mlflow", f"sqlite:///{cli.folder}/.hpsearch/mlflow.db").code == 0
    cli.invoke("preflight", "study.toml")
    assert (cli.folder / ".hpsearch" / "preflight").exists()
    assert open_to_others(cli.folder / ".hpsearch") == []


def test_a_journal_elsewhere(cli: CliRunner) -> None:
    place = cli.folder / "shared"
    place.mkdir()
    cli.study(more=f'[journal]\nurl = "sqlite:///{place}/journal.db"\n')
    assert cli.run().code == 0
    assert [path.name for path in place.iterdir()] == ["journal.db"]
    assert open_to_others(place) == []


def test_a_home_for_a_group(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_UMASK", "0027")
    cli.study()
    assert cli.run().code == 0
    home = cli.folder / ".hpsearch"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home, home / "journal.db")} == {
        ".hpsearch": 0o750,
        "journal.db": 0o640,
    }
