"""A recorded study as one side of a comparison: what it came to, at what cost, and what is known of its noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpsearch.cli.readers import standing
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import Objective, Trial
from hpsearch.evaluation import finalists
from hpsearch.evaluation.candidates import SINGLE
from hpsearch.evaluation.noise import Noise, repeated, within
from hpsearch.evaluation.test_set_ledger import evaluation_name, last_result
from hpsearch.journal import Journal, StudyRecord, TrainingSegment
from hpsearch.orchestrator.outcome import best_document
from hpsearch.provenance.environment import comparable, hashes
from hpsearch.records.find import RecordedStudy


@dataclass(frozen=True)
class Side:
    """label: what it is called beside the others. stands: as `hpsearch status` has it. again: the trainings of its
    finalists with fresh seeds, as far as they have ended. tested: what `hpsearch evaluate` has put on record."""

    label: str
    record: StudyRecord
    stands: Mapping[str, Any]
    seconds: float
    trials: Sequence[Trial]
    segments: Sequence[TrainingSegment]
    again: Sequence[Trial]
    tested: Mapping[str, Any] | None

    @classmethod
    def of(cls, journal: Journal, record: StudyRecord) -> "Side":
        evaluation = journal.find(evaluation_name(record))
        again = journal.trials(evaluation.id) if evaluation else []
        return cls(
            label=record.name,
            record=record,
            stands=standing(journal, record),
            seconds=journal.spent(record.id),
            trials=journal.trials(record.id),
            segments=journal.segments(record.id),
            again=[trial for trial in again if not trial.state.is_active],
            tested=last_result(journal, record.id),
        )

    @property
    def objective(self) -> Objective:
        return RecordedStudy(self.record).objective

    @property
    def replicates(self) -> Replicates:
        return Replicates.recorded(self.record.spec["trainer"])

    @property
    def epochs(self) -> int:
        return sum(trial.epoch for trial in self.trials)

    @cached_property
    def history(self) -> History:
        return History(self.objective, self.trials)

    @cached_property
    def best(self) -> Trial | None:
        return self.history.best()

    @property
    def value(self) -> float | None:
        return None if self.best is None else self.objective.value(self.best)

    @cached_property
    def fresh(self) -> finalists.Standing | None:
        """The best finalist over fresh seeds."""
        chosen = finalists.finalists(self.trials, self.objective, len(self.trials))
        return next(iter(finalists.standings(chosen, self.again, self.objective)), None)

    @property
    def data(self) -> dict[str, set[str]]:
        """Name -> the beginning of the SHA-256 of all that any of its trials has said to be trained on."""
        found = hashes(one.data for one in self.segments)
        return {name: {digest[:12] for digest in digests} for name, digests in found.items()}

    @property
    def environment(self) -> dict[str, Any] | None:
        """Where its best trial was trained, as a tree to be compared; None: it is not recorded.

        Without the data, which `data` has, and without the files that git does not know: those that the trainer is made
        of are among the sources.
        """
        own = [one for one in self.segments if self.best is None or one.number == self.best.number]
        if not own:
            return None
        tree = comparable(own[-1].environment.document, {})
        for repository in tree["repository"].values():
            repository.pop("untracked", None)
        return tree

    @cached_property
    def noise(self) -> tuple[Noise, str] | None:
        """How much a trial's value changes with its seed, and what that is known from."""
        return self._of_copies() or self._of_repeats()

    def _of_copies(self) -> tuple[Noise, str] | None:
        """From the standard error that is reported beside the best value."""
        judged = self.objective.judged(self.best) if self.best else None
        if judged is None or len(self.replicates) < 2:
            return None
        error = judged.metrics.get(f"{self.objective.metric}_se")
        freedom = (self.replicates.folds or self.replicates.repeats) - 1
        return None if not error else (Noise(error, freedom), f"the standard error over {self.replicates}")

    def _of_repeats(self) -> tuple[Noise, str] | None:
        groups = [*repeated(self.trials, self.objective), *repeated(self.again, self.objective)]
        noise = within(groups)
        if noise is None:
            return None
        trainings, sets = sum(map(len, groups)), len(groups)
        same = "the same parameters" if sets == 1 else f"{sets} sets of parameters"
        return noise, f"{many(trainings, 'training')} of {same}"

    # As a document ──────────────────────────────────────────────────────────────────────────────

    def document(self) -> dict[str, Any]:
        noise = self.noise
        return {
            "label": self.label,
            "study": self.record.name,
            "state": self.stands["state"],
            "method": self.record.spec["search"]["method"],
            "prune": self.record.identity["prune"].get("method"),
            "metric": self.objective.metric,
            "goal": self.objective.goal,
            "at": self.objective.at,
            "seed": self.record.spec["study"]["seed"],
            "forked_from": self.record.forked_from,
            "trials": self.stands["trials"],
            "epochs_trained": self.epochs,
            "wall_seconds": round(self.seconds, 3),
            "busy_seconds": self.stands["busy_seconds"],
            "best": best_document(self.history),
            "noise": noise and {"sd": noise[0].sd, "freedom": noise[0].freedom, "from": noise[1]},
            "fresh_seeds": self._fresh(),
            "test": self._test(),
        }

    def _fresh(self) -> dict[str, Any] | None:
        one = self.fresh
        if one is None:
            return None
        spread = one.spread
        numbers = {"mean": spread.mean, "sd": spread.sd, "margin": spread.margin, "lost": spread.lost}
        return {"trial": one.trial.number, "seeds": len(spread.values), **numbers}

    def _test(self) -> dict[str, Any] | None:
        """One model of the winner; and chosen: what was best on validation, such as an ensemble."""
        if self.tested is None or not self.tested["test"]:
            return None
        test = self.tested["test"]
        rows = {one["name"]: {name: one[name] for name in ("mean", "sd", "margin")} for one in test["contenders"]}
        chosen = test["best_on_validation"]
        return {"metric": test["metric"], "single": rows[SINGLE], "chosen": {"name": chosen, **rows[chosen]}}
