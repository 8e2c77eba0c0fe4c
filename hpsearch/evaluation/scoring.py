"""The contenders on validation, and on the test set: what is asked of a worker, and what came of it as a document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from hpsearch.core.errors import PoolError, TrainerError
from hpsearch.core.messages import Lost
from hpsearch.core.trial import Objective
from hpsearch.evaluation.candidates import SINGLE, Lineup
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


def unseen(measurer: Measurer, line: Lineup, seen: Seen, opening: Opening, objective: Objective) -> dict[str, Any]:
    """The part of the document that is about the test set. TrainerError where the trainer fails on it."""
    scored = _asked(measurer, Predict(line.members, seen.contenders, "test", opening=opening.reason))
    failed = [f"{line.members[place].name}: {why}" for place, why in sorted(scored.problems.items())]
    if scored.problem or SINGLE not in scored.scores:
        raise TrainerError(f"the test set was opened, and cannot be used: {scored.problem or failed[0]}")
    metric = scored_as(objective.metric)
    single = fmean(one[metric] for one in scored.scores[SINGLE])
    sign = 1.0 if objective.goal == "maximize" else -1.0
    rows = [
        {
            **_row(metric, seen.scores[name], scores),
            "name": name,
            "models": [[line.members[place].name for place in one] for one in seen.contenders[name]],
            "gain": sign * (fmean(one[metric] for one in scores) - single),
        }
        for name, scores in scored.scores.items()
    ]
    best = max(rows, key=lambda row: sign * row["validation"])
    test = {"opening": opening.number, "at": opening.at, "metric": metric, "best_on_validation": best["name"]}
    return {"test": {**test, "contenders": rows}, "left_out": [*seen.left_out, *failed]}


def _row(metric: str, validation: Sequence[Scores], test: Sequence[Scores]) -> dict[str, Any]:
    spread = Spread(tuple(one[metric] for one in test))
    return {
        "validation": fmean(one[metric] for one in validation),
        "values": list(spread.values),
        "mean": spread.mean,
        "sd": spread.sd,
        "margin": spread.margin,
        "scores": {name: fmean(one[name] for one in test) for name in test[0]},
    }


def _asked(measurer: Measurer, order: Predict) -> Scored:
    found = measurer.measure(order)
    if isinstance(found, Lost):
        raise PoolError(f"the worker that was to predict {order.part} is lost: {found.reason}")
    return found
