"""What runs in a trial's process: a Worker that takes its orders from a pipe."""

import atexit
import faulthandler
import logging
import os
import pickle
import signal
import sys
import traceback
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import util
from multiprocessing.connection import Connection
from typing import Any

from hpsearch.core.errors import HpsearchError, PoolError
from hpsearch.core.messages import Reported, Start
from hpsearch.trainer import state
from hpsearch.trainer.failures import failure_of
from hpsearch.workers.isolation.exits import CONNECTION_LOST
from hpsearch.workers.isolation.linux import end_with_parent, set_oom_score, spare_processes
from hpsearch.workers.worker import Setup, Worker


@dataclass(frozen=True)
class Raised:
    """What an order raised."""

    problem: BaseException


def prepare(log: int, parent: int) -> None:
    """Make this process a trial's own: its process group, its log as descriptors 1 and 2, its end with its parent."""
    with suppress(OSError):  # it has a group of its own by now
        os.setpgid(0, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    _drop_exit_handlers()
    faulthandler.enable(2)
    end_with_parent(parent, signal.SIGKILL)
    set_oom_score(1000)
    spare_processes()


def _drop_exit_handlers() -> None:
    """What was registered with atexit before the fork runs in the template, as with multiprocessing: here it would
    take up to 150 ms, and remove the temporary folders that the module has made for all trials."""
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]  # the next one registers them
    atexit.register(logging.shutdown)


def serve(connection: Connection, setup: Setup) -> None:
    """Answer orders until the other end is closed, then end this process. Never returns."""
    worker = Worker(replace(setup, capture=False))
    state.seed_everything(0)  # now, while it waits for its trial: the first time takes longer

    def start(order: Start, environment: Mapping[str, Any] | None) -> Reported:
        if environment is not None:
            worker.environment = dict(environment)
        return worker.start(order)

    def failed(problem: BaseException) -> Any:
        """What a trainer raises and its worker does not expect, such as KeyboardInterrupt, is its trial's failure."""
        if name in ("start", "advance"):
            return Reported(number, failure=failure_of(problem))
        return Raised(_portable(problem))

    number = -1
    orders: dict[str, Callable[..., Any]] = {
        "check": worker.check,
        "measure": worker.measure,
        "start": start,
        "advance": worker.advance,
        "release": worker.release,
    }
    try:
        while True:
            name, arguments = connection.recv()
            number = arguments[0].number if name == "start" else number
            connection.send(_answer(orders[name], arguments, failed))
    except (EOFError, ConnectionResetError):  # the worker needs it no longer, or has ended
        leave(0)
    except BaseException:
        with suppress(BaseException):  # a trainer may have closed all descriptors
            traceback.print_exc()
        leave(CONNECTION_LOST)


def _answer(order: Callable[..., Any], arguments: tuple[Any, ...], failed: Callable[[BaseException], Any]) -> Any:
    try:
        answer = order(*arguments)
    except BaseException as problem:
        answer = failed(problem)
    for stream in sys.stdout, sys.stderr:
        with suppress(Exception):  # a trainer may have closed it
            stream.flush()
    return answer


def _portable(problem: BaseException) -> BaseException:
    """With the traceback as text, and of a class that can be pickled. The text of an HpsearchError is enough."""
    text = "".join(traceback.format_exception(problem))
    if not isinstance(problem, HpsearchError):
        problem.add_note(text)
    with suppress(Exception):  # a class of the user's may raise anything
        pickle.loads(pickle.dumps(problem))
        return problem
    return PoolError(f"{type(problem).__name__}\n{text}")


def _remove_temporary_folder() -> None:
    """That of multiprocessing, which it removes after it has waited for its children: they are killed here."""
    for (priority, _), finalizer in list(util._finalizer_registry.items()):  # type: ignore[attr-defined]
        if priority is not None and priority <= -100:
            finalizer()


def leave(code: int, finally_do: Callable[[], None] = lambda: None) -> None:
    """End this process. What was registered with atexit in it runs; threads and child processes are not waited for."""
    atexit.unregister(util._exit_function)  # type: ignore[attr-defined]  # it joins the children of multiprocessing
    with suppress(BaseException):
        atexit._run_exitfuncs()
    with suppress(BaseException):
        _remove_temporary_folder()
    for stream in sys.stdout, sys.stderr:
        with suppress(BaseException):
            stream.flush()
    finally_do()
    os._exit(code)
