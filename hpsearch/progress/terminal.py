"""What a person sees while a study runs: a quiet live view, or one line per finished trial without a terminal."""

import math
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hpsearch.core.format import duration, json_text, line, number
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Trial
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.study.definition import Study
from hpsearch.study.plan import certain_proposals

FRAME = 0.25
"""Seconds from one drawing of the live view to the next."""


class Stderr(Console):
    """Where progress goes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(stderr=True, **options)

    def on_broken_pipe(self) -> None:
        """Rich ends the process here, and takes stdout away from it first."""
        raise BrokenPipeError


class Terminal(Observer):
    """A context in which a study is shown on stderr, and one after it.

    lines: a stream that receives one JSON object for every trial that has ended (`--jsonl`), or None.

    What trains in this very process may print, so there a line for every trial that has ended takes the place of the
    live view. A terminal or a reader that is gone ends nothing: what is shown is in the journal too.
    """

    def __init__(self, *, quiet: bool = False, lines: TextIO | None = None, console: Console | None = None):
        self._console = console or Stderr()
        self._lines, self._quiet = lines, quiet
        self._live: Live | None = None

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        with self._outliving():
            if self._live is not None:
                self._live.stop()
        self._live = None

    @contextmanager
    def _outliving(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._quiet, self._live = True, None

    def study_started(self, study: Study) -> None:
        live = study.resources.address != "none"
        self.begin(study.study.name, certain_proposals(study), study.objective, live=live)

    def begin(self, title: str, total: int | None, objective: Objective, *, live: bool = True) -> None:
        """total: how many proposals the search will make, None where nobody can say."""
        self._title, self._total, self._objective = title, total, objective
        self._began, self._drawn, self._done, self._last = time.monotonic(), 0.0, 0, ""
        if live and self._console.is_terminal and not self._console.is_dumb_terminal and not self._quiet:
            starting = _row(f"{title}  starting", "dim")
            self._live = Live(starting, console=self._console, auto_refresh=False, transient=True)
            with self._outliving():
                self._live.start(refresh=True)

    def study_ended(self, result: RunResult) -> None:  # noqa: ARG002
        self.__exit__()

    def say(self, text: str) -> None:
        """A line that stays."""
        with self._outliving():
            if text and not self._quiet:
                self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def ended(self, trial: Trial) -> None:
        self._done += 1
        self._last = line(trial, self._objective)
        try:
            if self._lines is not None:
                print(json_text(_as_json(trial, self._objective)), file=self._lines, flush=True)
        except OSError:
            self._lines = None
        if self._live is None:
            self.say(f"[{self._progress(trial.ended)}] {self._last}")

    def turn_ended(self, history: History, running: Collection[int]) -> None:
        now = time.monotonic()
        if self._live is not None and now - self._drawn > FRAME:
            self._drawn = now
            with self._outliving():
                self._live.update(self._view(history, running), refresh=True)

    def _progress(self, done: int) -> str:
        return f"{done}/{self._total}" if self._total is not None else str(done)

    # The live view ──────────────────────────────────────────────────────────────────────────────

    def _view(self, history: History, running: Collection[int]) -> Group:
        progress = f"  {self._progress(history.ended)} trials  "
        head = Text.assemble((self._title, "bold"), progress, (self._eta(history.ended), "dim"))
        head.no_wrap, head.overflow = True, "ellipsis"
        rows: list[RenderableType] = [head]
        if (best := history.best()) is not None:
            rows.append(_row(f"best  {line(best, history.objective)}", "green"))
        rows.append(self._running(history, running))
        if self._last:
            rows.append(_row(f"last  {self._last}", "dim"))
        return Group(*rows)

    def _running(self, history: History, running: Collection[int]) -> Table:
        table = Table.grid(padding=(0, 2))
        metric = self._objective.metric
        for trial in map(history.__getitem__, sorted(running)):
            value = f"{metric} {number(trial.curve[-1].metrics.get(metric, math.nan))}" if trial.curve else ""
            cells = f"trial {trial.number}", f"epoch {trial.epoch}/{trial.until}", value
            table.add_row(*map(_row, cells))
        return table

    def _eta(self, ended: int) -> str:
        """How long it took, and how long it will take if the rest goes as what was done."""
        seconds = time.monotonic() - self._began
        text = f"{duration(seconds)} so far"
        if self._total is not None and self._done > 0:
            text += f", about {duration(seconds / self._done * max(0, self._total - ended))} to go"
        return text


def printing_aside() -> AbstractContextManager[object]:
    """What a trainer in this very process prints goes to stderr: stdout is for data, unless it is a terminal."""
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
        "value": value,
        "epoch": judged.step if judged is not None and value is not None else None,
        "epochs_trained": trial.epoch,
        "params": dict(trial.params),
    }
