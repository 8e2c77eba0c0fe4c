"""The scores of the candidates on validation and on the test set, measured on a worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from hpsearch.core.errors import PoolError, TrainerError
from hpsearch.core.messages import Lost
from hpsearch.core.trial import Objective
from hpsearch.evaluation.candidates import GREEDY, SINGLE, Candidates
from hpsearch.evaluation.evaluation_result import CandidateResult, OpeningResult
from hpsearch.evaluation.noise import Spread
from hpsearch.evaluation.predict import Predict, Scored, Scores, scored_as
from hpsearch.evaluation.test_set_ledger import Opening
from hpsearch.workers.pools.base import Measurer


@dataclass(frozen=True)
class ValidationScores:
    """candidates: those with models, including the greedy ensemble. left_out: missing models, and why. why: the reason
    not to open the test set, because nothing could be scored; else ""."""

    candidates: Candidates
    scores: Mapping[str, Sequence[Scores]]
    left_out: list[str]
    why: str


def score_on_validation(measurer: Measurer, candidates: Candidates) -> ValidationScores:
    """All selections are made on validation, and missing or broken models are found here."""
    scored = _measured(measurer, Predict(candidates))
    left = candidates.without(scored.problems)
    greedy = {GREEDY: (scored.greedy,)} if scored.greedy else {}
    left = replace(left, mixtures={**left.mixtures, **greedy}, greedy_from=())
    why = scored.problem or ("" if SINGLE in left.mixtures else "the winner has no model to predict with")
    return ValidationScores(left, scored.scores, _left_out(candidates, scored), why)


def score_on_test(
    measurer: Measurer, validation: ValidationScores, opening: Opening, objective: Objective
) -> tuple[OpeningResult, list[str]]:
    """The result, and the models that failed. TrainerError if the trainer fails on the test set."""
    candidates = validation.candidates
    scored = _measured(measurer, Predict(candidates, "test", opening.reason))
    failed = _left_out(candidates, scored)
    if scored.problem or SINGLE not in scored.scores:
        raise TrainerError(f"the test set was opened, and scoring failed: {scored.problem or failed[0]}")
    metric = scored_as(objective.metric)
    single = fmean(one[metric] for one in scored.scores[SINGLE])
    results = []
    for name, scores in scored.scores.items():
        spread = Spread(tuple(one[metric] for one in scores))
        results.append(
            CandidateResult(
                validation=fmean(one[metric] for one in validation.scores[name]),
                values=spread.values,
                mean=spread.mean,
                sd=spread.sd,
                margin=spread.margin,
                scores={metric: fmean(one[metric] for one in scores) for metric in scores[0]},
                name=name,
                models=[[candidates.members[i].name for i in mixture] for mixture in candidates.mixtures[name]],
                gain=objective.sign * (single - spread.mean),
            )
        )
    best = min(results, key=lambda one: objective.sign * one.validation)
    return OpeningResult(opening.number, opening.at, metric, best.name, results), failed


def _left_out(candidates: Candidates, scored: Scored) -> list[str]:
    return [f"{candidates.members[place].name}: {why}" for place, why in sorted(scored.problems.items()) if why]


def _measured(measurer: Measurer, predict: Predict) -> Scored:
    found = measurer.measure(predict)
    if isinstance(found, Lost):
        raise PoolError(f"the worker was lost while it predicted {predict.part}: {found.reason}")
    return found
