import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.logs import log_libraries_to
from hpsearch.workers.trial_log import (
    FULL,
    MAX_BYTES,
    MAX_LINE_BYTES,
    TAIL_BYTES,
    CappedFile,
    CappedLog,
    CollapsedOutput,
)

SAYS_SO = FULL.decode()


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
        with CappedLog(tmp_path / "a.log", max_bytes=10 + len(FULL)) as log:
            for _ in range(5):
                assert log.write("1234") == 4
        assert (tmp_path / "a.log").read_text() == "1234123412" + SAYS_SO

    def test_what_is_there_counts(self, tmp_path: Path) -> None:
        for _ in range(3):
            with CappedLog(tmp_path / "a.log", max_bytes=10 + len(FULL)) as log:
                log.write("123456")
        assert (tmp_path / "a.log").read_text() == "1234561234" + SAYS_SO

    @pytest.mark.parametrize("text", ["ü" * 100, "🙂" * 100, "\ud800" * 100, "x" * 10_000_000])
    def test_bytes_are_what_counts_and_no_character_is_cut(self, tmp_path: Path, text: str) -> None:
        most = 51 + len(FULL)
        for _ in range(2):
            with CappedLog(tmp_path / "a.log", max_bytes=most) as log:
                log.write("1")
                log.write(text)
        assert most - 4 < (tmp_path / "a.log").stat().st_size <= most
        assert (tmp_path / "a.log").read_text("utf-8").endswith(SAYS_SO)

    def test_a_million_lines(self, tmp_path: Path) -> None:
        with CappedLog(tmp_path / "a.log") as log:
            for i in range(1_000_000):
                print(f"step {i}", file=log)
        assert (tmp_path / "a.log").stat().st_size == MAX_BYTES

    def test_no_trial_fails_because_its_words_cannot_be_kept(self, tmp_path: Path) -> None:
        (tmp_path / "logs").write_text("in the way")
        with CappedLog(tmp_path / "logs" / "a.log") as log:
            assert log.write("words") == 5
            assert log.write("words") == 5
        with CappedLog(Path("/dev/full")) as log:
            assert log.write("words") == 5

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


class TestFoldedOutput:
    def written(self, tmp_path: Path, *chunks: bytes) -> bytes:
        output = CollapsedOutput(CappedFile(tmp_path / "a.log"))
        for chunk in chunks:
            output.write(chunk)
        output.close()
        return (tmp_path / "a.log").read_bytes()

    def test_a_line_that_is_overwritten_is_written_once(self, tmp_path: Path) -> None:
        assert (
            self.written(tmp_path, b"before\n", b"\r 10%", b"\r 50%\r", b"100%", b"\nafter\n")
            == b"before\n100%\nafter\n"
        )

    def test_line_ends_of_windows(self, tmp_path: Path) -> None:
        assert self.written(tmp_path, b"one\r\ntwo\r", b"\n") == b"one\ntwo\n"

    def test_a_last_line_without_an_end(self, tmp_path: Path) -> None:
        assert self.written(tmp_path, b"one\ntwo") == b"one\ntwo\n"

    def test_a_long_line_is_not_held_back(self, tmp_path: Path) -> None:
        output = CollapsedOutput(CappedFile(tmp_path / "a.log"))
        output.write(b"x" * (MAX_LINE_BYTES + 1))
        assert (tmp_path / "a.log").stat().st_size == MAX_LINE_BYTES + 1
        output.close()

    def test_a_progress_bar_without_end_takes_no_memory(self, tmp_path: Path) -> None:
        output = CollapsedOutput(CappedFile(tmp_path / "a.log"))
        for number in range(100_000):
            output.write(b"\r%d" % number)
        assert len(output._line) <= MAX_LINE_BYTES + 10
        output.close()
        assert (tmp_path / "a.log").read_text() == "99999\n"

    def test_the_end_is_kept(self) -> None:
        output = CollapsedOutput(None)
        for _ in range(10_000):
            output.write(b"1234567\n")
        output.write(b"last words\n")
        assert output.end().endswith("1234567\nlast words\n")
        assert len(output.end()) == TAIL_BYTES
        output.close()

    def test_a_head_only_in_a_new_file(self, tmp_path: Path) -> None:
        for _ in range(2):
            file = CappedFile(tmp_path / "a.log")
            file.write_head(b"head\n")
            file.write(b"body\n")
            file.close()
        assert (tmp_path / "a.log").read_text() == "head\nbody\nbody\n"


class TestQuiet:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Iterator[Path]:
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        log_libraries_to(tmp_path / "home" / "hpsearch.log")
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

    def test_a_home_keeps_so_much_of_it(self, file: Path) -> None:
        for _ in range(40):
            logging.getLogger("noisy.library").warning("x" * 100_000)
        sizes = [path.stat().st_size for path in file.parent.iterdir()]
        assert len(sizes) == 2
        assert max(sizes) <= MAX_BYTES

    def test_a_password_that_they_repeat_is_not_kept(self, file: Path) -> None:
        for url in ("postgresql://me:hunter2@db/x", "http://me:hun@ter2@host", "mysql://db/x?password=hunter2&a=b"):
            logging.getLogger("noisy.library").error("cannot reach %s", url)
        try:
            raise ConnectionError("password=hunter2 host=db")
        except ConnectionError:
            logging.getLogger("noisy.library").exception("no")
        assert "ter2" not in file.read_text()
        assert "cannot reach postgresql://me:***@db/x\n" in file.read_text()
        assert "?password=***&a=b\n" in file.read_text()

    def test_no_file_without_need(self, file: Path) -> None:
        assert not file.exists()
