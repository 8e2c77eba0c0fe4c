"""One BLAS thread for the model: its matrices are small, and more threads compete for cores that trials use.

Measured on 2 busy cores with a search of 300 epochs on a table: about 30 s of CPU time with two threads, 2 s with one.
"""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    limited: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _libraries() -> Any:
    """The libraries of NumPy and SciPy, which are found only after their import."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
