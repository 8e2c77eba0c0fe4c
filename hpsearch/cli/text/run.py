"""What a run came to, in words."""

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from hpsearch.core.format import duration, many, number, params_line
from hpsearch.core.trial import State
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.records.find import home
from hpsearch.study.definition import Study


def text(result: RunResult) -> str:
    history, sync, call = result.history, result.sync, _caller(result.study, result.is_fork)
    counts = ", ".join(f"{result.counts[state]} {state.lower()}" for state in State if state in result.counts)
    busy = f", workers busy {result.totals.busy_fraction:.0%}" if result.totals.epochs else ""
    rows = [
        f"{result.study.study.name}: {f'stopped ({result.end.stopped})' if result.end.stopped else 'done'}",
        *([result.end.over] if result.end.over else []),
        f"{many(len(history), 'trial')} ({counts or 'none'}), {many(history.epochs, 'epoch')}, "
        f"{duration(result.seconds)}{busy}",
        "",
        *_best_rows(result),
        "",
        *_where_to_look(result, call),
    ]
    if sync.pending:
        rows += [f"{sync.pending} events are not in MLflow yet; `{call('sync')}` sends them", f"  {sync.problem}"]
    if result.end.stopped:
        rows.append("run the same command again to go on")
    return "\n".join(rows)


def _best_rows(result: RunResult) -> list[str]:
    best = result.best
    if best is None:
        why = next((trial.reason for trial in reversed(list(result.history)) if trial.reason), "nothing was trained")
        return [f"no trial succeeded; the last one: {why}"]
    return [
        f"best: trial {best.trial}, {result.study.study.metric} {number(best.value)} at epoch {best.epoch}",
        f"      {params_line(best.params)}",
    ]


def _where_to_look(result: RunResult, call: Callable[..., str]) -> list[str]:
    study = result.study
    failed = [one.number for one in result.history if one.state is State.FAILED]
    rows = [f"  journal    {nearby(study.journal_display)}"]
    if result.end.over:
        rows.append(f"  rounds     {call('show')}")
    if result.best is not None:
        rows.append(f"  best       {call('show', result.best.trial)}")
        rows.append(f"  report     {call('report')}")
    if failed:
        rows.append(f"  failed     {call('show', failed[-1])}")
    if study.tracking_uri != "none":
        rows.append(f"  dashboard  {dashboard(study)}")
    return rows


def _caller(study: Study, is_fork: bool) -> Callable[..., str]:
    """How this user asks about this study from where they are, such as `.venv/bin/hpsearch show studies/my.toml`: of a
    command, and the number of a trial where there is one."""
    name, where = study.study.name, ""
    if study.journal_url != f"sqlite:///{home() / 'journal.db'}":
        if is_fork or study.path is None:
            where = f" --journal {shlex.quote(written(study.journal_display, study.journal.url))}"
        else:
            name = nearby(str(study.path))
    program, name = _program(), shlex.quote(name)
    # argparse takes a number that may be left out before the options only
    return lambda command, *trial: " ".join([program, command, name, *map(str, trial)]) + where


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
