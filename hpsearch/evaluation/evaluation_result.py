"""The result of an evaluation, typed and as a document of the journal."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Objective, Params
from hpsearch.evaluation.finalists import Finalist


@dataclass(frozen=True)
class FinalistResult:
    """A trial of the search and its trainings with fresh seeds; `Finalist` documents the numbers.

    optimism: by how much its value in the search was better than their mean.
    """

    trial: int
    params: Params
    found: float
    trainings: Sequence[int]
    values: Sequence[float]
    lost: int
    mean: float
    sd: float | None
    margin: float | None
    corrected: float
    optimism: float

    @classmethod
    def of(cls, one: Finalist, objective: Objective) -> Self:
        return cls(
            trial=one.trial.number,
            params=dict(one.trial.params),
            found=one.found,
            trainings=[training.number for training in one.trainings],
            values=one.spread.values,
            lost=one.spread.lost,
            mean=one.spread.mean,
            sd=one.spread.sd,
            margin=one.spread.margin,
            corrected=one.corrected,
            optimism=objective.sign * (one.spread.mean - one.found),
        )


@dataclass(frozen=True)
class CandidateResult:
    """validation:

    the mean on validation. values: on the test set, of each of its `models`, with their mean, sd and margin. scores:
    the means of all metrics that the trainer's `score` returns. gain: over one model of the winner; larger is better.
    """

    validation: float
    values: Sequence[float]
    mean: float
    sd: float | None
    margin: float | None
    scores: Mapping[str, float]
    name: str
    models: Sequence[Sequence[str]]
    gain: float

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """From the journal. A score may be NaN, which a document has as null."""
        unknown = {name: math.nan for name in ("validation", "mean", "gain") if document[name] is None}
        return cls(**{**document, **unknown})


@dataclass(frozen=True)
class OpeningResult:
    """The result of an opening of the test set.

    at: milliseconds since 1970. best_on_validation: a candidate's name. contenders: the candidates; recorded documents
    have this name.
    """

    opening: int
    at: int
    metric: str
    best_on_validation: str
    contenders: Sequence[CandidateResult]


@dataclass(frozen=True)
class Evaluation:
    """The finalists of the study `study`, best first, and the test result. The study `evaluation` trained them.

    searched: the number of trials of the search; not_over: how many were still active. winner: the best finalist's
    trial. test: None if the test set was not opened; why: the reason. left_out: missing models, and why.
    """

    study: str
    evaluation: str
    metric: str
    goal: str
    searched: int
    not_over: int
    winner: int
    finalists: Sequence[FinalistResult]
    test: OpeningResult | None
    left_out: Sequence[str]
    why: str

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """From the journal."""
        finalists = [FinalistResult(**one) for one in document["finalists"]]
        test = document["test"]
        if test:
            test = OpeningResult(**{**test, "contenders": [CandidateResult.read(one) for one in test["contenders"]]})
        return cls(**{"not_over": 0, **document, "finalists": finalists, "test": test})


@dataclass(frozen=True)
class EvaluationResult:
    """ledger: all openings of the test set, the first one first. on_record: the result was read, and nothing was
    computed.

    trials_since: the number of trials that the search has proposed since the evaluation.
    """

    evaluation: Evaluation
    ledger: Sequence[Decision]
    on_record: bool
    trials_since: int

    def document(self) -> dict[str, Any]:
        openings = [one.reason for one in self.ledger]
        now = {"openings": openings, "on_record": self.on_record, "trials_since": self.trials_since}
        return {**self.evaluation.document(), **now}
