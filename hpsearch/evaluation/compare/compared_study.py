"""A recorded study that is compared with others: its results, its cost, and the noise of its values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, cast

from hpsearch.core.format import many
from hpsearch.core.history import BestTrial, History
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import Objective, Trial
from hpsearch.evaluation.candidates import SINGLE
from hpsearch.evaluation.evaluation_result import Evaluation
from hpsearch.evaluation.finalists import Finalist, best_distinct, ranked
from hpsearch.evaluation.noise import Noise, NoiseEstimate, repeated, within
from hpsearch.evaluation.test_set_ledger import last_result
from hpsearch.journal import Journal, StudyRecord, TrainingSegment
from hpsearch.provenance import data_hashes
from hpsearch.provenance.environment import comparable
from hpsearch.records.find import JournalStudy, evaluation_name
from hpsearch.records.study_status import StudyStatus, study_status
from hpsearch.study.space import Space


@dataclass(frozen=True)
class ComparedStudy:
    """label: its name in the comparison. status: as in `hpsearch status`. again: the ended trainings of its finalists
    with fresh seeds. evaluation: the last recorded one."""

    label: str
    record: StudyRecord
    status: StudyStatus
    seconds: float
    trials: Sequence[Trial]
    segments: Sequence[TrainingSegment]
    again: Sequence[Trial]
    evaluation: Evaluation | None

    @classmethod
    def read(cls, journal: Journal, study: JournalStudy) -> "ComparedStudy":
        record = study.record
        trainings = journal.find(evaluation_name(record))
        again = journal.trials(trainings.id) if trainings else []
        return cls(
            label=record.name,
            record=record,
            status=study_status(journal, record),
            seconds=journal.spent(record.id),
            trials=journal.trials(record.id),
            segments=journal.segments(record.id),
            again=[trial for trial in again if not trial.state.is_active],
            evaluation=last_result(journal, record.id),
        )

    @property
    def objective(self) -> Objective:
        return JournalStudy(self.record).objective

    @property
    def space(self) -> Space:
        return JournalStudy(self.record).space

    @property
    def replicates(self) -> Replicates:
        return JournalStudy(self.record).replicates

    @property
    def epochs(self) -> int:
        return sum(trial.epoch for trial in self.trials)

    @cached_property
    def history(self) -> History:
        return History(self.objective, self.trials)

    @cached_property
    def best(self) -> Trial | None:
        return self.history.best()

    @cached_property
    def finalist(self) -> Finalist | None:
        """The best finalist over fresh seeds."""
        chosen = best_distinct(self.trials, self.objective, len(self.trials))
        return next(iter(ranked(chosen, self.again, self.objective)), None)

    @property
    def data(self) -> dict[str, set[str]]:
        """Name -> the first digits of the SHA-256 of all data that its trials were trained on (run.uses)."""
        found = data_hashes.by_name(one.data for one in self.segments)
        return {name: {digest[:12] for digest in digests} for name, digests in found.items()}

    @property
    def environment(self) -> dict[str, Any] | None:
        """The environment of its best trial, as a tree; None if it is not recorded.

        The data (see `data`) and untracked files are left out: the trainer's own untracked files are among its sources.
        """
        own = [one for one in self.segments if self.best is None or one.number == self.best.number]
        if not own:
            return None
        tree = comparable(own[-1].environment.document, {})
        for repository in tree["repository"].values():
            repository.pop("untracked", None)
        return tree

    @cached_property
    def noise(self) -> NoiseEstimate | None:
        """How much a trial's value changes with its seed."""
        return self._of_replicates() or self._of_repeats()

    def _of_replicates(self) -> NoiseEstimate | None:
        """From the standard error that was reported with the best value."""
        judged = self.objective.judged(self.best) if self.best else None
        error = judged.metrics.get(f"{self.objective.metric}_se") if judged else None
        if not error or len(self.replicates) < 2:
            return None
        freedom = (self.replicates.folds or self.replicates.repeats) - 1
        return NoiseEstimate(Noise(error, freedom), "training", f"the standard error over {self.replicates}")

    def _of_repeats(self) -> NoiseEstimate | None:
        groups = [*repeated(self.trials, self.objective), *repeated(self.again, self.objective)]
        noise = within(groups)
        same = "the same parameters" if len(groups) == 1 else f"{len(groups)} sets of parameters"
        source = f"{many(sum(map(len, groups)), 'training')} of {same}"
        return None if noise is None else NoiseEstimate(noise, "training", source)

    def document(self) -> dict[str, Any]:
        noise = self.noise
        return {
            "label": self.label,
            "study": self.record.name,
            "state": self.status.state,
            "method": _method(self.record.spec["search"]),
            "prune": _method(self.record.identity["prune"]),
            "metric": self.objective.metric,
            "goal": self.objective.goal,
            "at": self.objective.at,
            "seed": self.record.spec["study"]["seed"],
            "forked_from": self.record.forked_from,
            "trials": self.status.trials,
            "epochs_trained": self.epochs,
            "unit": self.objective.unit,
            "wall_seconds": round(self.seconds, 3),
            "busy_seconds": self.status.busy_seconds,
            "best": (best := BestTrial.of(self.history)) and asdict(best),
            "noise": noise and {"sd": noise.noise.sd, "freedom": noise.noise.freedom, "from": noise.source},
            "fresh_seeds": self._fresh_seeds(),
            "test": self._test(),
        }

    def _fresh_seeds(self) -> dict[str, Any] | None:
        if self.finalist is None:
            return None
        spread = self.finalist.spread
        seeds = {"trial": self.finalist.trial.number, "seeds": len(spread.values)}
        return {**seeds, "mean": spread.mean, "sd": spread.sd, "margin": spread.margin, "lost": spread.lost}

    def _test(self) -> dict[str, Any] | None:
        """One model of the winner, and the candidate that is best on validation (chosen), such as an ensemble."""
        test = self.evaluation and self.evaluation.test
        if not test:
            return None
        rows = {one.name: {"mean": one.mean, "sd": one.sd, "margin": one.margin} for one in test.contenders}
        chosen = {"name": test.best_on_validation, **rows[test.best_on_validation]}
        return {"metric": test.metric, "single": rows[SINGLE], "chosen": chosen}


def _method(section: Mapping[str, Any]) -> str | None:
    """The name of a method; for a user's own method, its class."""
    return cast("str | None", section.get("use", section.get("method")))
