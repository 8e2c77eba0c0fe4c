"""A comparison of studies: a column for each study, which one leads, and how certain that is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from hpsearch.cli.text.layout import MAX_LINE_LENGTH, in_blocks, wrapped
from hpsearch.core.format import duration, many, number, shortened, some, with_margin
from hpsearch.evaluation.compare.compared_study import ComparedStudy
from hpsearch.evaluation.compare.comparison import Comparison, FreshSeeds, Verdict
from hpsearch.evaluation.compare.fairness import Differences
from hpsearch.evaluation.noise import NoiseEstimate

MAX_LINES = 20
"""How many differences between two studies are shown; --json has all."""

FEW = 5
"""Degrees of freedom. With fewer, the limit by Student's t is much larger than the noise."""


def text(found: Comparison) -> str:
    parts = [
        *_verdict(found),
        *(_section("These studies cannot be compared, so none of them leads:", found.obstacles)),
        *(_section("Notes:", found.notes)),
        *(line for one in found.differences for line in _differences(one)),
    ]
    return "\n".join([_table(found), wrapped("\n".join(parts))])


def _section(head: str, lines: Sequence[str]) -> list[str]:
    return ["", head, *(f"  {line}" for line in lines)] if lines else []


# The table ───────────────────────────────────────────────────────────────────────────────────────


def _table(found: Comparison) -> str:
    studies = [one.document() for one in found.studies]
    return in_blocks([*_results(studies), *_at_equal_cost(found), *_parameters(found.studies)])


