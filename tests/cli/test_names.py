"""FAULTS row 33: whatever a study may be called, it runs, is found again, and stays in its place."""

import json

import pytest

from tests.cli.cli_runner import CliRunner

NAMES = ["x" * 250, "é" * 125, "🙂" * 62, "größe µ 损失", "a'b;c$(d)`e`", "{x} *?", "~", "a:b", "CON", "NUL.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_that_is_allowed(cli: CliRunner, name: str) -> None:
    cli.study('method = "random"\ntrials = 1')
    cli.change(('name = "toy"', f"name = {json.dumps(name, ensure_ascii=False)}"))
    answer = cli.run()
    assert answer.code == 0, answer.err
    assert cli.run().code == 0, "nothing is left to do"
    assert cli.export("study.toml")["study"]["name"] == name
    assert cli.invoke("status", "--", name).code == 0
    assert {path.name for path in cli.folder.iterdir()} == {"study.toml", "epoch_log.txt", ".hpsearch"}
    (folder,) = (cli.folder / ".hpsearch" / "studies").iterdir()
    assert len(folder.name.encode()) <= 255
    assert folder.name[:50] == f"{name}-{folder.name[-8:]}"[:50]
