"""A fork: what a new study takes over from its origin, the study that it is forked from.

Trials that the new study would train in the same way are copied into it, with their checkpoints: in a grid search, and
if the new study trains them longer. Other trials are evidence for its sampler.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import RESTARTS, Decision
from hpsearch.core.format import many
from hpsearch.core.trial import State, Trial
from hpsearch.journal import Batch, Journal, Lease, StudyRecord
from hpsearch.orchestrator import build
from hpsearch.orchestrator.changes.changed_file import file_changes
from hpsearch.orchestrator.changes.extension import ExtendRequest, Record, extension, is_finished
from hpsearch.records.trainer_code import TrainerCode
from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import CoarseToFine, Grid, Recipe
from hpsearch.workers.checkpoints import CheckpointStore

FORK = "fork"
"""The kind of the journal's document. "adopted": the numbers of the copied trials in the origin. "known": whether its
other trials need not be trained again. "drawn_before": see `History.drawn_before`."""


def take_over(study: Study, journal: Journal, record: StudyRecord, lease: Lease, note: Callable[[str], None]) -> None:
    """Copy trials into a study that has none yet. After an interruption it can be called again."""
    origin = journal.find(record.forked_from) if record.forked_from else None
    if origin is None or journal.trials(record.id):
        return
    if (plan := journal.documents(record.id).get(FORK)) is None:
        plan = _plan(study, journal, origin)
        journal.put_document(lease, FORK, plan, at=now_ms())
    if plan["adopted"]:
        _copy(study, journal, record, lease, origin, plan["adopted"])
        note(f'note: {many(len(plan["adopted"]), "trial")} of study "{origin.name}" copied')


def _plan(study: Study, journal: Journal, origin: StudyRecord) -> dict[str, Any]:
    trials = journal.trials(origin.id)
    before = journal.documents(origin.id).get(FORK, {})
    code = TrainerCode.recorded(journal, origin)
    same_code = code is not None and not TrainerCode.of(study).changes_since(code)
    is_longer = study.trainer.epochs > origin.spec["trainer"]["epochs"]
    unchanged = not file_changes(study, origin.identity, origin.spec, trials).refused
    continues = same_code and unchanged and not isinstance(study.search, CoarseToFine | Recipe)
    adopted: list[int] = []
    if continues and (is_longer or isinstance(study.search, Grid)):
        replaced = {trial.replaces for trial in trials}
        kept = (State.COMPLETE, State.PRUNED, State.INFEASIBLE)
        adopted = [t.number for t in trials if t.state in kept and not t.superseded and t.number not in replaced]
    drawn = int(before.get("drawn_before", 0)) + (0 if adopted else sum(not trial.superseded for trial in trials))
    same_trainer = {**origin.identity["trainer"], "epochs": 0} == {**study.identity()["trainer"], "epochs": 0}
    return {
        "adopted": adopted,
        "known": same_code and same_trainer and not is_longer and not adopted,
        "drawn_before": drawn if study.study.seed == origin.identity["study"].get("seed") else 0,
    }


def _copy(
    study: Study, journal: Journal, record: StudyRecord, lease: Lease, origin: StudyRecord, numbers: Sequence[int]
) -> None:
    places = {number: place for place, number in enumerate(numbers)}
    whole = journal.trials(origin.id)
    order = {number: place for place, number in enumerate(sorted(numbers, key=lambda n: whole[n].ended), 1)}
    trials = [_renumbered(whole[number], origin.name, places, order) for number in numbers]
    work, uid = build.work_folder(study, record.uid), record.uid
    old_work = build.work_folder(study.renamed(origin.name), origin.uid)
    for number, place in places.items():
        CheckpointStore.of(work, uid, place).copy_from(CheckpointStore.of(old_work, origin.uid, number))
    restarts = journal.count(origin.id, RESTARTS) > 0
    now = Record(origin.spec, trials, restarts, work, uid)
    decisions = [Decision("fork", one.origin, one.number, one.epoch, now_ms()) for one in trials]
    if any(is_finished(trial) and trial.epoch < study.trainer.epochs for trial in trials):
        longer = extension(study, now, ExtendRequest(from_scratch=True))
        changed: Mapping[int, Trial] = {trial.number: trial for trial in longer.trials}
        trials = [changed.get(trial.number, trial) for trial in trials]
        trials += [trial for trial in longer.trials if trial.number >= len(trials)]
        decisions += longer.decisions
    segments = [replace(one, number=places[one.number]) for one in journal.segments(origin.id) if one.number in places]
    reports = [(trial.number, report) for trial in trials for report in trial.curve]
    with closing(journal.writer(lease, study.objective)) as writer:
        writer.write(Batch(trials, reports, decisions, segments=segments))


def _renumbered(trial: Trial, study: str, places: Mapping[int, int], order: Mapping[int, int]) -> Trial:
    """A copy in the new study. places: its number there. order: the rank of each copied trial by the time it ended."""
    before = sum(place <= trial.ended_before for place in order.values())
    origin = f'trial {trial.number} of study "{study}"'
    new = replace(trial, number=places[trial.number], ended=order[trial.number], ended_before=before, replaces=None)
    return replace(new, origin=f"{origin}: {trial.origin}" if trial.origin else origin)
