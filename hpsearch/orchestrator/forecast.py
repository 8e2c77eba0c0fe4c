"""Estimates of a study's trials, epochs and duration, without running it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hpsearch.core.decisions import RESTARTS, New
from hpsearch.core.errors import NotFound
from hpsearch.core.history import History
from hpsearch.core.related import RelatedStudy
from hpsearch.core.time_left import Span
from hpsearch.core.trial import ASK_AND_TELL, State, Trial
from hpsearch.journal import Journal, StudyRecord, Summary
from hpsearch.orchestrator import build
from hpsearch.orchestrator.disk_forecast import DiskForecast, disk_forecast
from hpsearch.orchestrator.evidence import learned_studies
from hpsearch.orchestrator.held_study import history_of
from hpsearch.preflight.runner import PreflightRecord
from hpsearch.records import kept_rules
from hpsearch.records.evidence_record import related_of
from hpsearch.records.preflight_record import folder, kept
from hpsearch.records.study_status import time_left
from hpsearch.study import plan
from hpsearch.study.definition import Study
from hpsearch.study.feasible import Share, share
from hpsearch.study.file.search_sections import CoarseToFine, Recipe
from hpsearch.study.schedule import Rung

MAX_SHOWN = 5
"""Number of proposals that are shown."""


@dataclass(frozen=True)
class Forecast:
    """study: with the range of the range test, if there was one.

    trials, epochs: if nothing is pruned or stopped early; None if the number depends on the sampler. trials is also
    None if limits.epochs ends the study before all trials have started. rounds: empty if `trials` is None.
    first: the first proposals of the search, those that do not depend on results. following: as many after the
    recorded trials. recorded: None before the first run.
    seconds_per_epoch: as measured in the study or by its preflight; None if neither was run.
    time_left: estimated from the recorded trials; from seconds_per_epoch if these are too few.
    restarts: its trials have no checkpoints, so a continued trial trains again from epoch 1.
    cost, lr_range: the results of the preflight and of the range test.
    feasible: the share of the space that fulfils its constraints; None without constraints.
    disk: of its checkpoints; None if there are none: its trials cannot be continued, or hpsearch does not train them.
    """

    study: Study
    rounds: tuple[Rung, ...]
    trials: int | None
    epochs: int | None
    first: tuple[New, ...]
    recorded: Summary | None
    seconds_per_epoch: float | None
    time_left: Span | None
    cost: Mapping[str, Any] | None
    lr_range: str | None
    restarts: bool = False
    disk: DiskForecast | None = None
    feasible: Share | None = None
    following: tuple[New, ...] = ()

    @property
    def seconds(self) -> float | None:
        """Seconds of wall clock; for one worker if the number of workers is not known."""
        seconds = self.seconds_per_epoch
        if seconds is None or self.epochs is None:
            return None
        return self.epochs * seconds / (self.study.resources.workers or 1)

    @property
    def gpu_hours(self) -> float | None:
        seconds = self.seconds_per_epoch
        if seconds is None or self.epochs is None:
            return None
        return self.epochs * seconds * self.study.resources.per_trial.gpus / 3600

    def document(self) -> dict[str, Any]:
        done = self.recorded
        return {
            "study": self.study.study.name,
            "method": self.study.search.label,
            **self.study.search.auto_document(),
            "rounds": [{"trials": one.trials, "epochs": one.epochs, "continued": one.survivors} for one in self.rounds],
            "trials": self.trials,
            "epochs": self.epochs,
            "unit": self.study.trainer.word,
            "first": [dict(proposal.params) for proposal in self.first],
            "next": [dict(proposal.params) for proposal in self.following] if done else None,
            "seconds_per_epoch": self.seconds_per_epoch,
            "recorded": {"trials": sum(done.trials.values()), "epochs": done.epochs} if done else None,
            "seconds": self.seconds,
            "seconds_left": self.time_left and asdict(self.time_left),
            "gpu_hours": self.gpu_hours,
            "cost": self.cost,
            "lr_range": self.lr_range,
            "continues": not self.restarts,
            "disk": self.disk and self.disk.document(),
            "feasible": self.feasible and self.feasible.value,
        }


def forecast(study: Study) -> Forecast:
    """NotFound: a study of learn_from is not recorded."""
    study = kept_rules.of(study)
    recorded, measured, left, restarts, work = _known(study)
    cost = measured["preflight"]["cost"] if "preflight" in measured else None
    study = PreflightRecord(measured).narrowed(study)
    seconds = recorded.busy / recorded.epochs if recorded and recorded.epochs else cost and cost["seconds"]
    rounds, trials = tuple(plan.rounds(study, restarts)), plan.trials(study)
    disk = disk_forecast(study, rounds, trials, cost, work)
    is_open = plan.ends_by_epochs(study)
    new = History(study.objective, related=_related(study))
    return Forecast(
        study,
        rounds=() if is_open else rounds,
        trials=None if is_open else plan.proposals(study) or None,
        epochs=plan.limited_epochs(study, restarts) or None,
        first=tuple(_blind_proposals(study, new)),
        following=tuple(_following(study)) if recorded else (),
        recorded=recorded,
        seconds_per_epoch=seconds,
        time_left=left or _from_seconds_per_epoch(study, seconds, recorded.epochs if recorded else 0, restarts),
        cost=cost,
        lr_range=measured["lr_range"]["says"] if "lr_range" in measured else None,
        restarts=restarts,
        feasible=share(study.space) if study.space.constraints else None,
        disk=None if study.trainer.use == ASK_AND_TELL or (restarts and not disk.used) else disk,
    )


def _blind_proposals(study: Study, history: History) -> Iterator[New]:
    """The proposals that do not depend on results and follow these trials, at most MAX_SHOWN."""
    sampler, most = build.sampler(study), min(plan.blind_proposals(study), plan.proposals(study) or MAX_SHOWN)
    for _ in range(MAX_SHOWN):
        if history.of_search.counted >= most:
            return
        proposal = sampler.ask(history.of_search)
        if not isinstance(proposal, New):
            return
        yield proposal
        history.put(Trial(len(history), proposal.params, 0, proposal.until, State.RUNNING))


def _begins_rounds(study: Study, record: StudyRecord) -> bool:
    """Whether a search in rounds follows another method."""
    return isinstance(study.search, CoarseToFine | Recipe) and record.spec["search"]["method"] != study.search.method


def _following(study: Study) -> Iterator[New]:
    """The next proposals of a recorded study; none before a search in rounds that follows another method."""
    with Journal.open(study.journal_url, create=False) as journal:
        record = journal.find(study.study.name)
        assert record is not None, "it was found before"
        if _begins_rounds(study, record):
            return
        history = history_of(study, journal, record)
    yield from _blind_proposals(study, history)


def _related(study: Study) -> list[RelatedStudy]:
    """The studies in learn_from: as recorded with the study, else as they are now."""
    try:
        with Journal.open(study.journal_url, create=False) as journal:
            if (record := journal.find(study.study.name)) is not None:
                return related_of(journal.documents(record.id))
    except NotFound:
        pass
    return [one.study for one in learned_studies.read(study) if one.study.trials]


def _from_seconds_per_epoch(study: Study, seconds: float | None, trained: int, restarts: bool) -> Span | None:
    """The time for all remaining epochs, before trials have ended. seconds: per epoch. The lower end is 0 if trials may
    end early, since their number is not known."""
    if seconds is None or not (epochs := plan.limited_epochs(study, restarts)):
        return None
    most = max(0, epochs - trained) * seconds / (study.resources.workers or 1)
    return Span(0.0 if plan.workload(study).ends_early else most, most)


def _known(study: Study) -> tuple[Summary | None, dict[str, Any], Span | None, bool, Path | None]:
    """The recorded summary; the measurements before the first trial, by a run or `hpsearch preflight`; the time left,
    estimated from the trials so far; whether trials have no checkpoints; and the study's folder."""
    try:
        with Journal.open(study.journal_url, create=False) as journal:
            record = journal.find(study.study.name)
            if record is not None:
                documents = journal.documents(record.id) or kept(folder(study))
                restarts = journal.count(record.id, RESTARTS) > 0
                left, work = time_left(journal, record, study), build.work_folder(study, record.uid)
                summary = journal.summary(record.id)
                if _begins_rounds(study, record) and summary.epochs:  # all rounds are still to be trained
                    each = summary.busy / summary.epochs
                    left = _from_seconds_per_epoch(study, each, 0, restarts)
                return summary, documents, left, restarts, work
    except NotFound:
        pass
    return None, kept(folder(study)), None, False, None
