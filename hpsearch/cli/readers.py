"""The commands that read a journal and write nothing: status, show, best, export."""

import time
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from typing import Any

from hpsearch.cli.answer import Answer
from hpsearch.core.decisions import Decision
from hpsearch.core.errors import BadInput, NoTrialSucceeded
from hpsearch.core.format import columns, json_text, number, params_line, score
from hpsearch.core.trial import Report, State, Trial
from hpsearch.journal import Journal, StudyRecord, TrainingSegment
from hpsearch.provenance import environment
from hpsearch.records.export import as_csv, as_document, as_parquet, trial_document, where
from hpsearch.records.find import RecordedStudy, check_trial, journal_of, opened, study_in
from hpsearch.records.preflight_record import summary
from hpsearch.samplers.recipe import history_of_rounds

LATEST = 5
"""How many of the last decisions `status` shows."""


def status(args: Namespace) -> Iterator[Answer]:
    """With --watch again whenever something has changed, until nothing runs."""
    before = None
    while True:
        with journal_of(args.study, args.journal) as journal:
            records = journal.studies() if args.study is None else [study_in(journal, args.study).record]
            found = [standing(journal, record) for record in records]
            decisions = journal.decisions(records[0].id)[-LATEST:] if args.study is not None else []
        if found != before:
            yield Answer(found if args.study is None else found[0], partial(_status_text, found, decisions))
        if not args.watch or all(one["state"] != "RUNNING" for one in found):
            return
        before = found
        time.sleep(1.0)


def standing(journal: Journal, record: StudyRecord) -> dict[str, Any]:
    """As it stands. Where a process died, what it ran waits for the next."""
    stands, tried = journal.summary(record.id), journal.documents(record.id)
    holder = journal.holder(record.id)
    trials = {kind.lower(): count for kind, count in stands.trials.items()}
    if interrupted := holder is None and record.state == "RUNNING":
        trials |= {"waiting": trials["waiting"] + trials["running"], "running": 0}
    return {
        "study": record.name,
        "state": "INTERRUPTED" if interrupted else record.state,
        "holder": holder,
        "trials": trials,
        "epochs_trained": stands.epochs,
        "busy_seconds": round(stands.busy, 3),
        "preflight": summary(tried["preflight"]) if "preflight" in tried else None,
        "lr_range": tried["lr_range"]["says"] if "lr_range" in tried else None,
        "best": stands.best and {"trial": stands.best.number, "value": stands.best.value, "epoch": stands.best.epoch},
    }


def _status_text(found: list[dict[str, Any]], decisions: list[Decision]) -> str:
    if not found:
        return "no study is recorded here"
    rows = [["study", "state", "trials", "epochs", "best"]]
    for one in found:
        best = one["best"]
        trials = ", ".join(f"{count} {state}" for state, count in one["trials"].items() if count)
        shown = f"{number(best['value'])} (trial {best['trial']}, epoch {best['epoch']})" if best else "none yet"
        rows.append([one["study"], one["state"], trials or "none", str(one["epochs_trained"]), shown])
    text = columns(rows)
    if len(found) == 1 and found[0]["preflight"]:
        text += f"\npreflight: {found[0]['preflight']}"
    if len(found) == 1 and found[0]["lr_range"]:
        text += f"\n{found[0]['lr_range']}"
    if len(found) == 1 and found[0]["holder"]:
        text += f"\nrun by {found[0]['holder']}"
    if any(one["state"] == "INTERRUPTED" for one in found):
        text += "\nINTERRUPTED: its process is gone; `hpsearch run` with the same file goes on where it was"
    if decisions:
        text += "\n\nlast decisions\n" + columns([[_who(one), *_decision_row(one)] for one in decisions])
    return text


def show(args: Namespace) -> Iterator[Answer]:
    with opened(args.study, args.journal) as (journal, study):
        if args.trial is None:
            yield _study(journal, study)
            return
        check_trial(journal, study, args.trial)
        yield _trial(journal, study, args.trial)


def best(args: Namespace) -> Iterator[Answer]:
    with opened(args.study, args.journal) as (journal, study):
        found = journal.summary(study.record.id).best
        if found is None:
            raise NoTrialSucceeded(f'study "{study.record.name}" has no trial with a value yet')
        yield _trial(journal, study, found.number)


def _study(journal: Journal, study: RecordedStudy) -> Answer:
    """What was decided about the search as a whole, and what its rounds came to where it has some."""
    told = journal.documents(study.record.id).get(history_of_rounds.KIND)
    stands = standing(journal, study.record)
    decisions = [one for one in journal.decisions(study.record.id) if one.number is None]
    document = stands | {"rounds": told, "decisions": [_decision(one) for one in decisions]}
    parts = [_status_text([stands], []), *(["", history_of_rounds.text(told)] if told else [])]
    others = [one for one in decisions if told is None or one.kind not in ("round", "over")]
    if others:
        parts += ["", "decisions", columns([_decision_row(one) for one in others])]
    return Answer(document, lambda: "\n".join(parts))


