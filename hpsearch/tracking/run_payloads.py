"""The content of an MLflow run of a trial, or of the study: plain values in the form that MLflow accepts."""

import hashlib
import json
import math
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.format import json_text, value_text
from hpsearch.core.front import FrontTrial
from hpsearch.core.history import BestTrial
from hpsearch.core.trial import Cause, Numbers, Objective, Report, State, Trial
from hpsearch.journal import StudyRecord, TrainingSegment
from hpsearch.plots import figures

DIGEST = "hpsearch.sha256"
"""The tag of a model version with the SHA-256 of its checkpoint."""

MAX_NAME_LENGTH = 200
MAX_PARAM_LENGTH = 6000
MAX_TAG_LENGTH = 5000
"""Characters. MLflow refuses names of more than 250 (ours get prefixes), and truncates longer values without a
message."""

DENSE_POINTS = 100_000
"""All points of a trial's curve up to this number are sent. After it, the density halves each time the curve
doubles."""

MAX_MARKED_METRICS = 100
"""Maximum number of metrics of a report that get a tag if they are NaN or infinite, the first ones by name."""

STATUS = {
    State.WAITING: "SCHEDULED",
    State.RUNNING: "RUNNING",
    State.PAUSED: "FINISHED",
    State.COMPLETE: "FINISHED",
    State.PRUNED: "FINISHED",
    State.INFEASIBLE: "FINISHED",
    State.FAILED: "FAILED",
}
"""A pruned trial is not a failure, so MLflow does not show it in red; its state is in a tag."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric. at: ms since 1970, of the journal, so that a point that is sent again is the same."""

    key: str
    value: float
    at: int
    step: int


@dataclass(frozen=True, slots=True)
class RunPayload:
    """The content of a run, with its new points only.

    uid: our name of the run: "study uid" or "study uid/trial number".
    start, end: milliseconds since 1970; end is None while it runs.
    texts: file name -> content of its artifacts. Once sent, each has a tag with its digest.
    """

    uid: str
    name: str
    start: int
    status: str
    end: int | None
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: Sequence[Point] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


def trial_uid(study_uid: str, number: int) -> str:
    return f"{study_uid}/{number}"


def trial_payload(
    study: StudyRecord,
    parent: str,
    objective: Objective,
    trial: Trial,
    reports: Sequence[Report],
    segments: Sequence[TrainingSegment] = (),
) -> RunPayload:
    """The run of a trial, with the points of `reports`, its new epochs.

    parent: the id of the study's run. The best value is in the payload if the trial has ended and has its curve.
    segments: its environments and data, where known; the last one is used.
    """
    tags = {
        "mlflow.parentRunId": parent,
        "hpsearch.study": study.uid,
        "hpsearch.uid": trial_uid(study.uid, trial.number),
        "hpsearch.trial": str(trial.number),
        "hpsearch.state": trial.state.value,
        "hpsearch.round": str(trial.round),
        "hpsearch.seed": str(trial.seed),
        "hpsearch.attempts": str(trial.attempts),
        "hpsearch.superseded": "true" if trial.superseded else "",
        "hpsearch.reason": trial.reason,
        **_cause(trial.cause, trial.cause_numbers),
        "hpsearch.origin": trial.origin,
        "hpsearch.epoch": str(reports[-1].step) if reports else "",
        **nonfinite(reports),
        **renamed(reports),
        **(_trained(segments[-1]) if segments else {}),
    }
    texts = {"traceback.txt": trial.error} if trial.error else {}
    shown = [*filter(is_shown, reports), *_last_and_best(objective, trial)]
    return RunPayload(
        uid=tags["hpsearch.uid"],
        name=f"trial-{trial.number:04d}",
        start=trial.proposed_at,
        status=STATUS[trial.state],
        end=_end(trial),
        tags=mlflow_tags(tags),
        params=_params(trial.params),
        points=(*points(shown), *best_points(objective, trial)),
        texts=texts,
    )


def interrupted(payload: RunPayload, state: str, end: int) -> RunPayload:
    """The payload of a run that is RUNNING in the journal although its process has ended. end: ms since 1970."""
    if payload.status != "RUNNING":
        return payload
    return replace(payload, status="KILLED", end=end, tags={**payload.tags, "hpsearch.state": state})


