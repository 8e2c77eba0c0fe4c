"""The reports of a running slice, in a file."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.trial import Report
from hpsearch.workers.unsent_reports import UnsentReports, take_unsent, unsent_file


@pytest.fixture
def unsent(tmp_path: Path) -> Iterator[UnsentReports]:
    made = UnsentReports(unsent_file(tmp_path, 7))
    yield made
    made.close()


def report(step: int, loss: float = 0.5) -> Report:
    return Report(step, {"val_loss": loss})


def test_they_are_those_of_the_last_slice(unsent: UnsentReports, tmp_path: Path) -> None:
    path = unsent_file(tmp_path, 7)
    unsent.add(report(1))
    unsent.begin_slice()
    unsent.add(report(2))
    unsent.add(report(3, 0.25))
    assert take_unsent(path, after=0) == (report(2), report(3, 0.25))
    assert not path.exists()


def test_the_last_epoch_may_gain_metrics(unsent: UnsentReports, tmp_path: Path) -> None:
    evaluated = Report(1, {"val_loss": 0.5, "test_loss": 0.6})
    unsent.add(report(1))
    unsent.add(evaluated)
    assert take_unsent(unsent_file(tmp_path, 7), after=0) == (evaluated,)


def test_those_that_were_sent_are_left_out(unsent: UnsentReports, tmp_path: Path) -> None:
    path = unsent_file(tmp_path, 7)
    unsent.add(report(1))
    unsent.add(report(2))
    assert take_unsent(path, after=1) == (report(2),)


def test_a_process_that_ended_while_it_wrote(unsent: UnsentReports, tmp_path: Path) -> None:
    path = unsent_file(tmp_path, 7)
    unsent.add(report(1, math.inf))
    path.write_bytes(path.read_bytes() + b'[2, {"val_lo')
    assert take_unsent(path, after=0) == (report(1, math.inf),)


def test_nothing_is_written_without_a_report(unsent: UnsentReports, tmp_path: Path) -> None:
    unsent.begin_slice()
    unsent.close()
    assert list(tmp_path.iterdir()) == []
    assert take_unsent(unsent_file(tmp_path, 7), after=0) == ()


def test_at_the_end_the_file_is_removed(unsent: UnsentReports, tmp_path: Path) -> None:
    unsent.add(report(1))
    unsent.close()
    assert not unsent_file(tmp_path, 7).exists()


def test_a_disk_that_takes_no_more(unsent: UnsentReports, tmp_path: Path) -> None:
    (tmp_path / "unsent").write_text("a file")
    unsent.add(report(1))
