"""What an evaluation came to: the document that the journal keeps, and its words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpsearch.core.decisions import Decision
from hpsearch.core.format import columns, many, number, params_line
from hpsearch.core.trial import Trial
from hpsearch.evaluation.candidates import SINGLE, WORDS
from hpsearch.evaluation.finalists import Standing
from hpsearch.evaluation.test_set_ledger import moment, ordinal
from hpsearch.study.definition import Study

SHOWN = 3
"""So many of the models that were left out."""

LONGEST = 70
"""Characters of a line's parameters."""


def validated(study: Study, evaluation: Study, searched: Sequence[Trial], ranked: Sequence[Standing]) -> dict[str, Any]:
    """What is known before the test set is opened. searched: all trials of the search."""
    return {
        "study": study.study.name,
        "evaluation": evaluation.study.name,
        "metric": study.study.metric,
        "goal": study.study.goal,
        "searched": len(searched),
        "not_over": sum(trial.state.is_active for trial in searched),
        "winner": ranked[0].trial.number,
        "finalists": [_finalist(one, study.study.goal) for one in ranked],
    }


def _finalist(one: Standing, goal: str) -> dict[str, Any]:
    """optimism: by how much its value in the search was better than what fresh seeds came to."""
    sign = 1.0 if goal == "maximize" else -1.0
    return {
        "trial": one.trial.number,
        "params": dict(one.trial.params),
        "found": one.found,
        "trainings": [training.number for training in one.trainings],
        "values": list(one.spread.values),
        "lost": one.spread.lost,
        "mean": one.spread.mean,
        "sd": one.spread.sd,
        "margin": one.spread.margin,
        "corrected": one.corrected,
        "optimism": sign * (one.found - one.spread.mean),
    }


# For a person ────────────────────────────────────────────────────────────────────────────────────


def text(found: Mapping[str, Any], ledger: Sequence[Decision]) -> str:
    first, waiting = found["finalists"][0], found["not_over"]
    seeds = max(len(one["values"]) + one["lost"] for one in found["finalists"])
    parts = [
        f"{found['study']}: {many(len(found['finalists']), 'finalist')} of {many(found['searched'], 'trial')}"
        f"{f' ({waiting} not over yet)' if waiting else ''}, {many(seeds, 'fresh seed')} each "
        f"({found['metric']}, {found['goal']})",
        "",
        _finalists(found["finalists"]),
        "",
        *_winner(found, first),
        "",
        *(_tested(found["test"], ledger) if found["test"] else [f"the test set was not opened: {found['why']}"]),
    ]
    if found["on_record"]:
        since = f" The search has {many(found['trials_since'], 'trial')} more since." if found["trials_since"] else ""
        parts += ["", f"This is on record: no data was looked at. --again opens the test set another time.{since}"]
    if left_out := found["left_out"]:
        more = len(left_out) - SHOWN
        parts += ["", "models that were left out", *(f"  {one}" for one in left_out[:SHOWN])]
        parts += [f"  and {more} more, which --json names"] if more > 0 else []
    return "\n".join([*parts, "", f'  trainings  hpsearch status "{found["evaluation"]}"'])


def _finalists(finalists: Sequence[Mapping[str, Any]]) -> str:
    rows = [["trial", "in the search", "mean of seeds", "sd", "corrected", "parameters"]]
    for one in finalists:
        lost = f", {one['lost']} lost" if one["lost"] else ""
        params = params_line(one["params"])
        rows.append(
            [
                str(one["trial"]),
                number(one["found"]),
                _with_margin(one["mean"], one["margin"]) + lost,
                _sd(one["sd"]),
                number(one["corrected"]),
                params if len(params) <= LONGEST else params[: LONGEST - 1] + "…",
            ]
        )
    return columns(rows)


def _winner(found: Mapping[str, Any], first: Mapping[str, Any]) -> Iterator[str]:
    yield f"winner: trial {found['winner']}. ± is the 95 % interval of a mean over seeds (Student's t)."
    came = f"In the search it came to {number(first['found'])}"
    if first["optimism"] > 0:
        yield f"{came}: the best of {found['searched']} trials flatters, here by {first['optimism']:.2g}."
    else:
        yield f"{came}, no better than its mean over fresh seeds."
    if len(found["finalists"]) > 1:
        yield (
            f"As the best of {len(found['finalists'])} it is partly lucky still: {number(first['corrected'])} is to be "
            "expected (corrected: drawn towards the others' mean by what seeds explain; Efron and Morris 1975)."
        )


def _tested(test: Mapping[str, Any], ledger: Sequence[Decision]) -> Iterator[str]:
    yield f"test set, opened {_times(ledger)}"
    rows = [["", "models", "validation", f"test {test['metric']}", "sd", "gain"]]
    for one in test["contenders"]:
        chosen = "*" if one["name"] == test["best_on_validation"] else " "
        rows.append(
            [
                f"{chosen} {WORDS[one['name']]}",
                " or ".join(sorted({str(len(set(models))) for models in one["models"]})),
                number(one["validation"]),
                _with_margin(one["mean"], one["margin"]),
                _sd(one["sd"]),
                "" if one["name"] == SINGLE else f"{one['gain']:+.4f}",
            ]
        )
    yield columns(rows)
    yield "* is best on validation: the one to use, whatever the test says. Gain is over one model of the winner."
    yield "A greedy ensemble is chosen on validation, so that its value there flatters."


def _times(ledger: Sequence[Decision]) -> str:
    if len(ledger) == 1:
        return f"once ({moment(ledger[0].at)})"
    before = "; ".join(moment(one.at) for one in ledger[:-1])
    return f"for the {ordinal(len(ledger))} time: what it says is no longer new. Before: {before}"


def _with_margin(mean: float, margin: float | None) -> str:
    return number(mean) if margin is None else f"{number(mean)} ± {margin:.2g}"


def _sd(sd: float | None) -> str:
    return "" if sd is None else f"{sd:.2g}"