def study_payload(
    study: StudyRecord,
    objective: Objective,
    state: str,
    end: int,
    best: BestTrial | None,
    decisions: Sequence[Decision] = (),
    documents: Mapping[str, Any] = MappingProxyType({}),
    front: Sequence[FrontTrial] = (),
) -> RunPayload:
    """The study's run, the parent of its trials' runs. MLflow cannot change params, so settings that a longer search
    changes are in tags.

    documents: the journal's, by kind. front: of a study with several goals.
    """
    search = study.spec.get("search", {})
    running = state in ("NEW", "RUNNING")
    tags = {
        "hpsearch.study": study.uid,
        "hpsearch.uid": study.uid,
        "hpsearch.state": state,
        **_cause(study.cause, study.cause_numbers),
        "hpsearch.metric": objective.metric,
        "hpsearch.goal": objective.goal,
        "hpsearch.seed": str(study.spec.get("study", {}).get("seed", "")),
        "hpsearch.method": str(search.get("use", search.get("method", ""))),
        "hpsearch.search": _json(search),
        "hpsearch.forked_from": study.forked_from or "",
        "hpsearch.best_trial": str(best.trial) if best else "",
        "hpsearch.best_value": repr(best.value) if best else "",
        "hpsearch.best_epoch": str(best.epoch) if best else "",
        "hpsearch.objectives": _json([asdict(one) for one in objective.goals]) if objective.others else "",
        "hpsearch.front": ", ".join(str(one.trial) for one in front),
    }
    texts = {"study.json": json.dumps(study.spec, indent=2, ensure_ascii=False, default=str)}
    if front:
        texts["front.json"] = json_text([asdict(one) for one in front], indent=2)
    if decisions:
        texts["decisions.txt"] = "".join(map(_decision_line, decisions))
    texts |= {f"{kind}.json": json_text(document, indent=2) for kind, document in documents.items()}
    texts |= figures.pages(documents, whole=False)
    return RunPayload(
        uid=study.uid,
        name=study.name,
        start=study.created_at,
        status="RUNNING" if running else "FAILED" if state == "FAILED" else "FINISHED",
        end=None if running else end,
        tags=mlflow_tags(tags),
        params=_params(dict(_flat({**study.identity, "search": search}))),
        texts=texts,
    )


def _cause(cause: Cause | None, numbers: Numbers) -> dict[str, str]:
    return {"hpsearch.cause": cause or "", "hpsearch.cause_numbers": _json(dict(numbers)) if numbers else ""}


def text_tag(name: str) -> str:
    """The tag that holds the digest of an artifact."""
    return f"hpsearch.file.{name}"


def points(reports: Iterable[Report]) -> Iterator[Point]:
    """The finite values. MLflow stores infinity as 1.797e308 and sorts by it, and NaN as 0 with a flag."""
    for report in reports:
        for name, value in report.metrics.items():
            if math.isfinite(value):
                yield Point(safe_name(name), float(value), report.at, report.step)


