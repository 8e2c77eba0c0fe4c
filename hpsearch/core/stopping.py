"""What a signal raises, and the error that it ends with."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from hpsearch.core.errors import Stopped

RAISED = (KeyboardInterrupt, SystemExit)
"""By Ctrl-C, and by SIGTERM, for which `ray.init` installs a handler that raises SystemExit."""


@contextmanager
def stoppable(advice: str) -> Iterator[None]:
    """SIGTERM ends what is inside as `Stopped`. advice: what to do then."""
    try:
        yield
    except SystemExit:
        raise Stopped(signal.SIGTERM, f"stopped by SIGTERM: {advice}") from None
