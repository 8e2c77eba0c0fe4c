"""What a person sees while a study runs: a quiet live view, or one line per finished trial without a terminal."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hpsearch.loop import Loop
from hpsearch.trial import Plain, State, Trial

COLOURS = {State.COMPLETE: "green", State.PRUNED: "yellow", State.FAILED: "red", State.PAUSED: "cyan"}


class Screen:
    """Watches a loop. `watch` is called after every turn of it and draws at most four times a second.

    total: how many proposals the search will make, None where nobody can say.
    lines: a stream that receives one JSON object for every settled trial (`--jsonl`), or None.
    """

    def __init__(self, console: Console, title: str, total: int | None, quiet: bool, lines: TextIO | None = None):
        self._console = console
        self._title = title
        self._total = total
        self._lines = lines
        self._quiet = quiet
        self._began = time.monotonic()
        self._done_before: int | None = None
        self._drawn = 0.0
        self._last = ""
        self._live: Live | None = None

    def __enter__(self) -> "Screen":
        if self._console.is_terminal and not self._quiet:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def watch(self, loop: Loop, trials: list[Trial]) -> None:
        if self._done_before is None:
            self._done_before = loop.history.settled - sum(trial.state.is_settled for trial in trials)
        for trial in trials:
            if trial.state.is_settled:
                self._settled(loop, trial)
        now = time.monotonic()
        if self._live is not None and now - self._drawn > 0.25:
            self._drawn = now
            self._live.update(self._view(loop), refresh=True)

    def _settled(self, loop: Loop, trial: Trial) -> None:
        objective = loop.history.objective
        self._last = line(trial, objective.metric, objective.value(trial))
        if self._lines is not None:
            print(json.dumps(_as_json(trial, objective.value(trial))), file=self._lines, flush=True)
        if self._live is None:
            self.say(f"[{self._progress(loop)}] {self._last}")

    def _progress(self, loop: Loop) -> str:
        done = loop.history.settled
        return f"{done}/{self._total}" if self._total is not None else str(done)

    def _view(self, loop: Loop) -> Group:
        history = loop.history
        metric = history.objective.metric
        best = history.best()
        head = Text.assemble((self._title, "bold"), f"  {self._progress(loop)} trials  ", (self._eta(loop), "dim"))
        table = Table.grid(padding=(0, 2))
        for number in sorted(loop.heard):
            trial = history[number]
            value = trial.curve[-1].metrics.get(metric, math.nan) if trial.curve else math.nan
            table.add_row(
                f"trial {number}", f"epoch {trial.epoch}/{trial.until}", f"{metric} {value:.4f}" if trial.curve else ""
            )
        rows: list[Any] = [head]
        if best is not None:
            rows.append(Text(f"best  {line(best, metric, history.objective.value(best))}", style="green"))
        rows.append(table)
        if self._last:
            rows.append(Text(f"last  {self._last}", style="dim"))
        return Group(*rows)

    def _eta(self, loop: Loop) -> str:
        """How long it took, and how long it will take if the rest goes as what was done."""
        seconds = time.monotonic() - self._began
        done = loop.history.settled - (self._done_before or 0)
        text = f"{duration(seconds)} so far"
        if self._total is not None and done > 0:
            left = max(0, self._total - done - (self._done_before or 0))
            text += f", about {duration(seconds / done * left)} to go"
        return text


def line(trial: Trial, metric: str, value: float | None) -> str:
    """One trial in one line: number, state, value, and why."""
    judged = f"{metric} {value:.4f}" if value is not None else f"no {metric}"
    first = trial.reason.partition("\n")[0]
    return f"trial {trial.number:<3} {trial.state:<8} {judged}  epoch {trial.epoch:<3} {first}"


def params_line(params: Mapping[str, Plain]) -> str:
    return ", ".join(f"{name} = {number(value)}" for name, value in params.items())


def number(value: Plain | None) -> str:
    """A value as a person reads it; four digits of a float."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """1h02m, 3m05s, 12s"""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"


def _as_json(trial: Trial, value: float | None) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "state": str(trial.state),
        "value": value,
        "epoch": trial.epoch,
        "reason": trial.reason,
        "params": dict(trial.params),
    }


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as aligned columns; the last one is as wide as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
