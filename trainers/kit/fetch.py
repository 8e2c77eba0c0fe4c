"""Public data, downloaded once into a cache folder and checked whenever it is read."""

import os
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError

Parsed = TypeVar("Parsed")

TIMEOUT = 30.0
"""Seconds without an answer until a server counts as unreachable."""


class DataMissing(Exception):
    """The data is neither on this machine nor to be had; the message says what to do."""


def cache_folder() -> Path:
    """Where downloads stay: $XDG_CACHE_HOME/hpsearch, by default ~/.cache/hpsearch."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hpsearch"


def fetch(url: str, name: str, parse: Callable[[bytes], Parsed]) -> Parsed:
    """What `parse` makes of the file behind a URL, which is kept in the cache as `name`.

    `parse` raises ValueError for content that is not what it should be: such a cached file is downloaded again, such a
    download is not kept. Raises DataMissing with the reason.
    """
    path = cache_folder() / name
    try:
        return parse(path.read_bytes())
    except (OSError, ValueError):
        pass  # not there, not readable or not it
    try:
        content = _download(url)
        parsed = parse(content)
        _keep(path, content)
    except (OSError, HTTPException) as problem:  # no network, no such host, an error status, a cut connection
        raise DataMissing(f"downloading it to {path} failed: {problem}") from problem
    except ValueError as problem:
        raise DataMissing(f"what {url} holds is not what it should be: {problem}") from problem
    return parsed


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return bytes(answer.read())
    except HTTPError as problem:
        problem.close()  # it is the answer too, and holds the connection
        raise


def _keep(path: Path, content: bytes) -> None:
    """Whole or not at all: several workers may fetch the same file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)
