"""Row 37: an upgrade that is killed at any of its writes has happened or has not, and is done by the next one."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch.journal import upgrade
from hpsearch.journal.schema import HEAD
from tests.chaos.scenario import Scenario
from tests.journal import old_journals

pytestmark = pytest.mark.chaos

KILLED = -9
CALLS = {"pwrite64": 3, "fdatasync": 1, "unlink": 1}
"""What changes a disk, and how many calls further the next try is."""


def version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return str(connection.execute("SELECT version_num FROM hpsearch_alembic_version").fetchone()[0])


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("call", "every"), CALLS.items())
def test_killed_at_every_write(scenario: Scenario, call: str, every: int) -> None:
    if (strace := shutil.which("strace")) is None:
        pytest.skip("needs strace")
    old, killed, found = old_journals.VERSIONS[0], 0, set()
    for count in range(1, 1000, every):
        (folder := scenario.folder / str(count)).mkdir()
        url = old_journals.lay_down(old, folder)
        before = old_journals.rows(url)
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={count}"]
        tracing = [strace, "-f", "-qq", "-o", "/dev/null", *inject]
        driver = scenario.start("db", "upgrade", "--journal", url, within=tracing)
        answer = driver.ended()
        if "ptrace" in answer.err:
            pytest.skip("strace may not be used here")
        path = Path(url.removeprefix("sqlite:///"))
        if answer.code == 0:
            break
        assert answer.code in (KILLED, 128 - KILLED), answer
        killed += 1
        found.add(version(path))
        upgrade(url)
        assert version(path) == HEAD
        assert old_journals.lost(before, old_journals.rows(url)) == []
    assert answer.code == 0
    assert killed > 0
    print(f"\nkilled at {killed} calls of {call}; left at version {', '.join(sorted(found)) or '-'}; 0 rows lost")
