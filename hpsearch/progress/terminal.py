"""Progress of a run on stderr: a live view; without a terminal, one line for each ended trial."""

import os
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hpsearch.core.format import duration, first_line, json_text, line, number, printable, score, span
from hpsearch.core.history import History
from hpsearch.core.redact import masked
from hpsearch.core.time_left import Cost, Workload
from hpsearch.core.trial import Objective, State, Trial
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.study.definition import Study
from hpsearch.study.plan import certain_proposals, replaceable, workload

FRAME = 0.25
"""Seconds between two updates of the live view."""


def _is_notebook_cell() -> bool:
    """Whether a notebook's `!hpsearch run` started this process. Such a cell looks like a terminal, but keeps every
    frame.

    JPY_PARENT_PID: set by Jupyter for its kernels. MPLBACKEND: set by the kernel.
    """
    return "JPY_PARENT_PID" in os.environ or "matplotlib_inline" in os.environ.get("MPLBACKEND", "")


class Stderr(Console):
    """The console that shows progress."""

    def __init__(self, **options: Any) -> None:
        super().__init__(stderr=True, **options)

    def on_broken_pipe(self) -> None:
        """Raise; Rich would redirect stdout and end the process."""
        raise BrokenPipeError


class Terminal(Observer):
    """A context that shows the progress of studies on stderr, one after another.

    lines: a stream that receives one JSON object for every trial that has ended (`--jsonl`), or None.

    For a trainer in this process, which may print, lines replace the live view. A closed terminal or pipe does not stop
    the run: everything that is shown is also in the journal.
    """

    def __init__(self, *, quiet: bool = False, lines: TextIO | None = None, console: Console | None = None):
        self._console = console or Stderr()
        self._lines, self._quiet = lines, quiet
        self._live: Live | None = None

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        with self._ignoring_closed_stream():
            if self._live is not None:
                self._live.stop()
        self._live = None

    @contextmanager
    def _ignoring_closed_stream(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._quiet, self._live = True, None

    def study_started(self, study: Study) -> None:
        live = study.resources.address != "none"
        self.begin(study.study.name, certain_proposals(study), study.objective, workload(study), live=live)
        self._replaceable = replaceable(study)

    def begin(
        self, title: str, total: int | None, objective: Objective, work: Workload | None = None, *, live: bool = True
    ) -> None:
        """total: the number of proposals of the search; None if it depends on results. work: to estimate the time
        left."""
        self._title, self._total, self._objective, self._work = title, total, objective, work
        self._began, self._drawn, self._retried, self._replaceable = time.monotonic(), 0.0, 0, 0
        self._before: tuple[float, float] | None = None
        self._last: Trial | None = None
        can_redraw = self._console.is_terminal and not self._console.is_dumb_terminal and not _is_notebook_cell()
        if live and can_redraw and not self._quiet:
            starting = _row(f"{title}  starting", "dim")
            self._live = Live(starting, console=self._console, auto_refresh=False, transient=True)
            with self._ignoring_closed_stream():
                self._live.start(refresh=True)

    def study_ended(self, result: RunResult) -> None:  # noqa: ARG002
        self.__exit__()

    def show_line(self, text: str) -> None:
        """Show a line permanently, above the live view."""
        with self._ignoring_closed_stream():
            if text and not self._quiet:
                self._console.print(printable(masked(text)), markup=False, highlight=False, soft_wrap=True)

    def retried(self, count: int) -> None:
        self._retried = count

    def ended(self, trial: Trial) -> None:
        self._last = trial
        if trial.state is State.INFEASIBLE and self._total is not None and self._replaceable > 0:
            self._total, self._replaceable = self._total + 1, self._replaceable - 1
        try:
            if self._lines is not None:
                print(masked(json_text(_as_json(trial, self._objective))), file=self._lines, flush=True)
        except OSError:
            self._lines = None
        if self._live is None:
            self.show_line(f"[{self._progress(trial.ended)}] {line(trial, self._objective)}")

    def turn_ended(self, history: History, running: Collection[int]) -> None:
        now = time.monotonic()
        self._before = self._before or (now, history.busy)
        if self._live is not None and now - self._drawn > FRAME:
            self._drawn = now
            with self._ignoring_closed_stream():
                self._live.update(self._view(history, running), refresh=True)

    def _progress(self, ended: int) -> str:
        """More trials may end than this run proposes, since trials of an earlier run count too."""
        done = ended - self._retried
        return str(done) if self._total is None or done > self._total else f"{done}/{self._total}"

    # The live view ──────────────────────────────────────────────────────────────────────────────

    def _view(self, history: History, running: Collection[int]) -> Group:
        """Long lines are wrapped; only the metric's name of running trials is truncated."""
        head = Text.assemble(
            (self._title, "bold"), f"  {self._progress(history.ended)} trials  ", (self._time(history), "dim")
        )
        rows: list[RenderableType] = [head]
        if (best := history.best()) is not None:
            mark = f", {State.FAILED}" if best.state is State.FAILED else ""
            rows.append(Text(f"best  trial {best.number}: {score(best, history.objective)}{mark}", "green"))
        rows.append(self._running(history, running))
        if (last := self._last) is not None:
            rows.append(Text(f"last  trial {last.number} {last.state}: {score(last, history.objective)}", "dim"))
            rows.append(Padding(Text(printable(first_line(last.reason)), "dim"), (0, 0, 0, 6)))
        return Group(*rows)

    def _running(self, history: History, running: Collection[int]) -> Table:
        table = Table.grid(padding=(0, 2))
        for whole in (True, True, True, False):  # Rich first narrows the columns that may wrap
            table.add_column(no_wrap=whole)
        metric = self._objective.metric
        for trial in map(history.__getitem__, sorted(running)):
            last = next(filter(self._objective.is_in, reversed(trial.curve)), None)
            value = number(last.metrics[metric]) if last is not None else ""
            at = f"{self._objective.unit} {trial.epoch}/{trial.until}"
            cells = f"trial {trial.number}", at, value, metric if value else ""
            table.add_row(*map(_row, cells))
        return table

    def _time(self, history: History) -> str:
        """The time that this run has taken, and an estimate of the time left."""
        text = f"{duration(time.monotonic() - self._began)} so far"
        if self._work is None or self._before is None or (elapsed := time.monotonic() - self._before[0]) <= 0:
            return text
        left = self._work.time_left(map(Cost.of, history), (history.busy - self._before[1]) / elapsed)
        return text if left is None else f"{text}, {span(left)} left"


def prints_to_stderr() -> AbstractContextManager[object]:
    """Redirect the prints of a trainer in this process to stderr, unless stdout is a terminal, since stdout is for
    data."""
    return nullcontext() if sys.stdout and sys.stdout.isatty() else redirect_stdout(sys.stderr)


def _row(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _as_json(trial: Trial, objective: Objective) -> dict[str, Any]:
    judged, value = objective.judged(trial), objective.value(trial)
    return {
        "trial": trial.number,
        "round": trial.round,
        "state": str(trial.state),
        "reason": trial.reason,
        "cause": trial.cause and str(trial.cause),
        "cause_numbers": dict(trial.cause_numbers),
        "value": value,
        "epoch": judged.step if judged is not None and value is not None else None,
        "epochs_trained": trial.epoch,
        "params": dict(trial.params),
    }
