"""What a person sees while a study runs: a quiet live view, or one line per finished trial without a terminal."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hpsearch.core.format import duration, json_text, line, number
from hpsearch.core.trial import Objective, Trial
from hpsearch.orchestrator.loop import Loop

FRAME = 0.25
"""Seconds from one drawing of the live view to the next."""


class Stderr(Console):
    """Where progress goes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(stderr=True, **options)

    def on_broken_pipe(self) -> None:
        """Rich ends the process here, and takes stdout away from it first."""
        raise BrokenPipeError


class Screen:
    """Watches a loop. `watch` is called after every turn of it.

    total: how many proposals the search will make, None where nobody can say.
    live: draw over what was drawn before, where there is a terminal that can; else a line for every settled trial.
    lines: a stream that receives one JSON object for every settled trial (`--jsonl`), or None.

    A terminal or a reader that is gone ends nothing: what is shown is in the journal too.
    """

    def __init__(
        self,
        title: str,
        total: int | None,
        *,
        quiet: bool = False,
        live: bool = True,
        lines: TextIO | None = None,
        console: Console | None = None,
    ):
        self._console = console or Stderr()
        self._title, self._total, self._lines, self._quiet = title, total, lines, quiet
        self._began = time.monotonic()
        self._done_before: int | None = None
        self._drawn = 0.0
        self._last = ""
        can = self._console.is_terminal and not self._console.is_dumb_terminal
        self._live: Live | None = None
        if can and live and not quiet:
            self._live = Live(
                _row(f"{title}  starting", "dim"), console=self._console, auto_refresh=False, transient=True
            )

    def __enter__(self) -> "Screen":
        with self._outliving():
            if self._live is not None:
                self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        with self._outliving():
            if self._live is not None:
                self._live.stop()

    @contextmanager
    def _outliving(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._quiet, self._live = True, None

    def say(self, text: str) -> None:
        """A line that stays."""
        with self._outliving():
            if text and not self._quiet:
                self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def watch(self, loop: Loop, trials: list[Trial]) -> None:
        if self._done_before is None:
            self._done_before = loop.history.ended - sum(not trial.state.is_active for trial in trials)
        for trial in sorted(trials, key=lambda trial: trial.ended):
            if not trial.state.is_active:
                self._ended(loop, trial)
        now = time.monotonic()
        if self._live is not None and now - self._drawn > FRAME:
            self._drawn = now
            with self._outliving():
                self._live.update(self._view(loop), refresh=True)

    def _ended(self, loop: Loop, trial: Trial) -> None:
        self._last = line(trial, loop.history.objective)
        self._tell(trial, loop.history.objective)
        if self._live is None:
            self.say(f"[{self._progress(trial.ended)}] {self._last}")

    def _tell(self, trial: Trial, objective: Objective) -> None:
        try:
            if self._lines is not None:
                print(json_text(_as_json(trial, objective)), file=self._lines, flush=True)
        except OSError:
            self._lines = None

    def _progress(self, done: int) -> str:
        return f"{done}/{self._total}" if self._total is not None else str(done)

    # The live view ──────────────────────────────────────────────────────────────────────────────

    def _view(self, loop: Loop) -> Group:
        history = loop.history
        progress = f"  {self._progress(history.ended)} trials  "
        head = Text.assemble((self._title, "bold"), progress, (self._eta(loop), "dim"))
        head.no_wrap, head.overflow = True, "ellipsis"
        rows: list[RenderableType] = [head]
        if (best := history.best()) is not None:
            rows.append(_row(f"best  {line(best, history.objective)}", "green"))
        rows.append(self._running(loop))
        if self._last:
            rows.append(_row(f"last  {self._last}", "dim"))
        return Group(*rows)

    def _running(self, loop: Loop) -> Table:
        table = Table.grid(padding=(0, 2))
        metric = loop.history.objective.metric
        for trial in map(loop.history.__getitem__, sorted(loop.running)):
            value = f"{metric} {number(trial.curve[-1].metrics.get(metric, math.nan))}" if trial.curve else ""
            table.add_row(
                *(_row(cell) for cell in (f"trial {trial.number}", f"epoch {trial.epoch}/{trial.until}", value))
            )
        return table

    def _eta(self, loop: Loop) -> str:
        """How long it took, and how long it will take if the rest goes as what was done."""
        seconds = time.monotonic() - self._began
        done = loop.history.ended - (self._done_before or 0)
        text = f"{duration(seconds)} so far"
        if self._total is not None and done > 0:
            left = max(0, self._total - done - (self._done_before or 0))
            text += f", about {duration(seconds / done * left)} to go"
        return text


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
