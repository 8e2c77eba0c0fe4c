"""Earlier studies on other data that a sampler learns from ([search] learn_from)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hpsearch.core.trial import Params

BEST_POINTS = 2
"""So many of the best parameters of each earlier study are trained first."""


@dataclass(frozen=True)
class RelatedTrial:
    """number: in its study. params: of the parameters that this study searches too. score: the normal quantile of the
    rank of its value among those of its study; lower is better."""

    number: int
    params: Params
    score: float


@dataclass(frozen=True)
class RelatedStudy:
    """trials: at most `orchestrator.evidence.learned_studies.MOST`. parameters: names that both studies search."""

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
