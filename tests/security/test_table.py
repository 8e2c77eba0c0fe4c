"""SECURITY.md: each attack in its table names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_attack_has_a_test() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = text.partition("| attack |")[2].partition("\n\n")[0]
    rows = [line for line in table.splitlines()[2:] if line.startswith("|")]
    assert len(rows) >= 15
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)`", row.rpartition("|")[0].rpartition("|")[2])
        assert named, row
        assert [name for name in named if not (ROOT / name).is_file()] == [], row
