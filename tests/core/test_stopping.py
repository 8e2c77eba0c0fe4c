import signal

import pytest

from hpsearch.core.errors import Stopped
from hpsearch.core.stopping import stoppable


def test_sigterm_under_the_handler_of_ray() -> None:
    with pytest.raises(Stopped, match="stopped by SIGTERM: run it again") as stopped, stoppable("run it again"):
        raise SystemExit(15)
    assert stopped.value.exit_code == 128 + signal.SIGTERM


def test_nothing_else_is_changed() -> None:
    with pytest.raises(KeyboardInterrupt), stoppable("run it again"):
        raise KeyboardInterrupt
