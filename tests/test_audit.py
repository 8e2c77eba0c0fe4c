"""The summary of `make audit`."""

import json
from pathlib import Path

import pytest

from tests.support import audit

SOUND = {"name": "sound", "version": "1.0", "vulns": []}
HOLED = {"name": "holed", "version": "2.0", "vulns": [{"id": "CVE-1"}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not in the database"}


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([SOUND], 0, "0 packages with known holes; 1 of 1"),
        ([SOUND, HOLED], 1, "holed 2.0 CVE-1"),
        ([UNKNOWN], 1, "nothing was checked: pip-audit has reached no database with any of the 1 packages"),
        (None, 1, "nothing was checked: pip-audit has written no result. It needs the network"),
    ],
)
def test_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], found: list[object] | None, code: int, said: str
) -> None:
    if found is not None:
        (tmp_path / "found.json").write_text(json.dumps({"dependencies": found}))
    assert audit.main(str(tmp_path / "found.json")) == code
    assert said in capsys.readouterr().out
