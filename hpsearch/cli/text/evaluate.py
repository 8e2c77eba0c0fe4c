"""What an evaluation came to, in words."""

from collections.abc import Iterator, Sequence

from hpsearch.core.decisions import Decision
from hpsearch.core.format import columns, many, number, ordinal, params_line, some, utc_time, with_margin
from hpsearch.evaluation.candidates import IN_WORDS, SINGLE
from hpsearch.evaluation.evaluation_result import (
    CandidateResult,
    Evaluation,
    EvaluationResult,
    FinalistResult,
    OpeningResult,
)

SHOWN = 3
"""So many of the models that were left out."""

LONGEST = 70
"""Characters of a line's parameters."""


def text(result: EvaluationResult) -> str:
    found, left_out = result.evaluation, result.evaluation.left_out
    seeds = max(len(one.values) + one.lost for one in found.finalists)
    parts = [
        f"{found.study}: {many(len(found.finalists), 'finalist')} of {many(found.searched, 'trial')}"
        f"{f' ({found.not_over} not over yet)' if found.not_over else ''}, {many(seeds, 'fresh seed')} each "
        f"({found.metric}, {found.goal})",
        "",
        _finalists(found.finalists),
        "",
        *_winner(found),
        "",
        *(_tested(found.test, result.openings) if found.test else [f"the test set was not opened: {found.why}"]),
    ]
    if result.on_record:
        since = f" The search has {many(result.trials_since, 'trial')} more since." if result.trials_since else ""
        parts += ["", f"This is on record: no data was looked at. --again opens the test set another time.{since}"]
    if left_out:
        shown = some(left_out, SHOWN, ", which --json names")
        parts += ["", "models that were left out", *(f"  {one}" for one in shown)]
    return "\n".join([*parts, "", f'  trainings  hpsearch status "{found.evaluation}"'])


def _finalists(finalists: Sequence[FinalistResult]) -> str:
    rows = [["trial", "in the search", "mean of seeds", "sd", "corrected", "parameters"]]
    for one in finalists:
        params = params_line(one.params)
        rows.append(
            [
                str(one.trial),
                number(one.found),
                with_margin(one.mean, one.margin) + (f", {one.lost} lost" if one.lost else ""),
                _sd(one),
                number(one.corrected),
                params if len(params) <= LONGEST else params[: LONGEST - 1] + "…",
            ]
        )
    return columns(rows)


def _winner(found: Evaluation) -> Iterator[str]:
    first, count = found.finalists[0], len(found.finalists)
    yield f"winner: trial {found.winner}. ± is the 95 % interval of a mean over seeds (Student's t)."
    came = f"In the search it came to {number(first.found)}"
    if first.optimism > 0:
        yield f"{came}: the best of {found.searched} trials flatters, here by {first.optimism:.2g}."
    else:
        yield f"{came}, no better than its mean over fresh seeds."
    if count > 1:
        yield (
            f"As the best of {count} it is partly lucky still: {number(first.corrected)} is to be "
            "expected (corrected: drawn towards the others' mean by what seeds explain; Efron and Morris 1975)."
        )


def _tested(test: OpeningResult, openings: Sequence[Decision]) -> Iterator[str]:
    yield f"test set, opened {_times(openings)}"
    rows = [
        [
            f"{'*' if one.name == test.best_on_validation else ' '} {IN_WORDS[one.name]}",
            " or ".join(sorted({str(len(set(models))) for models in one.models})),
            number(one.validation),
            with_margin(one.mean, one.margin),
            _sd(one),
            "" if one.name == SINGLE else f"{one.gain:+.4f}",
        ]
        for one in test.contenders
    ]
    yield columns([["", "models", "validation", f"test {test.metric}", "sd", "gain"], *rows])
    yield "* is best on validation: the one to use, whatever the test says. Gain is over one model of the winner."
    yield "A greedy ensemble is chosen on validation, so that its value there flatters."


def _times(openings: Sequence[Decision]) -> str:
    if len(openings) == 1:
        return f"once ({utc_time(openings[0].at)} UTC)"
    before = "; ".join(f"{utc_time(one.at)} UTC" for one in openings[:-1])
    return f"for the {ordinal(len(openings))} time: what it says is no longer new. Before: {before}"


def _sd(one: FinalistResult | CandidateResult) -> str:
    return "" if one.sd is None else f"{one.sd:.2g}"
