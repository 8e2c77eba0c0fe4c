"""The contenders on validation, and on the test set: what is asked of a worker, and what came of it as a document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from hpsearch.core.errors import PoolError, TrainerError
from hpsearch.core.messages import Lost
from hpsearch.core.trial import Objective
from hpsearch.evaluation.candidates import SINGLE, Lineup
from hpsearch.evaluation.evaluation_result import CandidateResult, OpeningResult
from hpsearch.evaluation.finalists import Spread
from hpsearch.evaluation.members import GREEDY, Contenders, Scored, Scores, scored_as, without
from hpsearch.evaluation.predict import Predict
from hpsearch.evaluation.test_set_ledger import Opening
from hpsearch.workers.pools.base import Measurer


@dataclass(frozen=True)
class Seen:
    """contenders: those of which there are models, the greedy ensemble among them. left_out: whose models there are
    not, and why. why: the test set need not be opened, since nothing could be said about it; else ""."""

    contenders: Contenders
    scores: Mapping[str, Sequence[Scores]]
    left_out: list[str]
    why: str = ""


def see(measurer: Measurer, line: Lineup) -> Seen:
    """Everything that is chosen is chosen here, on validation; and whatever cannot be done is found out here."""
    scored = _asked(measurer, Predict(line.members, line.contenders, greedy_from=line.greedy_from))
    contenders = without(line.contenders, scored.problems)
    if scored.greedy:
        contenders = {**contenders, GREEDY: (scored.greedy,)}
    left_out = [f"{line.members[place].name}: {why}" for place, why in sorted(scored.problems.items()) if why]
    why = scored.problem or ("" if SINGLE in contenders else "the winner has no model to predict with")
    return Seen(contenders, scored.scores, left_out, why)


def unseen(
    measurer: Measurer, line: Lineup, seen: Seen, opening: Opening, objective: Objective
) -> tuple[OpeningResult, list[str]]:
    """And which models failed on it. TrainerError where the trainer fails on the test set."""
    scored = _asked(measurer, Predict(line.members, seen.contenders, "test", opening=opening.reason))
    failed = [f"{line.members[place].name}: {why}" for place, why in sorted(scored.problems.items())]
    if scored.problem or SINGLE not in scored.scores:
        raise TrainerError(f"the test set was opened, and cannot be used: {scored.problem or failed[0]}")
    metric = scored_as(objective.metric)
    single = fmean(one[metric] for one in scored.scores[SINGLE])
    candidates = []
    for name, scores in scored.scores.items():
        spread = Spread(tuple(one[metric] for one in scores))
        candidates.append(
            CandidateResult(
                validation=fmean(one[metric] for one in seen.scores[name]),
                values=spread.values,
                mean=spread.mean,
                sd=spread.sd,
                margin=spread.margin,
                scores={metric: fmean(one[metric] for one in scores) for metric in scores[0]},
                name=name,
                models=[[line.members[place].name for place in one] for one in seen.contenders[name]],
                gain=objective.sign * (single - spread.mean),
            )
        )
    best = min(candidates, key=lambda one: objective.sign * one.validation)
    return OpeningResult(opening.number, opening.at, metric, best.name, candidates), failed


def _asked(measurer: Measurer, order: Predict) -> Scored:
    found = measurer.measure(order)
    if isinstance(found, Lost):
        raise PoolError(f"the worker that was to predict {order.part} is lost: {found.reason}")
    return found
