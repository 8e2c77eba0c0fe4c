"""A recorded study with its trials, and one trial with its curve, as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hpsearch.cli.text import status
from hpsearch.cli.text.layout import in_blocks, table, wrapped
from hpsearch.core.folders import nearby
from hpsearch.core.format import many, number, parameter, params_line, score
from hpsearch.core.metric_names import is_measured
from hpsearch.core.trial import Cause, Objective, Report, State, Trial, identical
from hpsearch.journal import TrainingSegment
from hpsearch.provenance import environment
from hpsearch.records.study_status import StudyDetails, TrialDetails
from hpsearch.samplers.recipe.history_of_rounds import outline
from hpsearch.trainer.failures import without_own_frames
from hpsearch.workers.trial_files import TrialFiles

LOG_LINES = 10

MAX_TRIALS = 20
"""How many trials of a study are listed without --all."""


def study(details: StudyDetails, used: int, every: bool) -> str:
    """used: bytes of its checkpoints on the disk. every: list all trials, not only the first `MAX_TRIALS`."""
    parts = [status.text([details.status], used=used, space=details.space)]
    if details.rounds is not None:
        parts += ["", _rounds(details.rounds, details.objective.unit)]
    if details.trials:
        parts += ["", _trials(_shown(details), details.objective, len(details.trials) if every else MAX_TRIALS)]
    others = [one for one in details.decisions if details.rounds is None or one.kind not in ("round", "over")]
    if others:
        rows = [status.decision(one, details.objective.unit) for one in others]
        parts += ["", "decisions", table(rows, narrow=(2,), lines=None)]
    return "\n".join(parts)


def _shown(details: StudyDetails) -> list[Trial]:
    """The trials with the names of choices that have names."""
    return [replace(trial, params=details.space.shown(trial.params)) for trial in details.trials]


def _trials(trials: Sequence[Trial], objective: Objective, most: int) -> str:
    """A line for each trial, with its parameters; parameters that are equal in all trials are in the heading."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    first, *others = trials
    same = {
        name: value
        for name, value in first.params.items()
        if others and all(name in one.params and identical(one.params[name], value) for one in others)
    }
    searched = [name for name in names if name not in same]
    goals = [one.metric for one in objective.others]
    require = ["require"] if objective.require else []
    rows = [["trial", objective.label, *goals, objective.unit, "state", *require, *searched]]
    for trial in trials[:most]:
        judged, value = objective.judged(trial), objective.value(trial)
        values = objective.values(trial)
        rest = [number(values[name]) if name in values else "" for name in goals]
        result = ["", *rest, ""]
        if judged is not None and value is not None:
            result = [number(value), *rest, str(judged.step)]
        unmet = objective.unmet(trial)
        met = ["not met" if unmet else "met" if value is not None else ""] if objective.require else []
        params = [parameter(trial.params[name]) if name in trial.params else "" for name in searched]
        rows.append([str(trial.number), *result, f"{trial.state}{_code(trial)}", *met, *params])
    head = "trials, those on the Pareto front first" if goals else "trials, best first"
    parts = [f"{head}; in all of them {params_line(same)}" if same else head]
    parts = [wrapped(parts[0]), in_blocks(rows)]
    if len(trials) > most:
        parts.append(f"{many(len(trials) - most, 'more trial')}: --all lists all")
    return "\n".join(parts)


def _code(trial: Trial) -> str:
    return ", earlier code" if trial.superseded else ""


def _rounds(document: Mapping[str, Any], unit: str) -> str:
    """A line for each round, then the reasons for the search ranges of each."""
    rows = [["round", "trials", f"to {unit}", f"best {document['metric']}", "gained"]]
    rows += [_round(one) for one in document["rounds"]]
    notes = [line for one in document["rounds"] for line in ("", *outline(one))]
    end = ["", f"over: {document['over']}"] if document["over"] else []
    return "\n".join([table(rows, narrow=(1, 3)), wrapped("\n".join([*notes, *end]))])


def _round(one: Mapping[str, Any]) -> list[str]:
    older = sum(trial["continued"] for trial in one["trials"])
    count = f"{len(one['trials'])}" + (f", {older} of them continued" if older else "")
    best = f"{number(one['best']['value'])} (trial {one['best']['trial']})" if one["best"] else "none"
    gained = "" if one["gained"] is None else number(one["gained"]) if one["gained"] else "nothing"
    return [str(one["number"]), count, str(one["epochs"]), best, gained]


