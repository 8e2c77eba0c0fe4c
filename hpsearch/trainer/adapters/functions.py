"""A function that calls `run.report(step, metrics)`, as a generator.

The function runs in its own thread, and waits inside `run.report` while the report is judged. So only one of the two
threads runs at any time. docs/decisions/0012-functions.md has the reasons.
"""

import ast
import asyncio
import contextvars
import inspect
import os
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from ctypes import c_ulong, py_object, pythonapi
from dataclasses import dataclass
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

from hpsearch.core.errors import TrainerError, TrialStopped
from hpsearch.core.trial import Report
from hpsearch.trainer.failures import NothingReported
from hpsearch.trainer.training_run import Run

GRACE = 60.0
"""Seconds that a function has to end after TrialStopped was raised in it."""

MAX_SWALLOWED = 2
"""How often TrialStopped is raised again in a function that catches it and continues to report."""


@dataclass(frozen=True)
class _Ended:
    """The function has returned, or raised `problem`."""

    value: Any = None
    problem: BaseException | None = None


def reports(function: Callable[[], Any], name: str, run: Run, returns_early: bool = False) -> Iterator[Report]:
    """The reports of the function's call. Its return value, a number or numbers by name, is the last one.

    returns_early: its code has a `return` for parameters that cannot be trained (see `has_early_return`).
    """
    call = _Call(function, name, run)
    try:
        message = call.next()
        while isinstance(message, Report):
            yield message
            message = call.next()
        if inspect.isgenerator(message.value):
            yield from message.value
        elif message.value is not None or not returns_early:
            yield from results(message.value, name, run)
    finally:
        call.close()


def results(value: Any, name: str, run: Run) -> Iterator[Report]:
    """A returned value as a report; none if the last epoch is already reported, or if it is not a number.

    If the function has reported nothing: NothingReported for None, TrainerError for another value.
    """
    step = run.step_of_result
    if value is None and (run.has_reported or run.is_continued):
        return
    if value is None:
        raise NothingReported(
            f"`{name}` returned None and reported nothing: return a number, which is {run.metric}, or call "
            "run.report(step, {name: value}) in every epoch. For parameters that cannot be trained, raise "
            "hpsearch.Infeasible with the reason"
        )
    if isinstance(value, list | tuple) and len(value) == len(run.metrics) > 1:
        value = dict(zip(run.metrics, value, strict=True))
    metrics = value if isinstance(value, Mapping) else {run.metric: value}
    if not run.has_reported:
        if not all(map(is_number, metrics.values())):
            raise TrainerError(
                f"`{name}` returned {value!r:.80}: return a number, which is {run.metric}, or numbers by name, such as "
                f'{{"{run.metric}": 0.3}}, or call run.report(step, {{name: value}}) in every epoch'
            )
        yield Report(step, metrics)
        return
    numbers = {key: number for key, number in metrics.items() if is_number(number)}
    if run.metric in numbers and (step <= run.last_possible_epoch or run.last_report_lacks(numbers)):
        yield Report(step, numbers)
    elif numbers and not run.has_just_reported(numbers):
        why = "its last epoch has been reported" if run.metric in numbers else f"it has no {run.metric}"
        note(f"the return value of `{name}` is not recorded: {why}")


@cache
def has_early_return(function: Any) -> bool:
    """Whether a function has a `return` without a value before its end. False if its source is not known."""
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return False
    if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    *body, last = definition.body
    todo: list[ast.AST] = [*body, *([last] if not isinstance(last, ast.Return) else [])]
    while todo:
        match todo.pop():
            case ast.Return(value=None | ast.Constant(value=None)):
                return True
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.expr():
                pass
            case other:
                todo += ast.iter_child_nodes(other)
    return False


@cache
def note(text: str) -> None:
    """Write it to the trial's log; only once if several trials share a process."""
    sys.stderr.write(f"hpsearch: {text}\n")


def is_number(value: Any) -> bool:
    """A number, or an array or a tensor of one element."""
    if isinstance(value, str | bytes | bool):
        return False
    try:
        return float(value.item() if hasattr(value, "item") else value) is not None
    except (TypeError, ValueError, RuntimeError):
        return False


async def _reported(values: AsyncIterator[Any], run: Run) -> None:
    """Report what an async generator yields. If TrialStopped is raised, asyncio closes the generator."""
    async for value in values:
        if isinstance(value, Report):
            run.report(value.step, value.metrics)
        else:
            run.report(value)


