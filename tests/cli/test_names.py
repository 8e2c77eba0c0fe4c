"""FAULTS row 33: whatever a study may be called, it runs, is found again, and stays in its place."""

import json

import pytest

from tests.cli.desk import Desk

NAMES = ["x" * 250, "é" * 125, "🙂" * 62, "größe µ 损失", "a'b;c$(d)`e`", "{x} *?", "~", "-rf", "a:b", "CON", "NUL.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_that_is_allowed(desk: Desk, name: str) -> None:
    desk.study('method = "random"\ntrials = 1')
    desk.change(('name = "toy"', f"name = {json.dumps(name, ensure_ascii=False)}"))
    answer = desk.run()
    assert answer.code == 0, answer.err
    assert desk.run().code == 0, "nothing is left to do"
    assert desk.export("study.toml")["study"]["name"] == name
    assert desk.hp("status", "--", name).code == 0
    assert {path.name for path in desk.folder.iterdir()} == {"study.toml", "diary.txt", ".hpsearch"}
    (folder,) = (desk.folder / ".hpsearch" / "studies").iterdir()
    assert len(folder.name.encode()) <= 255
    assert folder.name[:50] == f"{name}-{folder.name[-8:]}"[:50]
