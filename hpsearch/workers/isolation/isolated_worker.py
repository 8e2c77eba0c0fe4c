"""A worker that trains each trial in a process of its own, and outlives that process."""

import os
import threading
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Lost, Reported, Start
from hpsearch.core.trial import Params
from hpsearch.trainer.open_trial import Measurement, Result
from hpsearch.workers.isolation import linux
from hpsearch.workers.isolation.template_process import TemplateProcess
from hpsearch.workers.isolation.trial_process import Raised
from hpsearch.workers.sent_code import on_this_node
from hpsearch.workers.termination import BY_SIGTERM, SigtermWatch
from hpsearch.workers.trial_log import log_file
from hpsearch.workers.unsent_reports import take_unsent, unsent_file
from hpsearch.workers.worker import Setup

MEASUREMENT = -1
"""The number in the Lost of a process that measures and trains no trial."""

IMPORTS_KILLED = 3
"""After this many consecutive kills of the process that imports the trainer, the trainer counts as the cause. Before,
the cause may be the memory use of other processes."""

RELEASE_TIMEOUT = 60.0
"""Seconds that the trainer's `finally` may take before its process is killed."""


class IsolatedWorker:
    """The methods of `Worker`, each carried out in the trial's process. If that process ends during the call, `start`,
    `advance` and `measure` return a Lost.

    `kill` may be called from another thread; the other methods are called one at a time.
    """

    def __init__(self, setup: Setup):
        self.setup = replace(setup, trainer=on_this_node(setup.trainer, setup.sent), sent={})
        self._template: TemplateProcess | None = None
        self._trial: Connection | None = None
        self._number = MEASUREMENT
        self._last_step = 0
        self._environment: Any = None
        self._lock = threading.Lock()  # guards the next three: `kill` may be called from another thread
        self._starts = 0
        self._begun = 0
        self._killed = 0
        self._sigterm = SigtermWatch() if setup.ahead else None

    def warm_up(self) -> None:
        """Start the template, whose imports take seconds; does not wait for them."""
        linux.set_oom_score(500)  # the kernel ends a trial first
        self._template = TemplateProcess(self.setup)

    def check(self, params: Params) -> int:
        """As `Worker.check`, but returns the pid of this process. TrainerError also if importing the trainer ends the
        process, or if the process of the check ends each time: something else may have killed it once."""
        for _ in range(IMPORTS_KILLED):
            checked = self._in_new_process("check", params)
            if not isinstance(checked, Lost):
                return os.getpid()
        raise TrainerError(f"{self.setup.trainer.name} cannot be tried: {checked.reason}\n{checked.traceback}")

    def measure(self, measurement: Measurement[Result]) -> Result | Lost:
        measured: Result | Lost = self._in_new_process("measure", measurement)
        return measured

    def start(self, start: Start) -> Reported | Lost:
        self._starts += 1
        if not self._begin(start.number):
            return Lost(start.number, "killed before it began")
        self._last_step = start.after
        take_unsent(unsent_file(self.setup.work, start.number), start.after)  # of a worker that was killed
        reported = self._reported("start", start, self._environment)
        if isinstance(reported, Reported) and reported.provenance is not None and self._shares_imports:
            self._environment = reported.provenance.environment
        if self._template is not None:
            self._template.prepare_next()  # after the first slice, which it would slow down
        return reported

    def advance(self) -> Reported | Lost:
        return self._reported("advance")

    def release(self, over: bool = False, epoch: int | None = None) -> None:
        """Returns when the trainer is closed, the checkpoints are written, and the process has ended with all processes
        that it has started. After a trial that was lost: when the template is ready for the next one."""
        if self._trial is not None:
            self._order("release", over, epoch)
            assert self._template is not None
            if wait([self._trial, self._template.connection], RELEASE_TIMEOUT):
                self._end()
            else:
                self.kill()
        with suppress(TrainerError):  # the next start raises it
            self._ready_template()

    def kill(self, start: int | None = None) -> None:
        """Kill the trial's process and all processes that it has started.

        start: kill only the trial of this call of `start` (counted from 1). If that call still waits for the end of the
        previous trial, its trial is not started.
        """
        with self._lock:
            if start is not None and start != self._begun:
                self._killed = start
            elif (template := self._template) is not None:
                template.end_trial(at_once=True)

    def close(self) -> None:
        """End the template and the trial's process."""
        if self._trial is not None:
            self._trial.close()
            self._trial = None
        if self._template is not None:
            self._template.close()
            self._template = None

    # Inside ─────────────────────────────────────────────────────────────────────────────────────

    def _reported(self, name: str, *arguments: object) -> Reported | Lost:
        reported: Reported | Lost = self._call(name, *arguments)
        if isinstance(reported, Lost):
            unsent = take_unsent(unsent_file(self.setup.work, self._number), self._last_step)
            reported = replace(reported, reports=unsent)
        elif reported.reports:
            self._last_step = reported.reports[-1].step
        if isinstance(reported, Lost) or reported.failure:
            self._end()
        return reported

    def _in_new_process(self, name: str, *arguments: object) -> Any:
        self._begin(None)
        try:
            return self._call(name, *arguments)
        finally:
            self._end()

    def _ready_template(self) -> TemplateProcess:
        """The template with its imports done, started again if it has ended or is killed. Waits for the end of the
        previous trial's process."""
        if self._template is not None:
            self._template.await_exit()
        killed = 0
        while True:
            if self._template is None or not self._template.is_up:
                self.close()
                self._template = TemplateProcess(self.setup)
                self._environment = None
            try:
                self._template.await_ready()
            except TrainerError:
                killed += self._template.was_killed
                if not self._template.was_killed or killed == IMPORTS_KILLED:
                    raise
            else:
                return self._template

    @property
    def _shares_imports(self) -> bool:
        return self._template is not None and not self._template.spawns

    def _begin(self, number: int | None) -> bool:
        """Start a process, after the previous one has ended. False: the trial was killed before."""
        self._end()
        template = self._ready_template()
        self._number = MEASUREMENT if number is None else number
        with self._lock:
            self._begun = self._starts if number is not None else 0  # no late kill ends a measurement
            if number is not None and self._killed == self._begun:
                return False
            self._trial = template.start_trial(None if number is None else log_file(self.setup.work, number))
        return True

    def _order(self, name: str, *arguments: object) -> None:
        assert self._trial is not None, "no trial was started"
        with suppress(OSError):  # the process has ended: `_call` reads its exit
            self._trial.send((name, arguments))

    def _call(self, name: str, *arguments: object) -> Any:
        self._order(name, *arguments)
        assert self._trial is not None
        template = self._template
        assert template is not None
        if self._sigterm is None or self._number == MEASUREMENT:
            wait([self._trial, template.connection])
        elif self._sigterm.descriptor in wait([self._trial, template.connection, self._sigterm.descriptor]):
            self.kill()  # Ray ends this process once the call has returned
            return Lost(self._number, BY_SIGTERM, outside=True)
        if not self._trial.poll():  # the template reports the end of the process, which may have answered before
            template.await_exit()
        try:
            answer = self._trial.recv() if self._trial.poll() else None
        except (EOFError, OSError):
            answer = None
        except Exception as problem:  # the trainer has written to the connection, or replaced what sending needs
            self.kill()
            template.await_exit()
            reason = f"its process sent an answer that cannot be read ({type(problem).__name__})"
            return Lost(self._number, reason)
        if isinstance(answer, Raised):
            raise answer.problem
        return answer if answer is not None else template.why_lost(self._number)

    def _end(self) -> None:
        """Let the trial's process end, and all processes that it has started."""
        if self._trial is not None:
            self._trial.close()
            self._trial = None
            if self._template is not None:
                self._template.end_trial(at_once=False)
