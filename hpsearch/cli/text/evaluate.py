"""The result of an evaluation, as text."""

from collections.abc import Iterator, Sequence

from hpsearch.cli.text.layout import table, wrapped
from hpsearch.core.decisions import Decision
from hpsearch.core.format import many, number, ordinal, params_line, some, utc_time, with_margin
from hpsearch.evaluation.candidates import IN_WORDS, SINGLE
from hpsearch.evaluation.evaluation_result import (
    CandidateResult,
    Evaluation,
    EvaluationResult,
    FinalistResult,
    OpeningResult,
)
from hpsearch.study.space import Space

SHOWN = 3
"""The most left-out models that are listed."""


def text(result: EvaluationResult, space: Space) -> str:
    found, left_out = result.evaluation, result.evaluation.left_out
    parts = [
        wrapped(_head(found)),
        "",
        _finalists(found.finalists, space),
        "",
        wrapped("\n".join(_winner(found))),
        "",
        *_test_set(result),
    ]
    end = []
    if result.on_record:
        since = f" The search has {many(result.trials_since, 'new trial')} since then." if result.trials_since else ""
        again = "--again opens the test set again; each opening is recorded."
        end += ["", f"This is the recorded result; nothing was computed now. {again}{since}"]
    if left_out:
        shown = some(left_out, SHOWN, ", which --json names")
        end += ["", "models that were left out", *(f"  {one}" for one in shown)]
    parts += [wrapped("\n".join(end))] if end else []
    return "\n".join([*parts, "", f'  trainings  hpsearch status "{found.evaluation}"'])


def _head(found: Evaluation) -> str:
    counts = sorted({len(one.values) + one.lost for one in found.finalists})
    seeds = many(counts[0], "fresh seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} fresh seeds"
    searched = f"{many(len(found.finalists), 'finalist')} of {many(found.searched, 'trial')}"
    active = f" ({found.not_over} not ended)" if found.not_over else ""
    return f"{found.study}: {searched}{active}, {seeds} each ({found.metric}, {found.goal})"


def _finalists(finalists: Sequence[FinalistResult], space: Space) -> str:
    rows = [["trial", "in the search", "mean of seeds", "sd", "shrunk mean", "parameters"]]
    for one in finalists:
        mean = with_margin(one.mean, one.margin) + (f", {one.lost} failed" if one.lost else "")
        params = params_line(space.shown(one.params))
        rows.append([str(one.trial), number(one.found), mean, _sd(one), number(one.corrected), params])
    return table(rows, narrow=(5, 2))


def _winner(found: Evaluation) -> Iterator[str]:
    first, count = found.finalists[0], len(found.finalists)
    yield f"winner: trial {found.winner}. ± is the 95 % interval of a mean over seeds (Student's t)."
    value = f"In the search its value was {number(first.found)}"
    if first.optimism > 0:
        yield f"{value}: the best of {many(found.searched, 'trial')} is optimistic by about {first.optimism:.2g}."
    else:
        yield f"{value}, no better than its mean over fresh seeds."
    if count > 1:
        yield (
            f"The best mean of {count} finalists is optimistic too: expect {number(first.corrected)}, its shrunk mean "
            "(shrunk towards the mean of all by the share of variance that seeds explain; Efron and Morris 1975)."
        )


def _test_set(result: EvaluationResult) -> Iterator[str]:
    if result.evaluation.test:
        yield from _tested(result.evaluation.test, result.ledger)
    else:
        yield wrapped(f"the test set was not opened: {result.evaluation.why}")


def _tested(test: OpeningResult, ledger: Sequence[Decision]) -> Iterator[str]:
    yield wrapped(f"test set, opened {_times(ledger)}")
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
    head = ["", "models", "validation", f"test {test.metric}", "sd", "gain"]
    yield table([head, *rows], narrow=(0,), lines=None)
    yield from _other_metrics(test)
    yield wrapped(
        "* is the best on validation: use it, even if another has a better test value.\n"
        "gain: difference from one model of the winner on the test set.\n"
        "The greedy ensemble is selected on validation, so its validation value is optimistic."
    )


def _other_metrics(test: OpeningResult) -> Iterator[str]:
    """The other metrics that the trainer's `score` returned, as means over the models of a candidate."""
    names = dict.fromkeys(name for one in test.contenders for name in one.scores if name != test.metric)
    if not names:
        return
    rows = [
        [f"  {IN_WORDS[one.name]}", *(number(one.scores[name]) if name in one.scores else "" for name in names)]
        for one in test.contenders
    ]
    yield ""
    yield table([["", *(f"test {name}" for name in names)], *rows], narrow=(0,), lines=None)
    yield ""


def _times(ledger: Sequence[Decision]) -> str:
    if len(ledger) == 1:
        return f"once ({utc_time(ledger[0].at)} UTC)"
    before = "; ".join(f"{utc_time(one.at)} UTC" for one in ledger[:-1])
    return f"for the {ordinal(len(ledger))} time, so it is no longer unseen (opened before: {before})"


def _sd(one: FinalistResult | CandidateResult) -> str:
    return "" if one.sd is None else f"{one.sd:.2g}"
