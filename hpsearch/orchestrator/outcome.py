"""What a run came to, for a script and for a person."""

import shlex
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.core.format import duration, many, number, params_line
from hpsearch.core.history import History
from hpsearch.core.trial import State
from hpsearch.orchestrator.rules import Totals
from hpsearch.records.find import home
from hpsearch.study.definition import Study
from hpsearch.tracking.base import Sync


@dataclass(frozen=True)
class Outcome:
    """totals, ending, seconds and signal are of this run, the rest is of the study.

    forked: it has another name than in its file.
    ending: why the run stopped before the search was over, "" if it did not. signal: what asked it to, if any did.
    over: why the search had nothing more to propose, where it says so.
    """

    study: Study
    forked: bool
    history: History
    totals: Totals
    ending: str
    sync: Sync
    seconds: float
    signal: signal.Signals | None
    over: str = ""

    @property
    def exit_code(self) -> int:
        if self.signal is not None:
            return 128 + self.signal
        return 0 if self.history.best() is not None else 3

    def count(self, state: State) -> int:
        return sum(trial.state is state for trial in self.history)

    def data(self) -> dict[str, Any]:
        return {
            "study": self.study.study.name,
            "state": "STOPPED" if self.ending else "COMPLETE",
            "reason": self.ending or self.over,
            "trials": {state.lower(): self.count(state) for state in State if state is not State.RUNNING},
            "best": best_document(self.history),
            "epochs_trained": self.history.epochs,
            "wall_seconds": round(self.seconds, 3),
            "busy_fraction": round(self.totals.busy_fraction, 4),
            "journal": self.study.journal_display,
            "tracking_uri": self.study.tracking_display,
        }

    def text(self) -> str:
        counts = ", ".join(f"{self.count(state)} {state.lower()}" for state in State if self.count(state))
        busy = f", workers busy {self.totals.busy_fraction:.0%}" if self.totals.epochs else ""
        rows = [
            f"{self.study.study.name}: {f'stopped ({self.ending})' if self.ending else 'done'}",
            *([self.over] if self.over else []),
            f"{many(len(self.history), 'trial')} ({counts or 'none'}), {many(self.history.epochs, 'epoch')}, "
            f"{duration(self.seconds)}{busy}",
            "",
            *self._best_rows(),
            "",
            *self._where_to_look(),
        ]
        if self.sync.pending:
            again = call("sync", self.study, self.forked)
            rows += [
                f"{self.sync.pending} events are not in MLflow yet; `{again}` sends them",
                f"  {self.sync.problem}",
            ]
        if self.ending:
            rows.append("run the same command again to go on")
        return "\n".join(rows)

    def _best_rows(self) -> list[str]:
        best = best_document(self.history)
        if best is None:
            why = next((trial.reason for trial in reversed(list(self.history)) if trial.reason), "nothing was trained")
            return [f"no trial succeeded; the last one: {why}"]
        return [
            f"best: trial {best['trial']}, {self.study.study.metric} {number(best['value'])} at epoch {best['epoch']}",
            f"      {params_line(best['params'])}",
        ]

    def _where_to_look(self) -> list[str]:
        best, failed = self.history.best(), [t.number for t in self.history if t.state is State.FAILED]
        rows = [f"  journal    {nearby(self.study.journal_display)}"]
        if self.over:
            rows.append(f"  rounds     {call('show', self.study, self.forked)}")
        if best is not None:
            rows.append(f"  best       {call('show', self.study, self.forked, best.number)}")
            rows.append(f"  report     {call('report', self.study, self.forked)}")
        if failed:
            rows.append(f"  failed     {call('show', self.study, self.forked, failed[-1])}")
        if self.study.tracking_uri != "none":
            rows.append(f"  dashboard  {dashboard(self.study)}")
        return rows


def best_document(history: History) -> dict[str, Any] | None:
    best = history.best()
    report = history.objective.judged(best) if best is not None else None
    if best is None or report is None:
        return None
    value = report.metrics[history.objective.metric]
    return {"trial": best.number, "value": value, "epoch": report.step, "params": dict(best.params)}


def call(command: str, study: Study, forked: bool, trial: int | None = None) -> str:
    """How this user asks about this study from where they are, such as `.venv/bin/hpsearch show studies/my.toml`."""
    number = "" if trial is None else f" {trial}"
    if study.journal_url == f"sqlite:///{home() / 'journal.db'}":
        which = f"{shlex.quote(study.study.name)}{number}"
    elif not forked:
        which = f"{shlex.quote(nearby(str(study.path)))}{number}"
    else:  # argparse takes a number that may be left out before the options only
        url = written(study.journal_display, study.journal.url)
        which = f"{shlex.quote(study.study.name)}{number} --journal {shlex.quote(url)}"
    return f"{_program()} {command} {which}"


def dashboard(study: Study) -> str:
    """The command that opens the dashboard, or its address where a server shows it."""
    uri = study.tracking_display
    if uri.startswith(("http://", "https://")):
        return uri
    if study.tracking_uri != f"sqlite:///{study.home / 'mlflow.db'}":
        return f"{_program()} ui --mlflow {shlex.quote(written(uri, study.tracking.mlflow))}"
    return f"{_program()} ui" + (f" --home {shlex.quote(nearby(str(study.home)))}" if study.home != home() else "")


def written(display: str, in_file: str | None) -> str:
    """A URL for a command line: where it has a password, as the study file has it, with ${env:NAME} in its place."""
    return in_file if in_file and "***" in display else display


def _program() -> str:
    called = Path(sys.argv[0]).absolute()
    if called.name != "hpsearch" or shutil.which("hpsearch") == str(called):
        return "hpsearch"
    return nearby(str(called))


def nearby(place: str) -> str:
    """A path, or the path in an SQLite URL, from the current folder if it lies in it."""
    path = Path(place.removeprefix("sqlite:///"))
    if not path.is_absolute():
        return place
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