def _results(studies: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    yield ["", *(one["label"] for one in studies)]
    yield ["state", *(one["state"] for one in studies)]
    yield ["search", *(one["method"] for one in studies)]
    yield ["pruning", *(one["prune"] or "paired test" for one in studies)]
    yield ["metric", *(one["metric"] for one in studies)]
    yield ["goal", *(one["goal"] for one in studies)]
    yield from _counts(studies)
    yield [f"{studies[0]['unit']}s trained", *(str(one["epochs_trained"]) for one in studies)]
    yield ["wall time", *(duration(one["wall_seconds"]) for one in studies)]
    yield ["worker time", *(duration(one["busy_seconds"]) for one in studies)]
    yield ["best", *(_of(one["best"], lambda best: number(best["value"])) for one in studies)]
    yield ["  trial", *(_of(one["best"], partial(_best_trial, one["unit"])) for one in studies)]
    for head, key, cell in (
        ("  noise (sd)", "noise", lambda noise: f"{noise['sd']:.2g}"),
        ("over fresh seeds", "fresh_seeds", _over_seeds),
        ("test, one model", "test", lambda test: with_margin(test["single"]["mean"], test["single"]["margin"])),
        (
            "test, best on validation",
            "test",
            lambda test: with_margin(test["chosen"]["mean"], test["chosen"]["margin"]),
        ),
    ):
        if any(one[key] for one in studies):
            yield [head, *(_of(one[key], cell) for one in studies)]


def _best_trial(unit: str, best: Mapping[str, Any]) -> str:
    return f"{best['trial']}, {unit} {best['epoch']}"


def _counts(studies: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    states = [state for state in studies[0]["trials"] if any(one["trials"][state] for one in studies)]
    yield ["trials", *(str(sum(one["trials"].values())) for one in studies)]
    for state in states:
        yield [f"  {state}", *(str(one["trials"][state]) for one in studies)]


def _at_equal_cost(found: Comparison) -> Iterator[list[str]]:
    """The best values; where one leads, the marks have a column of their own, so that the numbers are aligned."""
    blank = [""] * len(found.studies)
    if found.equal_cost:
        yield ["", *blank]
        yield ["best value after", *blank]
    for row in found.equal_cost:
        marks = ["* " if one.label in row.leads else "  " for one in found.studies]
        cells = [_of(value, number) for value in row.values]
        head = f"  {many(row.epochs, found.unit)}"
        yield [head, *(mark + cell if row.leads else cell for mark, cell in zip(marks, cells, strict=True))]


def _parameters(studies: Sequence[ComparedStudy]) -> Iterator[list[str]]:
    """Of the best trials."""
    best = [one.space.shown(one.status.best.params) if one.status.best else {} for one in studies]
    names = dict.fromkeys(name for params in best for name in params)
    if names:
        yield [""] * (len(studies) + 1)
        yield ["best parameters", *[""] * len(studies)]
    for name in names:
        yield [f"  {name}", *(_of(params.get(name), number) for params in best)]


def _of(value: Any, cell: Callable[[Any], str]) -> str:
    return "-" if value is None else cell(value)


def _over_seeds(fresh: Mapping[str, Any]) -> str:
    lost = f", {fresh['lost']} lost" if fresh["lost"] else ""
    return f"{with_margin(fresh['mean'], fresh['margin'])} ({fresh['seeds']}{lost})"


# In sentences ────────────────────────────────────────────────────────────────────────────────────


def _verdict(found: Comparison) -> Iterator[str]:
    if found.verdict is not None:
        yield from ["", *_who_leads(found.verdict, found.unit)]
        yield from _chance(found.verdict.noise, found.fresh_seeds) if found.verdict.leads else ()
    for one in found.fresh_seeds:
        yield _over_fresh_seeds(one)


def _who_leads(verdict: Verdict, unit: str) -> Iterator[str]:
    epochs = many(verdict.epochs, unit)
    if not verdict.leads:
        yield f"After {epochs} each, all studies with a value have the same best value, {number(verdict.value)}."
        return
    leaders, ahead = " and ".join(verdict.leads), "is" if len(verdict.leads) == 1 else "are"
    yield f"* leads. After {epochs} each, {leaders} {ahead} ahead, with {number(verdict.value)}:"
    for one in verdict.behind:
        yield f"  better by {one.by:.3g} than {one.label}{_is_chance(one.may_be_luck, verdict.noise)}"


def _is_chance(may_be: bool | None, noise: NoiseEstimate | None) -> str:
    if may_be is None or noise is None:
        return ""
    return ", which may be chance" if may_be else f", more than the seed of a {noise.of} explains"


def _chance(known: NoiseEstimate | None, fresh: Sequence[FreshSeeds]) -> Iterator[str]:
    if known is not None:
        noise = known.noise
        few = "; with so few seeds this limit is uncertain" if noise.freedom < FEW else ""
        yield f"The seed of a {known.of} changes a value by {noise.sd:.2g} (standard deviation; from {known.source})."
        yield f"Two values that differ by less than {noise.limit:.2g} may differ by chance (95 %){few}."
        if known.of == "training":
            yield "Each search ran once; another study.seed gives another best value."
    elif not fresh:
        yield "The lead may be chance: each search ran once, and the best of many trials is optimistic."
        yield "To find out, run `hpsearch evaluate STUDY` for each study: it trains the best trials with fresh seeds;"
        yield "or run each study with another seed (run --set study.seed=1 --set study.name=NAME), and compare all."


def _over_fresh_seeds(one: FreshSeeds) -> str:
    head = f"Over fresh seeds (hpsearch evaluate), {one.label}"
    if one.margin is None:
        return f"{head} is better by {one.better:.3g} than {one.than}; with so few seeds this may be chance."
    apart = f"{one.better:+.3g} ± {one.margin:.2g}, 95 %, Welch"
    if abs(one.better) <= one.margin:
        return f"{head} has no significant difference from {one.than} ({apart})."
    return f"{head} is {'better' if one.better > 0 else 'worse'} than {one.than} ({apart})."


def _differences(one: Differences) -> Iterator[str]:
    head, rest = f"{one.first} (was) and {one.other} (is)", " (--json has all)"
    for what, lines in (("files", one.file), ("environments of the best trials", one.environment)):
        short = [shortened(line, MAX_LINE_LENGTH) for line in lines]
        yield from _section(f"Differences between the {what} of {head}:", some(short, MAX_LINES, rest))
    if not one.file:
        yield from ["", f"No difference between the files of {head}."]
