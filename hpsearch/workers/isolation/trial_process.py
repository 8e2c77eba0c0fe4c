"""The code of a trial's process: a Worker that receives its orders through a socket."""

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
from hpsearch.workers.isolation.exits import ANSWER_FAILED, CONNECTION_LOST
from hpsearch.workers.isolation.linux import end_with_parent, set_oom_score, spare_processes
from hpsearch.workers.worker import Setup, Worker


@dataclass(frozen=True)
class Raised:
    """The exception that an order raised."""

    problem: BaseException


def prepare(log: int, parent: int) -> None:
    """Set up this process for a trial: a process group, the log as descriptors 1 and 2, and its end together with its
    parent."""
    with suppress(OSError):  # the template has set the group
        os.setpgid(0, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    _drop_exit_handlers()
    faulthandler.enable(2)
    end_with_parent(parent, signal.SIGKILL)
    set_oom_score(1000)
    spare_processes()


def _drop_exit_handlers() -> None:
    """Drop the exit handlers that were registered before the fork; they run in the template, as with multiprocessing.
    Here they would take up to 150 ms and remove the temporary folders that the module has made for all trials."""
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]  # the next finalizer registers them
    atexit.register(logging.shutdown)


def serve(connection: Connection, setup: Setup) -> None:
    """Execute orders until the connection is closed, then end this process. Never returns."""
    worker = Worker(replace(setup, capture=False))
    state.seed_everything(0)  # in advance, since the first call takes longer

    def start(order: Start, environment: Mapping[str, Any] | None) -> Reported:
        if environment is not None:
            worker.environment = dict(environment)
        return worker.start(order)

    def failed(problem: BaseException) -> Any:
        """An exception that the worker does not catch, such as a KeyboardInterrupt of the trainer, is a failure of the
        trial."""
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
    except (EOFError, ConnectionResetError):  # the worker has closed the connection or has ended
        exit_process(0)
    except BaseException as problem:
        with suppress(BaseException):  # a trainer may have closed all descriptors
            traceback.print_exc()
        exit_process(CONNECTION_LOST if isinstance(problem, OSError) else ANSWER_FAILED)


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
    """The exception with its traceback as text, as a PoolError if it cannot be pickled. An HpsearchError needs no
    traceback."""
    text = "".join(traceback.format_exception(problem))
    if not isinstance(problem, HpsearchError):
        problem.add_note(text)
    with suppress(Exception):  # a class of the user's may raise anything
        pickle.loads(pickle.dumps(problem))
        return problem
    return PoolError(f"{type(problem).__name__}\n{text}")


def _remove_temporary_folder() -> None:
    """Remove multiprocessing's temporary folder. multiprocessing itself would first wait for its children, which are
    killed here."""
    for (priority, _), finalizer in list(util._finalizer_registry.items()):  # type: ignore[attr-defined]
        if priority is not None and priority <= -100:
            finalizer()


def exit_process(code: int, finally_do: Callable[[], None] = lambda: None) -> None:
    """End this process. Its atexit handlers run; threads and child processes are not waited for."""
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
