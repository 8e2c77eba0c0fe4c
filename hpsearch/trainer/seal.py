"""The test split's seal: what a search may not see is to be had only inside `unsealed`, which says what for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hpsearch.core.errors import Sealed

__all__ = ["Sealed", "check_unsealed", "unsealed"]

_opening: ContextVar[str | None] = ContextVar("opening", default=None)


@contextmanager
def unsealed(opening: str) -> Iterator[None]:
    """Inside it the test split is to be had. opening: what is on record about it, before anything is looked at."""
    if not opening:
        raise ValueError("say what for: every opening of the test split is on record")
    token = _opening.set(opening)
    try:
        yield
    finally:
        _opening.reset(token)


def check_unsealed() -> None:
    """To be called before anything of a test split is read. Raises Sealed, except inside `unsealed`."""
    if _opening.get() is None:
        raise Sealed(
            "the test split is sealed: a search that has seen it says nothing about new data. It is opened once, when "
            "the study is evaluated"
        )
