"""The seal of the test split, which can be read inside `unsealed` only."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hpsearch.core.errors import Sealed

__all__ = ["Sealed", "check_unsealed", "unsealed"]

_opening: ContextVar[str | None] = ContextVar("opening", default=None)


@contextmanager
def unsealed(opening: str) -> Iterator[None]:
    """Inside it, the test split can be read. opening: the record of this access, written before it."""
    if not opening:
        raise ValueError("opening must not be empty: each opening of the test split is recorded with its purpose")
    token = _opening.set(opening)
    try:
        yield
    finally:
        _opening.reset(token)


def check_unsealed() -> None:
    """Call it before reading a test split. Raises Sealed, except inside `unsealed`."""
    if _opening.get() is None:
        raise Sealed(
            "the test split is sealed: after a search that has used it, its results are biased. "
            "`hpsearch evaluate` opens it once"
        )