def trial(details: TrialDetails, files: TrialFiles, more: str = "") -> str:
    """more: the command that also lists the metrics that hpsearch has measured; "" lists them here."""
    record, trial = details.study.record, details.trial
    before = [f"preflight: {details.preflight}"] if details.preflight else []
    before += [details.lr_range] if details.lr_range else []
    in_round = f"round {trial.round}, " if details.has_rounds else ""
    parts = [
        f"{record.name}, trial {trial.number}: {trial.state}{_code(trial)}, {score(trial, details.study.objective)}",
        f"  {params_line(details.study.space.shown(trial.params))}",
        f"  {in_round}seed {trial.seed}, {many(trial.epoch, details.study.objective.unit)} in {trial.busy:.1f} s",
        f"  why these parameters: {trial.origin}",
        *(f"  {line}" for line in [*before, *_where(details.segments, details.study.objective.unit)]),
        f"  why {trial.state}: {trial.reason or 'it has not ended'}",
        *_lost(trial),
        *_log(details, files),
    ]
    parts = [wrapped("\n".join(parts)), *_checkpoint(files)]
    if trial.curve:
        parts += ["", _curve(details, more)]
    if details.decisions:
        rows = [status.decision(one, details.study.objective.unit) for one in details.decisions]
        parts += ["", "decisions", table(rows, narrow=(2,), lines=None)]
    if trial.error:
        parts += ["", without_own_frames(trial.error)]
    # The error of a process that ended without a traceback contains the last lines of the log already.
    if trial.state is State.FAILED and trial.cause is not Cause.WORKER_LOST and (lines := files.last_lines(LOG_LINES)):
        parts += ["", "last lines of the log", *(f"  {line}" for line in lines)]
    return "\n".join(parts)


def _checkpoint(files: TrialFiles) -> Iterator[str]:
    """Its path, and a line of Python that loads it. A path with spaces is not wrapped: the line must stay valid."""
    if files.removal is not None:
        yield wrapped(f"  {files.removal}")
    if files.checkpoint is None:
        return
    path = nearby(str(files.checkpoint))
    load = f'  load it with: torch.load({path!r}, weights_only=True)["objects"]'
    yield wrapped(f"  best checkpoint (state of the objects given to run.track): {path}")
    yield load if " " in path else wrapped(load)


def _lost(trial: Trial) -> Iterator[str]:
    if trial.attempts > 1:
        yield f"  {trial.attempts} attempts: {many(trial.attempts - 1, 'lost worker')} counted in limits.retries"


def _log(details: TrialDetails, files: TrialFiles) -> Iterator[str]:
    if files.log is not None:
        yield f"  log: {nearby(str(files.log))}"
    elif details.trial.state in (State.FAILED, State.INFEASIBLE):
        to_terminal = details.study.record.spec.get("resources", {}).get("address") == "none"
        why = 'with address = "none" the trainer prints to the terminal' if to_terminal else "nothing was printed"
        yield f"  log: none, {why}"


def _where(segments: Sequence[TrainingSegment], unit: str) -> Iterator[str]:
    """Environment and data of the training; equal segments are shown once."""
    last: tuple[object, object] | None = None
    for segment in segments:
        if (segment.environment, segment.data) != last:
            since = f" from {unit} {segment.after + 1} on" if last is not None else ""
            yield f"environment{since}: {environment.summary(segment.environment.document)}"
            yield from (f"data: {name} {digest[:12]}" for name, digest in segment.data.items())
        last = (segment.environment, segment.data)


def _curve(details: TrialDetails, more: str) -> str:
    """The reported metrics, and below them those that hpsearch has measured, or how many there are."""
    curve, unit = details.trial.curve, details.study.objective.unit
    names = dict.fromkeys(name for report in curve for name in report.metrics)
    own = [name for name in names if is_measured(name)]
    reported = _curve_of(curve, [name for name in names if name not in own], unit)
    if not own:
        return reported
    if not more:
        return f"{reported}\n\nmeasured by hpsearch\n{_curve_of(curve, own, unit)}"
    rest = wrapped(f"{many(len(own), 'more metric')} measured by hpsearch: {more}")
    return f"{reported}\n\n{rest}"


def _curve_of(curve: Sequence[Report], names: Sequence[str], unit: str) -> str:
    cells = ([number(one.metrics[name]) if name in one.metrics else "" for name in names] for one in curve)
    rows = [[str(one.step), *values] for one, values in zip(curve, cells, strict=True)]
    return in_blocks([[unit, *names], *rows])
