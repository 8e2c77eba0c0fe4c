"""A marker in the driver's home, read by workers."""

import platform
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from hpsearch.workers.shared_home import MARKER, home_id, home_of, host_without_home
from tests.support.studies import setup


def test_one_id_for_all_drivers_of_a_home(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(home_id, [tmp_path / "home"] * 32))
    assert len(found) == 1
    assert len(found.pop()) == 32
    assert [path.name for path in (tmp_path / "home").iterdir()] == [MARKER]
    assert home_id(tmp_path / "home") != home_id(tmp_path / "other")


def test_a_worker_that_reads_it_and_others(tmp_path: Path) -> None:
    here = setup(tmp_path / "studies" / "one")
    assert home_of(here) == tmp_path
    assert host_without_home(here) == "", "nothing is checked"
    shared = replace(here, home_id=home_id(tmp_path))
    assert host_without_home(shared) == ""
    (tmp_path / MARKER).write_text("of another folder")
    assert host_without_home(shared) == platform.node()
    (tmp_path / MARKER).unlink()
    assert host_without_home(shared) == platform.node()
