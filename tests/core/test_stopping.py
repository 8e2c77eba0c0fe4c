import signal
import threading

import pytest

from hpsearch.core.errors import Stopped
from hpsearch.core.stopping import RESUME, handlers_kept, stoppable


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_says_what_to_do(number: signal.Signals, exit_code: int) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def signalled() -> None:
        with stoppable("run it again"):
            signal.raise_signal(number)

    with pytest.raises(Stopped, match=f"stopped by {number.name}: run it again") as stopped:
        signalled()
    assert stopped.value.exit_code == exit_code
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_under_the_handler_of_ray() -> None:
    with pytest.raises(Stopped, match="SIGTERM"), stoppable(RESUME):
        raise SystemExit(15)


def test_the_inner_advice_counts() -> None:
    with pytest.raises(Stopped, match="stopped by SIGINT: inner"), stoppable("outer"), stoppable("inner"):
        raise KeyboardInterrupt


def test_a_library_changes_no_handler() -> None:
    """As `ray.init` does."""
    with stoppable("run it again"):
        ours = signal.getsignal(signal.SIGTERM)
        with handlers_kept():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGTERM) is ours


def test_on_another_thread_nothing_is_changed() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with stoppable("run it again"), handlers_kept():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
