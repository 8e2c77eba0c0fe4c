"""Each study of docs/commands.md runs as it is written there."""

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.cli_runner import CliRunner

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
FILES = re.findall(r"```\w+\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
STUDIES = [name for name, _ in FILES if name.endswith(".toml")]


@pytest.mark.parametrize("name", STUDIES)
def test_an_example(cli: CliRunner, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    for file, text in FILES:
        more = '\n[resources]\naddress = "none"\n[tracking]\nmlflow = "none"\n' if file.endswith(".toml") else ""
        (cli.folder / file).write_text(text + more)
    assert cli.invoke("check", name).code == 0
    data = cli.invoke("run", name, "--json").data
    failed = [cli.invoke("show", name, trial["number"]).out for trial in cli.export(name)["trials"] if trial["error"]]
    assert (data["trials"]["failed"], failed) == (0, [])
    assert data["best"]["value"] is not None
    curves = [trial["curve"] for trial in cli.export(name.removesuffix(".toml"))["trials"]]
    assert max(len(curve) for curve in curves) == {"episodes.toml": 5, "shell.toml": 3}.get(name, 9)
    shutil.rmtree(cli.folder / ".hpsearch")
