"""The result of a run, as text."""

import math
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from hpsearch.cli.text import front as front_text
from hpsearch.core.folders import nearby
from hpsearch.core.format import duration, many, named, number, params_line
from hpsearch.core.history import Nearest
from hpsearch.core.trial import Cause, State
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.progress.nothing_to_train import how_to_extend
from hpsearch.records.find import home
from hpsearch.study import plan
from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import CoarseToFine, Recipe


def text(result: RunResult) -> str:
    sync, call = result.sync, _command_builder(result.study, result.is_fork)
    rows = [
        f"{result.study.study.name}: {_ending(result)}",
        *([result.end.over] if result.end.over else []),
        _counts(result),
        "",
        *_best_rows(result),
        *_unmet(result),
        "",
        *_where_to_look(result, call),
    ]
    if sync.only_files:
        rows += [f"{sync.problem}; `{call('sync')}` sends them"]
    elif sync.pending:
        rows += [f"{sync.pending} events are not in MLflow yet; `{call('sync')}` sends them", f"  {sync.problem}"]
    if raised := _raised_after_last_report(result):
        them = f"In {named(raised)}, the trainer failed after its last report. The results are kept."
        rows += ["", f"warning: {them}"]
    if advice := _next_step(result):
        rows += ["", *advice]
    return "\n".join(rows)


def _ending(result: RunResult) -> str:
    if result.signal is not None:
        return f"stopped by {result.signal.name}"
    if result.end.stopped:
        return f"{'done' if _is_planned(result) else 'stopped'} ({result.end.stopped})"
    if not result.end.all_failed:
        return "done (nothing was left to train)" if result.trained_nothing else "done"
    kind = "infeasible" if result.end.cause is Cause.INFEASIBLE else "failed"
    return f"{kind} (all {many(len(result.history), 'trial')})"


def _is_planned(result: RunResult) -> bool:
    """Whether the run ended because the budget of the search, which is not under [limits], is used up."""
    return result.end.is_limit and "epochs" in result.end.numbers and result.study.epochs_key != "limits.epochs"


def _counts(result: RunResult) -> str:
    planned = _is_planned(result)
    stopped = bool(result.end.stopped) and not planned
    words = {
        State.COMPLETE: "complete",
        State.PRUNED: "pruned",
        State.INFEASIBLE: "infeasible",
        State.FAILED: "failed",
        State.PAUSED: "paused" if stopped else "not continued",
        State.WAITING: "not finished" if planned else "interrupted (will resume)",
    }
    counts = ", ".join(f"{result.counts[state]} {word}" for state, word in words.items() if state in result.counts)
    trials = f"{many(len(result.history), 'trial')}{f': {counts}' if counts else ''}"
    busy = f", workers busy {result.totals.busy_fraction:.0%}" if result.totals.epochs else ""
    return f"{trials}; {many(result.history.epochs, result.study.objective.unit)} in {duration(result.seconds)}{busy}"


def _next_step(result: RunResult) -> list[str]:
    """How to continue the study; empty if it is done."""
    end, again = result.end, "run the same command again"
    advice = f"fix the trainer and {again}: failed trials are tried again (--retry-failed: also without a change)"
    retry = [advice] if State.FAILED in result.counts else []
    if end.is_max_failures:
        limit = "limits.max_failure_share" if "share" in end.numbers else "limits.max_failures"
        return [*retry, f"or raise {limit} to train other trials first"]
    if result.best is None and Nearest.of(result.history, result.study.objective):
        return [*retry, f"loosen study.require and {again} to continue"]
    if end.all_failed and end.cause is Cause.INFEASIBLE:
        return [
            "change [space], or the condition under which the trainer raises Infeasible, and run with --fork NEW_NAME"
        ]
    if "target" in end.numbers:
        return [*retry, f"set a better limits.target, or remove it, and {again} to continue"]
    if end.cause is Cause.LIMIT and (raised := _limit_to_raise(result)):
        return [*retry, f"raise {raised} and {again} to continue"]
    if result.trained_nothing:
        return [*retry, *how_to_extend(result)]
    return [f"{again} to continue"] if end.stopped else retry


def _limit_to_raise(result: RunResult) -> str:
    """The limit that is used up, and the value that it must exceed; "" if a larger one would change nothing."""
    numbers, study, history = result.end.numbers, result.study, result.history
    if "epochs" in numbers:
        if study.epochs_key != "limits.epochs":
            return f"{study.epochs_key} above {history.epochs}"
        whole = plan.planned_epochs(study, history.restarts)
        most = f" (up to {whole} for the whole search)" if whole > history.epochs else ""
        return f"limits.epochs above {history.epochs}{most}"
    if "seconds" in numbers:
        spent = max(result.spent, numbers["seconds"])
        unit = 60 if spent >= 3600 else 1
        return f"limits.study above {duration(unit * math.ceil(spent / unit))}"
    if "gpu_hours" in numbers:
        spent = history.busy * study.resources.per_trial.gpus / 3600
        return f"limits.gpu_hours above {max(spent, numbers['gpu_hours']):.3g}"
    whole = plan.trials_without_limit(study)
    if "trials" in numbers and (whole == 0 or whole > history.counted):
        most = f" (up to {whole} for the whole search)" if whole else ""
        return f"limits.trials above {history.counted}{most}"
    return ""