def is_shown(report: Report) -> bool:
    """Whether an epoch is sent to MLflow: at first all, then every second, fourth, … one.

    It depends on the report only, so that a curve is the same when it is sent again, or in other parts.
    """
    dense = max(1, DENSE_POINTS // max(1, len(report.metrics)))
    stride = 1 << ((report.step - 1) // dense).bit_length()
    return report.step % stride == 0


def _last_and_best(objective: Objective, trial: Trial) -> list[Report]:
    """The last and the best epoch of an ended trial, if `is_shown` leaves them out."""
    if trial.state.is_active:
        return []
    wanted = {report.step: report for report in (objective.judged(trial), *trial.curve[-1:]) if report is not None}
    return [report for report in wanted.values() if not is_shown(report)]


def _trained(segment: TrainingSegment) -> dict[str, str]:
    """Tags: the commit (MLflow's own tag), uncommitted changes, and the hashes of the data."""
    code = segment.environment.document.get("code", {})
    known = [one for one in code.get("repositories", ()) if one.get("commit")]
    changed = [f"{one['name']}: {one['diff_lines']} lines of diff" for one in known if one.get("diff_lines")]
    return {
        "mlflow.source.git.commit": known[0]["commit"] if known else "",
        "hpsearch.uncommitted": ", ".join(changed),
        "hpsearch.data": _json(segment.data) if segment.data else "",
    }


def nonfinite(reports: Iterable[Report]) -> dict[str, str]:
    """A tag for each metric that was NaN or infinite, with the last epoch at which it was."""
    return {
        f"hpsearch.nonfinite.{safe_name(name)}": f"{value} at epoch {report.step}"
        for report in reports
        for name, value in sorted(report.metrics.items())[:MAX_MARKED_METRICS]
        if not math.isfinite(value)
    }


def renamed(reports: Iterable[Report]) -> dict[str, str]:
    """A tag for each metric name that MLflow does not accept, with the name that the trainer reported."""
    names = sorted({name for report in reports for name in report.metrics if safe_name(name) != name})
    return {f"hpsearch.metric.{safe_name(name)}": name for name in names[:MAX_MARKED_METRICS]}


def best_points(objective: Objective, trial: Trial) -> Iterator[Point]:
    """`best_<metric>` and `best_epoch` at each epoch with a new best value; the last one is the trial's result.

    They depend on the curve only, so that a resumed trial adds points to earlier ones. A trial that diverged or is
    infeasible has no result, nor has a FAILED one in a study with `failed = "drop"`.
    """
    key = f"best_{safe_name(objective.metric)}"
    if trial.state.is_active or not objective.counts(trial):
        return
    better = list(_improvements(objective, trial.curve))
    for report in better:
        if key not in report.metrics and (is_shown(report) or report is better[-1]):
            yield Point(key, report.metrics[objective.metric], report.at, report.step)
            yield Point("best_epoch", float(report.step), report.at, report.step)


def _improvements(objective: Objective, curve: Sequence[Report]) -> Iterator[Report]:
    best = math.inf
    for report in objective.counted(curve):
        loss = objective.loss_of(report)
        if math.isfinite(loss) and (loss < best or objective.at != "best"):
            best = loss
            yield report


def safe_name(name: str) -> str:
    """A name that MLflow accepts. A changed name ends in a digest, so that different names stay different."""
    safe = re.sub(r"[^/\w.\- :]", "_", name)
    if posixpath.normpath(safe) != safe or safe.startswith(("/", "..")) or safe == ".":
        safe = safe.replace("/", "_").lstrip(".")
    if name and safe == name and len(name) <= MAX_NAME_LENGTH:
        return name
    return f"{safe[: MAX_NAME_LENGTH - 9]}-{_digest(name)}"


def _params(params: Mapping[str, Any]) -> dict[str, str]:
    return {safe_name(name): _cut(value_text(value), MAX_PARAM_LENGTH) for name, value in params.items() if value != ""}


def mlflow_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Those that have a value, in the length that MLflow stores."""
    return {name: _cut(value, MAX_TAG_LENGTH) for name, value in tags.items() if value}


def text_tags(texts: Mapping[str, str]) -> dict[str, str]:
    """The digest of each artifact."""
    return {text_tag(name): _digest(text) for name, text in texts.items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]


def _cut(text: str, longest: int) -> str:
    """At most `longest` characters. A shortened text ends in a digest, so that different texts stay different."""
    text = clean(text)
    end = f"… ({len(text):,} characters, SHA-256 {_digest(text)}…)"
    return text if len(text) <= longest else text[: longest - len(end)] + end


def clean(text: str) -> str:
    """The text in a form that UTF-8 and PostgreSQL accept: lone surrogates and NUL become escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _end(trial: Trial) -> int | None:
    if trial.state.is_active:
        return None
    return trial.ended_at or (trial.curve[-1].at if trial.curve else trial.proposed_at)


def _decision_line(decision: Decision) -> str:
    at = datetime.fromtimestamp(decision.at / 1000, UTC).isoformat(" ", "seconds")
    trial = "study" if decision.number is None else f"trial {decision.number}"
    epoch = "" if decision.step is None else f", epoch {decision.step}"
    return f"{at}  {trial}{epoch}  {decision.kind}: {decision.reason}\n"


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """{"space": {"lr": {"low": 1}}} -> ("space.lr.low", 1)"""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", value if isinstance(value, str | int | float) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
