"""Public data, downloaded once into a cache folder and checked whenever it is read.

An interrupted download is resumed: a few times within one call, and by the next call. Several workers that need the
same file wait for one download.
"""

import fcntl
import hashlib
import os
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError

Parsed = TypeVar("Parsed")

TIMEOUT = 30.0
"""Seconds without an answer until a server counts as unreachable."""

TRIES = 3
"""Consecutive connections that may deliver no new bytes."""

BLOCK = 1 << 16
"""Bytes per read."""


class DataMissing(Exception):
    """The data is not on this machine and cannot be downloaded; the message says what to do."""


def cache_folder() -> Path:
    """The folder of downloads: $XDG_CACHE_HOME/hpsearch, by default ~/.cache/hpsearch."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hpsearch"


def fetch(url: str, name: str, parse: Callable[[bytes], Parsed]) -> Parsed:
    """The result of `parse` for the file at a URL, which is cached as `name`.

    `parse` raises ValueError for wrong content: a cached file is then downloaded again, a download is not kept.
    Raises DataMissing with the reason.
    """
    path = cache_folder() / name
    try:
        with _alone(path):
            return _read(url, path, parse)
    except (OSError, HTTPException) as problem:  # no network, no such host, an error status, a cut connection
        raise DataMissing(f"downloading it to {path} failed: {problem}") from problem
    except ValueError as problem:
        raise DataMissing(f"the content of {url} is wrong: {problem}") from problem


def checked(content: bytes, sha256: str) -> bytes:
    """The content. ValueError if its SHA-256 is another one."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"its SHA-256 is {found}, not {sha256}")
    return content


def _read(url: str, path: Path, parse: Callable[[bytes], Parsed]) -> Parsed:
    try:
        return parse(path.read_bytes())
    except (OSError, ValueError):
        pass  # missing, not readable or wrong
    part = path.with_name(f"{path.name}.part")
    continued = _size(part) > 0
    _download(url, part)
    try:
        parsed = parse(part.read_bytes())
    except ValueError:
        part.unlink()
        if continued:  # its two parts may be from two versions of the file
            return _read(url, path, parse)
        raise
    part.replace(path)
    return parsed


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time; the lock ends with the process, even if it is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(url: str, part: Path) -> None:
    """Download the rest of the file to `part`, over several connections if needed."""
    fruitless = 0
    while True:
        before = _size(part)
        try:
            return _append(url, part)
        except HTTPError as problem:
            problem.close()  # it is also the response, and keeps the connection open
            if problem.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            part.unlink()  # longer than the file: from another version
        except (OSError, HTTPException):
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless == TRIES:
                raise


def _append(url: str, part: Path) -> None:
    """Continue the download over one connection. ConnectionError if that ends before the file does."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server ignores the range and sends the whole file
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        progress = Progress(part.stem, total)
        with part.open("ab" if have else "wb") as file:
            while block := answer.read(BLOCK):
                file.write(block)
                have += len(block)
                progress.at(have)
    if total is not None and have < total:
        raise ConnectionError(f"the connection was cut after {have:,} of {total:,} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


class Progress:
    """Progress of a download on stderr: a bar on a terminal, else (in a trial's log) a line every 10%."""

    def __init__(self, name: str, total: int | None):
        self._name = name
        self._total = total
        self._said = -1

    def at(self, have: int) -> None:
        if self._total is None:
            return
        on_terminal = sys.stderr.isatty()
        step = have * (100 if on_terminal else 10) // self._total
        if step > self._said:
            self._said = step
            sys.stderr.write(self._bar(have) if on_terminal else f"{self._line(have)}\n")
            sys.stderr.flush()

    def _bar(self, have: int) -> str:
        assert self._total is not None
        filled = 30 * have // self._total
        return f"\r{'█' * filled}{'░' * (30 - filled)} {self._line(have)}" + ("\n" if have >= self._total else "")

    def _line(self, have: int) -> str:
        assert self._total is not None
        return f"{self._name}: {have / 1e6:.1f} of {self._total / 1e6:.1f} MB"