def _best_rows(result: RunResult) -> list[str]:
    best = result.best
    if best is None and (nearest := Nearest.of(result.history, result.study.objective)):
        return ["no trial meets study.require; the nearest:", f"  {nearest.text(result.study.objective)}"]
    if best is None:
        why = next((trial.reason for trial in reversed(list(result.history)) if trial.reason), "nothing was trained")
        return [f"no trial succeeded; the last one: {why}"]
    later, objective = "; it FAILED later" if best.failed else "", result.study.objective
    if objective.others:
        return front_text.lines(result.front, objective.unit, result.study.space)
    return [
        f"best: trial {best.trial}, {objective.label} {number(best.value)} at {objective.unit} {best.epoch}{later}",
        f"      {params_line(result.study.space.shown(best.params))}",
    ]


def _unmet(result: RunResult) -> list[str]:
    """How many trials have a value and do not meet the requirements; empty if no trial meets them."""
    objective = result.study.objective
    if result.best is None or not objective.require:
        return []
    count = sum(objective.value(one) is not None and bool(objective.unmet(one)) for one in result.history)
    return [f"      {many(count, 'trial')} {'does' if count == 1 else 'do'} not meet study.require"] if count else []


def _where_to_look(result: RunResult, call: Callable[..., str]) -> list[str]:
    study = result.study
    failed = [one.number for one in result.history if one.state is State.FAILED]
    rows = [f"  journal    {nearby(study.journal_display)}"]
    if isinstance(study.search, CoarseToFine | Recipe) and result.end.over:
        rows.append(f"  rounds     {call('show')}")
    if result.best is not None:
        if (several := study.objective.others) and (front := result.front):
            bound = f"{several[0].metric} {'<=' if several[0].goal == 'minimize' else '>='} "
            middle = number(front[len(front) // 2].values[several[0].metric])
            rows.append(f"  choose     {call('best')} --prefer {shlex.quote(bound + middle)}")
        rows.append(f"  best       {call('show', result.best.trial)}")
        rows.append(f"  report     {call('report')}")
    if failed:
        rows.append(f"  failed     {call('show', failed[-1])}")
    if raised := _raised_after_last_report(result):
        rows.append(f"  warning    {call('show', raised[-1])}")
    if study.tracking_uri != "none":
        rows.append(f"  dashboard  {dashboard(study)}")
    return rows


def _raised_after_last_report(result: RunResult) -> list[int]:
    """The trials that are COMPLETE although their trainer raised an exception after the last report."""
    return [one.number for one in result.history if one.state is State.COMPLETE and one.exception]


def _command_builder(study: Study, is_fork: bool) -> Callable[..., str]:
    """A function from a command, and the number of a trial if it takes one, to its command line for this study in the
    current folder: `.venv/bin/hpsearch show my.toml 3`."""
    name, where = study.study.name, ""
    if study.journal_url != f"sqlite:///{home() / 'journal.db'}":
        if is_fork or study.path is None:
            where = f" --journal {shlex.quote(written(study.journal_display, study.journal.url))}"
        else:
            name = nearby(str(study.path))
    program, name = _program(), shlex.quote(name)
    # argparse accepts an optional positional argument only before the options
    return lambda command, *trial: " ".join([program, command, name, *map(str, trial)]) + where


def dashboard(study: Study) -> str:
    """The command that opens the dashboard, or the address of the server that shows it."""
    uri = study.tracking_display
    if uri.startswith(("http://", "https://")):
        return uri
    if study.tracking_uri != f"sqlite:///{study.home / 'mlflow.db'}":
        return f"{_program()} ui --mlflow {shlex.quote(written(uri, study.tracking.mlflow))}"
    return f"{_program()} ui" + (f" --home {shlex.quote(nearby(str(study.home)))}" if study.home != home() else "")


def written(display: str, in_file: str | None) -> str:
    """A URL for a command line. With a password: as in the study file, which has ${env:NAME} in its place."""
    return in_file if in_file and "***" in display else display


def _program() -> str:
    called = Path(sys.argv[0]).absolute()
    if called.name != "hpsearch" or shutil.which("hpsearch") == str(called):
        return "hpsearch"
    return nearby(str(called))
