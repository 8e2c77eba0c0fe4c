"""The log of a trial that has its own process."""

from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.workers.isolation.isolated_worker import IsolatedWorker
from hpsearch.workers.trial_log import MAX_BYTES, log_file
from tests.workers.isolation.test_isolated_worker import ended, log_of, lost, trained, up, work, worker

__all__ = ["work", "worker"]  # fixtures

pytestmark = pytest.mark.xdist_group("isolation")  # one process of xdist starts a worker, and not each


def test_holds_all_that_the_process_wrote(worker: IsolatedWorker) -> None:
    assert log_of(worker, trained(worker, "writes")).splitlines() == [
        "imported",
        "print",
        "logging",
        "descriptor 1",
        "child process",
        "100%",
        "atexit",
    ]


def test_also_where_the_process_is_killed(
    worker: IsolatedWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it, Python lets C write at once
    other = up(IsolatedWorker(replace(worker.setup, work=tmp_path)), {})
    written = log_of(other, lost(other, "writes_in_other_ways"))
    other.close()
    places = [written.index(part) for part in ("own logging", "UserWarning: a warning", "C library")]
    assert "writes_in_other_ways" in written.partition("C library")[2], "the traceback of faulthandler"
    assert places == sorted(places)


def test_has_the_traceback_of_what_the_trainer_raised(worker: IsolatedWorker) -> None:
    reported = trained(worker, "raises_at_its_end")
    assert len(reported.reports) == 1
    assert log_of(worker, reported).splitlines()[-1] == "OSError: no such folder"


def test_is_bounded(worker: IsolatedWorker) -> None:
    reported = trained(worker, "floods")
    ended(worker)
    assert log_file(worker.setup.work, reported.number).stat().st_size == MAX_BYTES


def test_no_trial_fails_because_its_log_cannot_be_written(worker: IsolatedWorker, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    other = up(IsolatedWorker(replace(worker.setup, work=tmp_path)), {})
    assert trained(other, "floods").reports
    other.close()
