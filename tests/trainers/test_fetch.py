"""Downloads from a server on this machine that cuts, lies, changes its mind, or is not there."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from tests.trainers.conftest import Answer, answers, server
from trainers.kit import fetch as fetching
from trainers.kit.fetch import DataMissing, Progress, checked, fetch

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def right(content: bytes) -> bytes:
    if content != CONTENT:
        raise ValueError(f"{len(content)} bytes are not it")
    return content


class Source:
    """Serves CONTENT. ranges: whether it knows them; cut: after so many bytes of an answer it hangs up, each time."""

    def __init__(self, *, ranges: bool = True, cut: int | None = None, content: bytes = CONTENT):
        self.ranges = ranges
        self.cut = cut
        self.content = content
        self.asked: list[str | None] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers["Range"]
        self.asked.append(wanted)
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and self.ranges else 0
        if start >= len(self.content):
            request.send_error(416)
            return
        left = self.content[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(left)))
        request.end_headers()
        request.wfile.write(left if self.cut is None else left[: self.cut])


def test_a_file_is_downloaded_once_and_then_read_from_the_cache(empty_cache):
    source = Source()
    with server(source) as url:
        assert fetch(f"{url}file", "file", right) == CONTENT
        assert fetch(f"{url}file", "file", right) == CONTENT
    assert source.asked == [None]
    assert (empty_cache / "file").read_bytes() == CONTENT
    assert not (empty_cache / "file.part").exists()


def test_a_connection_that_is_cut_again_and_again_is_taken_up_where_it_was(empty_cache):
    source = Source(cut=100_000)
    with server(source) as url:
        assert fetch(f"{url}file", "file", right) == CONTENT
    assert source.asked == [None, "bytes=100000-", "bytes=200000-"]


def test_a_source_that_brings_nothing_new_is_given_up_and_the_next_call_goes_on(empty_cache):
    broken = Source(cut=0)
    (empty_cache / "file.part").parent.mkdir(parents=True)
    (empty_cache / "file.part").write_bytes(CONTENT[:1000])
    with server(broken) as url, pytest.raises(DataMissing, match="cut after 1,000 of 256,000 bytes"):
        fetch(f"{url}file", "file", right)
    assert broken.asked == ["bytes=1000-"] * fetching.TRIES
    source = Source()
    with server(source) as url:
        assert fetch(f"{url}file", "file", right) == CONTENT
    assert source.asked == ["bytes=1000-"]


def test_a_source_without_ranges_sends_it_all_again(empty_cache):
    (empty_cache / "file.part").parent.mkdir(parents=True)
    (empty_cache / "file.part").write_bytes(b"something" * 1000)
    source = Source(ranges=False)
    with server(source) as url:
        assert fetch(f"{url}file", "file", right) == CONTENT
    assert source.asked == ["bytes=9000-"]


@pytest.mark.parametrize("begun", [b"another version", CONTENT + b"and more"], ids=["of another version", "too long"])
def test_what_was_begun_of_another_version_is_thrown_away(empty_cache, begun):
    (empty_cache / "file.part").parent.mkdir(parents=True)
    (empty_cache / "file.part").write_bytes(begun)
    with server(Source()) as url:
        assert fetch(f"{url}file", "file", right) == CONTENT


def test_a_wrong_content_is_refused_not_kept_and_not_asked_for_again(empty_cache):
    source = Source(content=CONTENT[::-1])
    with server(source) as url, pytest.raises(DataMissing, match=r"is wrong: its SHA-256 is .*, not "):
        fetch(f"{url}file", "file", lambda content: checked(content, SHA256))
    assert source.asked == [None]
    assert not list(empty_cache.glob("file*"))


def test_the_checksum_of_the_right_content_is_right():
    assert checked(CONTENT, SHA256) is CONTENT


def test_a_cached_file_that_is_damaged_is_downloaded_again(empty_cache):
    empty_cache.mkdir(parents=True)
    (empty_cache / "file").write_bytes(CONTENT[:-1])
    with server(Source()) as url:
        assert fetch(f"{url}file", "file", right) == CONTENT
    assert (empty_cache / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answers(b"", status=404), "HTTP Error 404"),
        (answers(b"", status=503), "HTTP Error 503"),
        (lambda request: request.wfile.write(b"nonsense\r\n\r\n"), "nonsense"),
    ],
    ids=["not found", "overloaded", "no HTTP"],
)
def test_a_source_that_answers_otherwise_is_quoted(empty_cache, answer, reason):
    with server(answer) as url, pytest.raises(DataMissing, match=reason):
        fetch(f"{url}file", "file", right)


def test_without_a_network_it_says_so(empty_cache):
    with server(answers(b"")) as url:
        pass  # from here on nobody listens there
    with pytest.raises(DataMissing, match=r"downloading it to .*file failed: .*[Rr]efused"):
        fetch(f"{url}file", "file", right)
    with pytest.raises(DataMissing, match="failed: "):
        fetch("http://nowhere.invalid/file", "file", right)


def test_a_cache_that_cannot_be_written_to_is_named(empty_cache):
    empty_cache.parent.mkdir(parents=True)
    empty_cache.write_text("a file, where a folder should be")
    with server(Source()) as url, pytest.raises(DataMissing, match=r"failed: .*hpsearch"):
        fetch(f"{url}file", "file", right)


def test_several_that_want_the_same_file_wait_for_one(empty_cache):
    source = Source()
    found: list[bytes] = []
    with server(source) as url:
        together = [threading.Thread(target=lambda: found.append(fetch(f"{url}file", "file", right))) for _ in range(4)]
        for thread in together:
            thread.start()
        for thread in together:
            thread.join()
    assert found == [CONTENT] * 4
    assert source.asked == [None]


# Progress ────────────────────────────────────────────────────────────────────────────────────────


def test_in_a_log_progress_is_a_line_every_tenth(capsys):
    progress = Progress("file", 1000_000)
    for have in range(0, 1000_001, 1000):
        progress.at(have)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "file: 0.0 of 1.0 MB"
    assert lines[-1] == "file: 1.0 of 1.0 MB"


def test_on_a_terminal_progress_is_a_bar_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = Progress("file", 1000_000)
    for have in (0, 500_000, 500_001, 1000_000):
        progress.at(have)
    bars = capsys.readouterr().err.split("\r")
    assert bars[1:] == [
        f"{'░' * 30} file: 0.0 of 1.0 MB",
        f"{'█' * 15}{'░' * 15} file: 0.5 of 1.0 MB",
        f"{'█' * 30} file: 1.0 of 1.0 MB\n",
    ]


def test_of_a_file_whose_length_nobody_says_there_is_no_progress(capsys, empty_cache):
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(CONTENT)

    whole: Answer = answer
    with server(whole) as url:
        assert fetch(f"{url}file", "file", right) == CONTENT
    assert capsys.readouterr().err == ""
