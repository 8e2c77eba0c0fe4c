"""The export of a recorded study, as a JSON document or a table."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import BadInput
from hpsearch.core.format import finite, value_text
from hpsearch.core.front import front
from hpsearch.core.trial import Objective, Trial, Value
from hpsearch.journal import Journal, StudyRecord, TrainingSegment
from hpsearch.provenance import environment
from hpsearch.records.evidence_record import EVIDENCE, evidence_of
from hpsearch.records.find import JournalStudy
from hpsearch.records.study_place import TRAINER_CODE

COLUMNS = ("number", "round", "state", "cause", "value", "best_epoch", "attempts", "seed", "superseded")
"""The columns of a table that describe the trial."""


@dataclass(frozen=True)
class StudyExport:
    """documents: the journal's, by kind."""

    record: StudyRecord
    objective: Objective
    trials: Sequence[Trial]
    decisions: Sequence[Decision]
    documents: Mapping[str, Any]
    segments: Sequence[TrainingSegment]

    def document(self) -> dict[str, Any]:
        record = self.record
        return {
            "study": {
                "name": record.name,
                "uid": record.uid,
                "state": record.state,
                "cause": record.cause and str(record.cause),
                "cause_numbers": dict(record.cause_numbers),
                "metric": self.objective.metric,
                "goal": self.objective.goal,
                **self._front(),
                "forked_from": record.forked_from,
                "created_at": record.created_at,
                "hpsearch_version": record.hpsearch_version,
                "spec": dict(record.spec),
            },
            "trials": [trial_document(trial, self.objective) for trial in self.trials],
            "decisions": [
                {"trial": one.number, "step": one.step, "kind": one.kind, "reason": one.reason, "at": one.at}
                for one in self.decisions
            ],
            "evidence": list(evidence_of(self.documents)),
            "measured": {k: one for k, one in self.documents.items() if k not in (TRAINER_CODE, EVIDENCE)},
            **where(self.segments),
        }

    def _front(self) -> dict[str, Any]:
        """For a study with several goals: the goals, and the numbers of the trials on the Pareto front."""
        if not self.objective.others:
            return {}
        goals = [asdict(one) for one in self.objective.goals]
        return {"objectives": goals, "front": [one.trial for one in front(self.trials, self.objective)]}

    def csv(self) -> str:
        table, out = self._rows(), io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(table[0]) if table else ["number"], lineterminator="\n")
        writer.writerow({name: _without_formula(name) for name in writer.fieldnames})
        writer.writerows({name: _without_formula(value) for name, value in row.items()} for row in table)
        return out.getvalue().rstrip("\n")

    def requirements(self) -> str:
        """The distributions of the last trained trial, as a requirements file for pip. BadInput: none are recorded."""
        last = self.segments[-1].environment.document if self.segments else {"code": {}}
        if "distributions" not in last["code"]:
            raise BadInput(
                f'the distributions that study "{self.record.name}" was trained with are not recorded: no trial has '
                "been trained, or an older hpsearch trained them"
            )
        about, locks = last["environment"], last["code"]["locks"]
        lines = [f'# study "{self.record.name}", Python {about["python"]}, {about["platform"]}']
        lines += [f"# beside the study: {name}, SHA-256 {digest}" for name, digest in locks.items()]
        return "\n".join([*lines, *environment.requirements(last["code"]["distributions"])])

    def write_parquet(self, path: Path) -> None:
        """The same rows as `csv`. A parameter with values of several types becomes text."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = self._rows()
        names = list(table[0]) if table else []
        pq.write_table(pa.table({name: _column([row[name] for row in table]) for name in names}), path)

    def _rows(self) -> list[dict[str, Any]]:
        """One row for every report, with the columns of its trial; for a trial without reports, one row without a step.

        A metric with the name of one of the trial's columns becomes `metrics.NAME`.
        """
        params = dict.fromkeys(name for trial in self.trials for name in trial.params)
        metrics = dict.fromkeys(name for trial in self.trials for report in trial.curve for name in report.metrics)
        table = []
        on_front = {one.trial for one in front(self.trials, self.objective)}
        for trial in self.trials:
            document = trial_document(trial, self.objective)
            own = {name: document[name] for name in COLUMNS} | {
                **({"on_front": trial.number in on_front} if self.objective.others else {}),
                "cause_numbers": json.dumps(document["cause_numbers"]),
                **{f"params.{name}": _cell(trial.params.get(name)) for name in params},
            }
            for report in trial.curve or (None,):
                row = own | {"step": report.step if report else None}
                values = {name: report.metrics.get(name) if report else None for name in metrics}
                table.append(
                    row | {f"metrics.{name}" if name in row else name: value for name, value in values.items()}
                )
        return table


def _without_formula(value: Any) -> Any:
    """Prefix a text that a spreadsheet would read as a formula with ', as OWASP advises ("CSV Injection")."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def export(journal: Journal, study: JournalStudy) -> StudyExport:
    own = study.record.id
    return StudyExport(
        study.record,
        study.objective,
        journal.trials(own),
        journal.decisions(own),
        journal.documents(own),
        journal.segments(own),
    )


def where(segments: Iterable[TrainingSegment]) -> dict[str, Any]:
    """trained: the trial, the epoch after which the segment begins, the digest of its environment, its data.
    environments: by digest."""
    trained, environments = [], {}
    for one in segments:
        digest = one.environment.digest
        trained.append({"trial": one.number, "after": one.after, "environment": digest, "data": dict(one.data)})
        environments[digest] = one.environment.document
    return {"trained": trained, "environments": environments}


def trial_document(trial: Trial, objective: Objective) -> dict[str, Any]:
    judged = objective.judged(trial)
    value = objective.value(trial)
    return {
        "number": trial.number,
        "round": trial.round,
        "state": str(trial.state),
        "reason": trial.reason,
        "cause": trial.cause and str(trial.cause),
        "cause_numbers": dict(trial.cause_numbers),
        "origin": trial.origin,
        "seed": trial.seed,
        "params": dict(trial.params),
        "value": value,
        "best_epoch": judged.step if judged is not None and value is not None else None,
        "attempts": trial.attempts,
        "superseded": trial.superseded,
        **({"values": objective.values(trial)} if objective.others else {}),
        **({"unmet": [one.document() for one in objective.unmet(trial)]} if objective.require else {}),
        "seconds": round(trial.busy, 6),
        "error": trial.error or None,
        "curve": [finite(report.metrics) | {"step": report.step} for report in trial.curve],
    }


def _cell(value: Value) -> Value:
    """A list or table as JSON; other values unchanged."""
    return value_text(value) if isinstance(value, list | dict) else value


def _column(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 or kinds <= {int, float}:
        return [float(value) if kinds == {int, float} and value is not None else value for value in values]
    return [None if value is None else str(value) for value in values]
