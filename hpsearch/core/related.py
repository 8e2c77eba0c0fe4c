"""Earlier studies on other data that a sampler learns from ([search] learn_from)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hpsearch.core.trial import Params

BEST_POINTS = 2
"""The number of best parameter sets of each earlier study that are trained first."""


@dataclass(frozen=True)
class RelatedTrial:
    """A trial of an earlier study.

    number: in the earlier study. params: only the parameters that both studies search. score: the normal quantile of
    the rank of its value within the earlier study; lower is better.
    """

    number: int
    params: Params
    score: float


@dataclass(frozen=True)
class RelatedStudy:
    """trials: at most `orchestrator.evidence.learned_studies.MAX_TRIALS`. parameters: searched by both studies."""

    name: str
    parameters: tuple[str, ...]
    trials: tuple[RelatedTrial, ...] = field(hash=False)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> "RelatedStudy":
        trials = tuple(RelatedTrial(one["number"], one["params"], one["score"]) for one in document["trials"])
        return cls(document["study"], tuple(document["parameters"]), trials)

    def document(self) -> dict[str, Any]:
        trials = [{"number": one.number, "params": dict(one.params), "score": one.score} for one in self.trials]
        return {"study": self.name, "parameters": list(self.parameters), "trials": trials}
