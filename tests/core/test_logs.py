"""A program that calls hpsearch has log handlers of its own."""

import logging
import warnings
from pathlib import Path

import pytest

from hpsearch.core.logs import buffer_library_logs, log_libraries_to, logging_restored


def test_logging_is_as_before(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level, warnings.showwarning
    with logging_restored():
        buffer_library_logs()
        log_libraries_to(tmp_path / "hpsearch.log")
        logging.getLogger("a.library").warning("something")
        assert root.handlers != before[0]
    assert (root.handlers, root.level, warnings.showwarning) == before
    assert "something" in (tmp_path / "hpsearch.log").read_text()


def test_a_program_that_captures_warnings_still_does(tmp_path: Path) -> None:
    logging.captureWarnings(True)
    try:
        captured = warnings.showwarning
        with logging_restored():
            buffer_library_logs()
        assert warnings.showwarning is captured
    finally:
        logging.captureWarnings(False)


def test_where_the_file_cannot_be_written_nothing_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with logging_restored():
        log_libraries_to(tmp_path / "file" / "hpsearch.log")
        logging.getLogger("a library").warning("something")
    assert capsys.readouterr().err == ""
