"""docs/tutorial.md does what it says: its files are written down as they stand there, and run."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.trainers.conftest import one_thread

__all__ = ["cli", "one_thread"]  # fixtures

TEXT = (Path(__file__).parent.parent / "docs" / "tutorial.md").read_text(encoding="utf-8")


@pytest.fixture
def files(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Every block that begins with its file's name, written into the test's folder."""
    blocks = re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", TEXT, re.DOTALL)
    for name, content in blocks:
        (cli.folder / name).write_text(content)
    monkeypatch.syspath_prepend(cli.folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)  # of another test's folder
    return dict(blocks)


def test_six_lines_change_and_nothing_else(files: dict[str, str]):
    def lines(text: str) -> set[str]:
        return {line.strip() for line in text.splitlines() if line.strip()}

    marked = {line for line in lines(files["mine.py"]) if re.search(r"# \d$", line)}
    assert len(marked) == 6
    assert lines(files["mine.py"]) - lines(files["plain.py"]) == marked
    gone = lines(files["plain.py"]) - lines(files["mine.py"])
    assert gone == {"lr, hidden = 0.1, 64", "for epoch in range(1, 11):", "print(epoch, loss.item(), accuracy.item())"}


@pytest.mark.parametrize(("name", "lines"), [("plain.py", 10), ("notebook.py", 3)])
def test_its_scripts_run(
    files: dict[str, str], cli: CliRunner, name: str, lines: int, capsys: pytest.CaptureFixture[str]
):
    runpy.run_path(str(cli.folder / name))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    assert float(printed[-1].split()[-1]) > 0.8


def test_its_study_finds_something(files: dict[str, str], cli: CliRunner):
    short = ["--set", "resources.address=none", "--set", "search.trials=4", "--set", "tracking.mlflow=none"]
    answer = cli.invoke("run", "study.toml", *short, "--json")
    assert answer.code == 0, answer.err
    best = json.loads(answer.out)["best"]
    assert best["value"] > 0.9
    assert set(best["params"]) == {"lr", "hidden"}