def _trial(journal: Journal, study: RecordedStudy, number: int) -> Answer:
    trial = journal.trial(study.record.id, number)
    decisions = journal.decisions(study.record.id, number)
    measured = journal.documents(study.record.id)
    before = [f"preflight: {summary(measured['preflight'])}"] if "preflight" in measured else []
    before += [measured["lr_range"]["says"]] if "lr_range" in measured else []
    segments = journal.segments(study.record.id, number)
    document = trial_document(trial, study.objective) | {
        "decisions": [_decision(one) for one in decisions],
        **where(segments),
    }
    return Answer(document, lambda: _trial_text(study, trial, decisions, [*before, *_where(segments)]))


def _trial_text(study: RecordedStudy, trial: Trial, decisions: list[Decision], before: list[str]) -> str:
    """before: what was measured before the first trial, and where it was trained, a line each."""
    parts = [
        f"{study.record.name}, trial {trial.number}: {trial.state}, {score(trial, study.objective)}",
        f"  {params_line(trial.params)}",
        f"  round {trial.round}, seed {trial.seed}, {trial.epoch} epochs in {trial.busy:.1f} s",
        f"  why these parameters: {trial.origin}",
        *(f"  {line}" for line in before),
        f"  why {trial.state}: {trial.reason or 'it is under way'}",
    ]
    if trial.attempts > 1:
        parts.append(f"  {trial.attempts} attempts: its worker was lost {trial.attempts - 1} times")
    if trial.curve:
        parts += ["", _curve_text(trial)]
    if decisions:
        parts += ["", "decisions", columns([_decision_row(decision) for decision in decisions])]
    if trial.state is State.FAILED and trial.error:
        parts += ["", trial.error]
    return "\n".join(parts)


def _where(segments: list[TrainingSegment]) -> Iterator[str]:
    """Where it was trained and on what; again only where that became different."""
    last: tuple[object, object] | None = None
    for segment in segments:
        if (segment.environment, segment.data) != last:
            since = f" from epoch {segment.after + 1} on" if last is not None else ""
            yield f"trained{since}: {environment.summary(segment.environment.document)}"
            yield from (f"data: {name} {digest[:12]}" for name, digest in segment.data.items())
        last = (segment.environment, segment.data)


def _curve_text(trial: Trial) -> str:
    names = list(dict.fromkeys(name for report in trial.curve for name in report.metrics))
    values = ([str(report.step), *(_cell(report, name) for name in names)] for report in trial.curve)
    return columns([["epoch", *names], *values])


def _cell(report: Report, name: str) -> str:
    return number(report.metrics[name]) if name in report.metrics else ""


def _who(decision: Decision) -> str:
    return "" if decision.number is None else f"trial {decision.number}"


def _decision_row(decision: Decision) -> list[str]:
    when = f"epoch {decision.step}" if decision.step else ""
    return [when, decision.kind, decision.reason.partition("\n")[0]]


def _decision(decision: Decision) -> dict[str, Any]:
    return {"kind": decision.kind, "reason": decision.reason, "step": decision.step, "at": decision.at}


# Export ──────────────────────────────────────────────────────────────────────────────────────────


def export(args: Namespace) -> Iterator[Answer]:
    _check_output(args)
    with opened(args.study, args.journal) as (journal, study):
        trials = journal.trials(study.record.id)
        decisions = journal.decisions(study.record.id)
        measured = journal.documents(study.record.id)
        segments = journal.segments(study.record.id)
    match args.format:
        case "json":
            document = as_document(study.record, study.objective, trials, decisions, measured, segments)
            yield _written(args, document, json_text(document, indent=2))
        case "csv":
            yield _written(args, None, as_csv(study.objective, trials))
        case "parquet":
            as_parquet(study.objective, trials, args.output)
            yield _told(args, f"{len(trials)} trials")
        case "optuna":
            from hpsearch.samplers.optuna.study_file import write_study

            count = write_study(args.output, study.record.name, study.objective, study.space, trials)
            yield _told(args, f"{count} settled trials")


def _check_output(args: Namespace) -> None:
    if args.format in ("parquet", "optuna") and args.output is None:
        raise BadInput(f"--format {args.format} writes a file: say which with -o FILE")
    if args.format == "csv" and args.json and args.output is None:
        raise BadInput("--format csv prints CSV and --json an object: leave one out, or name a file with -o FILE")
    if args.output is not None and not args.output.parent.is_dir():
        raise BadInput(f"-o {args.output}: there is no folder {args.output.parent}")


def _written(args: Namespace, document: dict[str, Any] | None, text: str) -> Answer:
    if args.output is None:
        return Answer(document, lambda: text)
    args.output.write_text(text + "\n", encoding="utf-8")
    return _told(args, "")


def _told(args: Namespace, what: str) -> Answer:
    return Answer({"written": str(args.output)}, lambda: f"{what} written to {args.output}".strip())
