import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.log import CappedLog, quiet

FULL = "\n… the log is full: nothing more is written\n"


class TestCappedLog:
    def test_makes_no_file_for_nothing(self, tmp_path: Path) -> None:
        CappedLog(tmp_path / "a.log").close()
        assert list(tmp_path.iterdir()) == []

    def test_makes_its_folder(self, tmp_path: Path) -> None:
        log = CappedLog(tmp_path / "logs" / "a.log")
        print("words", file=log)
        assert (tmp_path / "logs" / "a.log").read_text() == "words\n"
        log.close()

    def test_takes_so_much_and_says_so_once(self, tmp_path: Path) -> None:
        with CappedLog(tmp_path / "a.log", most=10) as log:
            for _ in range(5):
                assert log.write("1234") == 4
        assert (tmp_path / "a.log").read_text() == "1234123412" + FULL

    def test_what_is_there_counts(self, tmp_path: Path) -> None:
        for _ in range(3):
            with CappedLog(tmp_path / "a.log", most=10) as log:
                log.write("123456")
        assert (tmp_path / "a.log").read_text() == "1234561234" + FULL + FULL

    def test_takes_any_text(self, tmp_path: Path) -> None:
        with CappedLog(tmp_path / "a.log") as log:
            log.write("Größe \ud800 🙂")
        assert (tmp_path / "a.log").read_text(encoding="utf-8") == "Größe \\ud800 🙂"

    def test_is_a_stream_for_others(self, tmp_path: Path) -> None:
        log = CappedLog(tmp_path / "a.log")
        assert isinstance(log, io.TextIOBase)
        assert log.writable()
        assert not log.closed
        log.flush()
        log.close()
        log.close()
        assert log.closed


class TestQuiet:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Iterator[Path]:
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        quiet(tmp_path / "home" / "hpsearch.log")
        yield tmp_path / "home" / "hpsearch.log"
        logging.captureWarnings(False)
        for handler in root.handlers:
            handler.close()
        root.handlers[:], root.level = handlers, level

    def test_what_libraries_log_goes_to_the_file(self, file: Path, capfd: pytest.CaptureFixture[str]) -> None:
        logging.getLogger("noisy.library").warning("a worker is slow")
        logging.getLogger("noisy.library").info("nobody needs this")
        assert "WARNING noisy.library: a worker is slow" in file.read_text()
        assert "nobody" not in file.read_text()
        assert capfd.readouterr() == ("", "")

    def test_what_they_warn_of_too(self, file: Path, capfd: pytest.CaptureFixture[str]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)
            logging.captureWarnings(True)  # pytest's own handling of warnings stands before the first
            warnings.warn("old", DeprecationWarning, stacklevel=1)
            logging.captureWarnings(False)
        assert "DeprecationWarning: old" in file.read_text()
        assert capfd.readouterr() == ("", "")

    def test_no_file_without_need(self, file: Path) -> None:
        assert not file.exists()
