"""Values of the journal, and their conversion to rows of its tables and back, without any loss."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

from hpsearch.core.decisions import Decision
from hpsearch.core.history import BestTrial
from hpsearch.core.redact import masked
from hpsearch.core.trial import Cause, Numbers, Objective, Report, State, Trial
from hpsearch.study.recorded_rules import add_former_rules


@dataclass(frozen=True)
class StudyRecord:
    """spec: the study file of the last run. identity: the part of it that may not change without a new name.

    cause, cause_numbers: why it is COMPLETE or STOPPED; None while it is neither.
    """

    id: int
    uid: str
    name: str
    spec: Mapping[str, Any]
    identity: Mapping[str, Any]
    state: str
    forked_from: str | None
    created_at: int
    hpsearch_version: str
    cause: Cause | None = None
    cause_numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """The progress of a study.

    trials: the number of trials in each state. epochs, busy: epochs and seconds of training, of all trials. best: None
    while no trial has a result. unmet: the number of trials that do not meet the study's requirements.
    """

    trials: Mapping[State, int]
    epochs: int
    busy: float
    best: BestTrial | None
    unmet: int = 0

    @classmethod
    def of(cls, counts: Iterable[Sequence[Any]], best: Sequence[Any] | None) -> Self:
        """counts: rows of state, number of trials, epochs, seconds, number of those with a value and no loss.
        best: the stored number, value, best_epoch, params and state of the best trial."""
        rows = [(State(state), int(many), *rest) for state, many, *rest in counts]
        number, value, epoch, params, state = best or (0, 0.0, 0, "{}", "")
        found = BestTrial(number, value, epoch, json.loads(params), state == State.FAILED) if best else None
        states = dict.fromkeys(State, 0) | {state: many for state, many, *_ in rows}
        epochs, busy, unmet = (sum(column) for column in list(zip(*rows, strict=True))[2:] or [(), (), ()])
        return cls(states, int(epochs), float(busy), found, int(unmet))


@dataclass(frozen=True)
class Environment:
    """The environment of a worker (`provenance.environment.of_worker`). digest: SHA-256 of its text."""

    document: Mapping[str, Any]

    @cached_property
    def text(self) -> str:
        return json.dumps(self.document, sort_keys=True)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class TrainingSegment:
    """Environment and data of a trial from the epoch after `after` on, until its next segment.

    data: name -> SHA-256, from the trainer's calls of `Run.uses`.
    """

    number: int
    after: int
    environment: Environment
    data: Mapping[str, str]


@dataclass(frozen=True)
class Changes:
    """What was written after one revision and up to `revision`, where the next call begins.

    trials: those that changed or reported, without curves, in their current state. That may be newer than these
    reports; such a trial is returned again with its last report.
    """

    revision: int
    trials: tuple[Trial, ...]
    reports: tuple[tuple[int, Report], ...]
    decisions: tuple[Decision, ...]
    study_state: str


# Rows ───────────────────────────────────────────────────────────────────────────────────────────


TRIAL = tuple(own.name for own in fields(Trial) if own.name != "curve")
"""The columns that a trial is read from; the others are computed from its curve."""


def trial_row(trial: Trial) -> dict[str, Any]:
    row = {name: getattr(trial, name) for name in TRIAL}
    row["params"] = json.dumps(dict(trial.params))
    row["state"] = trial.state.value
    row["cause"] = trial.cause and trial.cause.value
    row["cause_numbers"] = json.dumps(dict(trial.cause_numbers))
    row["superseded"], row["reads_epochs"] = int(trial.superseded), int(trial.reads_epochs)
    for name in ("reason", "origin", "error", "exception"):
        row[name] = recordable(row[name])
    row["epoch"] = trial.epoch
    return row


def trial_of(row: Iterable[Any], curve: tuple[Report, ...] = ()) -> Trial:
    """From the columns `TRIAL`, in their order."""
    values = dict(zip(TRIAL, row, strict=True))
    values.update(params=json.loads(values["params"]), state=State(values["state"]), curve=curve)
    values.update(cause=cause_of(values["cause"]), cause_numbers=json.loads(values["cause_numbers"]))
    values["superseded"], values["reads_epochs"] = bool(values["superseded"]), bool(values["reads_epochs"])
    values["exception"] = values["exception"] or ""  # NULL up to version 0004
    return Trial(**values)


def cause_of(recorded: str | None) -> Cause | None:
    return None if recorded is None else Cause(recorded)


def study_of(spec: str, identity: str, cause: str | None, cause_numbers: str, **rest: Any) -> StudyRecord:
    """From the columns of its row."""
    ended = {"cause": cause_of(cause), "cause_numbers": json.loads(cause_numbers)}
    return StudyRecord(spec=_study_document(spec), identity=_study_document(identity), **ended, **rest)


def _study_document(text: str) -> dict[str, Any]:
    """A stored spec or identity. Keys that an earlier version did not have get its rule: trials have different seeds,
    and halving stops trials. For rules of the space see `add_former_rules`."""
    document: dict[str, Any] = json.loads(text)
    add_former_rules(document)
    document.get("study", {}).setdefault("trial_seeds", "different")
    if (prune := document.get("prune", {})).get("method") in ("halving", "hyperband"):
        prune.setdefault("promote", False)
    return document


def report_row(number: int, report: Report) -> dict[str, Any]:
    return {"number": number, "step": report.step, "metrics": json.dumps(dict(report.metrics)), "at": report.at}


def report_of(step: int, metrics: str, at: int) -> Report:
    return Report(step, json.loads(metrics), at)


def decision_row(place: int, decision: Decision) -> dict[str, Any]:
    return {
        "place": place,
        "number": decision.number,
        "step": decision.step,
        "kind": decision.kind,
        "reason": recordable(decision.reason),
        "at": decision.at,
    }


def segment_rows(study_id: int, segments: Sequence[TrainingSegment]) -> dict[str, list[dict[str, Any]]]:
    """Rows of the two tables, environments first, without duplicates."""
    found = {one.environment.digest: one.environment.text for one in segments}
    return {
        "environments": [{"study_id": study_id, "digest": digest, "document": text} for digest, text in found.items()],
        "segments": [
            {
                "study_id": study_id,
                "number": one.number,
                "after": one.after,
                "environment": one.environment.digest,
                "data": json.dumps(dict(one.data)),
            }
            for one in segments
        ],
    }


def recordable(text: str) -> str:
    """As `storable`, without secrets."""
    return storable(masked(text)) if text else ""


def storable(text: str) -> str:
    """The text in a form that every database accepts: NUL and lone surrogates become escapes."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def drops_failed(spec: str | None) -> bool:
    """Whether a study has `failed = "drop"`. spec: as stored; None: there is no study."""
    about = json.loads(spec or "{}").get("study", {})
    return bool(about.get("failed") == "drop")


@dataclass
class Judge:
    """Computes the value of a trial from its new reports, without the whole curve."""

    objective: Objective
    _best: dict[int, tuple[int, tuple[Report, ...]]] = field(default_factory=dict)

    def judge(self, trial: Trial) -> dict[str, Any]:
        """The columns value, loss and best_epoch."""
        known, best = self._best.get(trial.number, (0, ()))
        short = replace(trial, curve=(*best, *trial.curve[known:]))
        report = self.objective.judged(short)
        self._best[trial.number] = (len(trial.curve), self.objective.deciding(short.curve))
        value = self.objective.value(short)
        if report is None or value is None:
            return {"value": None, "loss": None, "best_epoch": None}
        loss = value * self.objective.sign if self.objective.fits(trial.curve, report) else None
        return {"value": value, "loss": loss, "best_epoch": report.step}
