"""A recorded study whose lease this run holds: reopened, or recorded for the first time."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import RESTARTS, Over
from hpsearch.core.errors import BadInput, NotFound, StudyBusy, StudyChanged
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.journal import Batch, Journal, Lease, Spool, StudyRecord, recover
from hpsearch.orchestrator import build
from hpsearch.orchestrator.changes import fork
from hpsearch.orchestrator.changes.changed_file import BeforeRounds, file_changes
from hpsearch.orchestrator.changes.code_changes import CodeChanges
from hpsearch.orchestrator.changes.extension import ExtendRequest, Record, extension
from hpsearch.orchestrator.evidence import earlier_evidence
from hpsearch.orchestrator.own import own_methods
from hpsearch.orchestrator.rules import study_limit_reached
from hpsearch.records import kept_rules
from hpsearch.records.evidence_record import related_of
from hpsearch.records.study_place import TRAINER_CODE
from hpsearch.records.trainer_code import TrainerCode
from hpsearch.study.definition import Study, objective_of


@dataclass(frozen=True)
class HeldStudy:
    """study: as in its file, with the budgets of earlier runs."""

    study: Study
    journal: Journal
    record: StudyRecord
    lease: Lease

    @property
    def folder(self) -> Path:
        return build.work_folder(self.study, self.record.uid)

    @property
    def spool(self) -> Spool:
        return Spool(self.folder / "spool.jsonl")

    @property
    def is_over(self) -> bool:
        """Whether it is recorded that the search is over, with no decision on a trial after that."""
        decisions = reversed(self.journal.decisions(self.record.id))
        return next((one.kind for one in decisions if one.number is not None or one.kind == "over"), "") == "over"

    def has_ended(self, over: Over) -> bool:
        """Whether this end is recorded already, and no decision on a trial since.

        An end with other numbers, such as a larger budget, is another end. A study that ended before journal 0005, or
        whose run was killed at its end, has no numbers; its last end is then taken to be this one.
        """
        known = self.record.cause_numbers if self.record.state == "COMPLETE" else {}
        return self.is_over and (not known or (self.record.cause, known) == (over.cause, over.numbers))

    def delete(self) -> None:
        """Delete the study, which has no reports, and its folder."""
        self.journal.delete_study(self.lease)
        shutil.rmtree(self.folder, ignore_errors=True)

    def put_documents(self, documents: Mapping[str, Any]) -> None:
        for kind, document in documents.items():
            self.journal.put_document(self.lease, kind, document, at=now_ms())

    def evidence(self) -> list[earlier_evidence.Source]:
        return earlier_evidence.sources(self.study, self.journal, self.record)

    def history(self, evidence: Sequence[earlier_evidence.Source] | None = None) -> History:
        return history_of(self.study, self.journal, self.record, evidence)


def history_of(
    study: Study, journal: Journal, record: StudyRecord, evidence: Sequence[earlier_evidence.Source] | None = None
) -> History:
    """All trials so far, and the evidence for the sampler; None: as recorded."""
    documents = journal.documents(record.id)
    taken = documents.get(fork.FORK, {})
    sources = earlier_evidence.sources(study, journal, record) if evidence is None else evidence
    known = [trial for source in sources for trial in source.trials if not source.about]
    return History(
        study.objective,
        journal.trials(record.id),
        earlier_evidence.for_sampler(sources, study.objective),
        uncounted=study.limits.infeasible,
        restarts=journal.count(record.id, RESTARTS) > 0,
        known=known if taken.get("known") else (),
        drawn_before=int(taken.get("drawn_before", 0)),
        related=related_of(documents),
        before_rounds=BeforeRounds.recorded(study, documents).trials,
    )


def reopen(
    study: Study,
    origin: str | None,
    stack: ExitStack,
    note: Callable[[str], None],
    *,
    shared: bool = False,
    accept_changes: bool = False,
    longer: ExtendRequest | None = None,
) -> HeldStudy | None:
    """The study in its recorded state, held until `stack` is closed; None if this is its first run, also after changes
    of its file where all trials have failed before their first report.

    longer: a request to train finished trials longer. shared: by several callers, see `Journal.acquire`.
    accept_changes: of the trainer's code, see `run_study`.
    origin: the study that it is forked from. StudyChanged, StudyBusy; BadInput and NotFound for an impossible fork.
    """
    try:
        journal = stack.enter_context(Journal.open(study.journal_url, create=False))
    except NotFound:
        if origin:
            raise _no_origin(origin) from None
        return None
    name = study.study.name
    record = journal.find(name)
    if origin is not None:
        _check_origin(origin, name, journal, record)
    if record is None:
        return None
    in_its_file, study = study, kept_rules.with_extension(study.with_recorded_rules(record.spec), journal, record, note)
    identity = _with_corrected_metric(journal, record, study)
    sources = journal.documents(record.id).get(own_methods.SOURCES)
    trials = journal.trials(record.id)
    in_file = file_changes(study, identity, record.spec, trials, longer is not None)
    changed = [*in_file.refused, *own_methods.changed_sources(sources or {}, own_methods.sources(study))]
    if changed and _has_only_failed(trials) and _is_deleted(study, journal, record):
        count = many(len(trials), "trial")
        note(f"note: the study starts anew with the changed file: its {count} had failed before the first report")
        return None
    _refuse(name, changed)
    code = CodeChanges.of(study, journal, record)
    if not accept_changes:
        code.refuse(name)
    lease = stack.enter_context(journal.held(record, shared=shared))
    held = HeldStudy(study.with_recorded(record.spec), journal, record, lease)
    if recovered := recover(journal, lease, study.objective, held.spool):
        note(recovered)
    in_file.accept(journal, lease, held.study, note)
    if kept := kept_rules.note_of(in_its_file, held.study):
        note(kept)
    fork.take_over(held.study, journal, record, lease, note)
    if not code.changes:  # after a change of the code all trials are superseded
        _train_longer(held, longer, note)
    _record_changes(held, identity)
    code.accept(journal, lease, held.study, note)
    if sources is None:  # the last run was killed at its start
        _put_sources(held)
    return held


def _has_only_failed(trials: Sequence[Trial]) -> bool:
    """Whether there are trials, and all have FAILED before their first report."""
    return bool(trials) and all(one.state is State.FAILED and not one.curve for one in trials)


def _is_deleted(study: Study, journal: Journal, record: StudyRecord) -> bool:
    """Delete the study, unless another program has trained a trial since."""
    with journal.held(record) as lease:
        failed = HeldStudy(study, journal, record, lease)
        recover(journal, lease, study.objective, failed.spool)
        if only_failed := _has_only_failed(journal.trials(record.id)):
            failed.delete()
        return only_failed


def _no_origin(origin: str) -> NotFound:
    return NotFound(f'no study "{origin}" is recorded, so there is nothing to fork')


def _check_origin(origin: str, name: str, journal: Journal, record: StudyRecord | None) -> None:
    if origin == name:
        raise BadInput(f'a fork needs a new name, got "{origin}", the name of its origin')
    if record is not None and record.forked_from != origin:
        raise BadInput(f'study "{name}" already exists and is not a fork of "{origin}": choose another name')
    if journal.find(origin) is None:
        raise _no_origin(origin)


def _refuse(name: str, changed: Sequence[str]) -> None:
    """StudyChanged if there are changes."""
    if changed:
        raise StudyChanged(
            f'study "{name}" is recorded with different settings:\n  ' + "\n  ".join(changed) + "\n"
            "undo the changes to continue it, or run with --fork NEW_NAME (in Python: fork=NEW_NAME) to start a new "
            "study that learns from this one"
        )


def _train_longer(held: HeldStudy, longer: ExtendRequest | None, note: Callable[[str], None]) -> None:
    """Written before the changed study file is recorded: if the run is killed in between, the next one does both."""
    if longer is not None:
        _check_limits(held)
    trials = held.journal.trials(held.record.id)
    restarts = held.journal.count(held.record.id, RESTARTS) > 0
    first = BeforeRounds.recorded(held.study, held.journal.documents(held.record.id)).trials
    record = Record(held.record.spec, trials, restarts, held.folder, held.record.uid, first)
    found = extension(held.study, record, longer)
    if found.trials:
        with closing(held.journal.writer(held.lease, held.study.objective)) as writer:
            writer.write(Batch(found.trials, (), found.decisions))
    if found.note:
        note(found.note)


def _check_limits(held: HeldStudy) -> None:
    """StudyChanged if a limit of the study is used up, so that a request to train longer would train nothing."""
    spent = held.journal.spent(held.record.id)
    if reached := study_limit_reached(build.rules(held.study), held.history(), spent):
        raise StudyChanged(f"{reached.reason}, so no trial can train longer: change this in the study file first")


def _with_corrected_metric(journal: Journal, record: StudyRecord, study: Study) -> dict[str, Any]:
    """The recorded identity. If no trial has a result by the recorded metric and requirements, with those of the file:
    the name was wrong, or the requirements too strict, and no best trial is changed by it."""
    identity, about = dict(record.identity), record.identity["study"]
    now = study.identity()["study"]
    new = {key: now[key] for key in ("metric", "require") if key in now}
    if new == {key: about[key] for key in ("metric", "require") if key in about}:
        return identity
    recorded = replace(objective_of(about, record.spec["trainer"]), failed="keep")
    if any(recorded.counts(trial) for trial in journal.trials(record.id)):
        return identity
    rest = {key: value for key, value in about.items() if key not in ("metric", "require")}
    return {**identity, "study": {**rest, **new}}


def _record_changes(held: HeldStudy, identity: Mapping[str, Any]) -> None:
    """Record the changed study file. identity: see `_with_corrected_metric`. If it has changed, the trials are written
    with their new values first: if the run is killed in between, the next one does both."""
    if identity != held.record.identity:
        with closing(held.journal.writer(held.lease, held.study.objective)) as writer:
            writer.write(Batch(trials=tuple(held.journal.trials(held.record.id))))
    held.journal.update_spec(held.lease, held.study.spec(), held.study.identity())


def record_new(
    study: Study, code: TrainerCode, origin: str | None, uid: str, stack: ExitStack, *, shared: bool = False
) -> HeldStudy:
    """Record a new study. code: of its trainer, before it was imported. StudyBusy if another process has recorded it
    first."""
    journal = stack.enter_context(Journal.open(study.journal_url))
    at = now_ms()
    record = journal.create(study.study.name, study.spec(), study.identity(), at=at, forked_from=origin, uid=uid)
    if record.uid != uid:
        raise StudyBusy(f'study "{record.name}" has just been started by another process')
    held = HeldStudy(study, journal, record, stack.enter_context(journal.held(record, shared=shared)))
    _put_sources(held)
    held.put_documents({TRAINER_CODE: TrainerCode.of(study).imported_after(code).document()})
    return held


def _put_sources(held: HeldStudy) -> None:
    if sources := own_methods.sources(held.study):
        held.put_documents({own_methods.SOURCES: sources})