class _Call:
    """One call of a function. The worker's thread (`next`) and the function's thread (`_report`) take turns.

    If a function catches TrialStopped more often than MAX_SWALLOWED, its next report never returns; its thread does not
    keep the process alive.
    """

    def __init__(self, function: Callable[[], Any], name: str, run: Run):
        self._function, self._name, self._run_of_trial = function, name, run
        self._messages: SimpleQueue[Report | _Ended] = SimpleQueue()
        self._turns: SimpleQueue[None] = SimpleQueue()
        self._process = os.getpid()
        self._stopping = self._has_ended = self._is_given_up = False
        self._swallowed = 0
        self._misused: TrainerError | None = None
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._run,), name="trainer")
        self._thread.daemon = True
        self._copy_thread_state = _thread_state()
        run.send_reports_to(self._report)

    def next(self) -> Report | _Ended:
        """Run the function to its next report or to its end. Raises the function's exception."""
        try:
            if self._thread.ident is None:
                self._thread.start()
            else:
                self._turns.put(None)
            message = self._messages.get()
        except BaseException:  # from a signal handler, while the function trains
            self._raise_in_thread()
            raise
        return self._ended(message) if isinstance(message, _Ended) else message

    def close(self) -> None:
        """End the function: TrialStopped is raised in its report.

        Raises the function's exception. TrainerError if it does not end.
        """
        if self._thread.ident is None or self._has_ended:
            return
        self._stopping = True
        self._turns.put(None)
        message: Report | _Ended | None = None
        try:
            while not isinstance(message, _Ended):
                message = self._messages.get(timeout=GRACE)
        except Empty:
            raise TrainerError(
                f"`{self._name}` has not ended {GRACE:g} s after TrialStopped was raised in it: does it catch "
                "TrialStopped?"
            ) from None
        self._ended(message)

    def _ended(self, message: _Ended) -> _Ended:
        """Raises the function's exception, except TrialStopped, which is no error."""
        self._has_ended = True
        if not self._is_given_up:
            self._thread.join()
        if message.problem is not None and not isinstance(message.problem, TrialStopped):
            raise message.problem
        return message

    # In the function's thread ────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            self._copy_thread_state()
            result = self._function()
            value = _reported(result, self._run_of_trial) if inspect.isasyncgen(result) else result
            ended = _Ended(asyncio.run(value) if inspect.iscoroutine(value) else value, self._misused)
        except SystemExit as problem:  # sys.exit(0), as at the end of a script, is a return
            ended = _Ended(problem=self._misused or (problem if problem.code else None))
        except BaseException as problem:
            ended = _Ended(problem=self._misused or problem)
        self._messages.put(ended)

    def _report(self, report: Report) -> None:
        """Wait for the verdict. TrialStopped if the trial has to end."""
        self._check_caller()
        if self._stopping:
            self._swallow()
        self._messages.put(report)
        self._turns.get()
        if self._stopping:
            raise TrialStopped("the search has stopped or paused this trial")

    def _check_caller(self) -> None:
        """TrainerError in another thread or process, which cannot wait for the function. The trial fails, even if the
        other thread catches it."""
        if os.getpid() != self._process:
            raise TrainerError("run.report(…) was called in another process than the trainer: return the metrics to it")
        if threading.get_ident() != self._thread.ident:
            self._misused = TrainerError(
                f"run.report(…) was called in the thread {threading.current_thread().name}: call it in the thread that "
                f"`{self._name}` was called in"
            )
            raise self._misused

    def _swallow(self) -> None:
        """Raise TrialStopped again, or abandon the function."""
        self._swallowed += 1
        if self._swallowed <= MAX_SWALLOWED:
            raise TrialStopped("the search has stopped or paused this trial")
        self._is_given_up = True
        problem = TrainerError(
            f"`{self._name}` caught TrialStopped and continued to report: write `except Exception` in place of "
            "`except BaseException`, or raise TrialStopped again"
        )
        problem.__suppress_context__ = True  # do not show the GeneratorExit
        self._messages.put(_Ended(problem=problem))
        threading.Event().wait()

    def _raise_in_thread(self) -> None:
        pythonapi.PyThreadState_SetAsyncExc(c_ulong(self._thread.ident or 0), py_object(TrialStopped))


def _thread_state() -> Callable[[], None]:
    """A function that copies torch's thread-local state from this thread to a new one."""
    if "torch" not in sys.modules:
        return lambda: None
    torch = sys.modules["torch"]
    threads, gradients = torch.get_num_threads(), torch.is_grad_enabled()

    def copy_state() -> None:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(gradients)

    return copy_state
