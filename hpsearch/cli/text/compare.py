"""What a comparison of studies found: a column for each study, who leads, and what to think of it."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hpsearch.core.format import columns, duration, many, number, some, with_margin
from hpsearch.evaluation.compare.comparison import Comparison, FreshSeeds, Verdict
from hpsearch.evaluation.compare.fairness import Differences
from hpsearch.evaluation.noise import NoiseEstimate

LONGEST = 24
"""Characters of a cell."""

MOST_LINES = 20
"""Of what differs between two studies; --json has all."""

FEW = 5
"""Degrees of freedom: with fewer, Student's t makes a limit much wider than the noise is."""


def text(found: Comparison) -> str:
    parts = [
        _table(found),
        *_verdict(found),
        *(_section("They cannot be compared, so nobody leads:", found.obstacles)),
        *(_section("Keep in mind:", found.notes)),
        *(line for one in found.differences for line in _differences(one)),
    ]
    return "\n".join(parts)


def _section(head: str, lines: Sequence[str]) -> list[str]:
    return ["", head, *(f"  {line}" for line in lines)] if lines else []


# The table ───────────────────────────────────────────────────────────────────────────────────────


def _table(found: Comparison) -> str:
    """In blocks of so many studies as fit the terminal."""
    studies = [one.document() for one in found.studies]
    rows = [*_came_to(studies), *_after(found), *_parameters(studies)]
    rows = [[_cut(cell) for cell in row] for row in rows]
    return "\n\n".join(columns([[row[0], *row[start:end]] for row in rows]) for start, end in _blocks(rows))


def _blocks(rows: Sequence[list[str]]) -> Iterator[tuple[int, int]]:
    """Which columns stand beside the first one: at least one in a block."""
    widths = [max(len(row[i]) for row in rows) + 2 for i in range(len(rows[0]))]
    room = shutil.get_terminal_size().columns - widths[0] + 2
    start, used = 1, 0
    for i, width in enumerate(widths[1:], start=1):
        if i > start and used + width > room:
            yield start, i
            start, used = i, 0
        used += width
    yield start, len(widths)


def _came_to(studies: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    yield ["", *(one["label"] for one in studies)]
    yield ["state", *(one["state"] for one in studies)]
    yield ["search", *(one["method"] for one in studies)]
    yield ["pruning", *(one["prune"] or "paired test" for one in studies)]
    yield ["metric", *(one["metric"] for one in studies)]
    yield ["goal", *(one["goal"] for one in studies)]
    yield from _counts(studies)
    yield ["epochs trained", *(str(one["epochs_trained"]) for one in studies)]
    yield ["wall time", *(duration(one["wall_seconds"]) for one in studies)]
    yield ["worker time", *(duration(one["busy_seconds"]) for one in studies)]
    yield ["best", *(_of(one["best"], lambda best: number(best["value"])) for one in studies)]
    yield ["  trial", *(_of(one["best"], lambda best: f"{best['trial']}, epoch {best['epoch']}") for one in studies)]
    for head, key, cell in (
        ("  noise (sd)", "noise", lambda noise: f"{noise['sd']:.2g}"),
        ("over fresh seeds", "fresh_seeds", _over_seeds),
        ("test, one model", "test", lambda test: with_margin(test["single"]["mean"], test["single"]["margin"])),
        ("test, the one to use", "test", lambda test: with_margin(test["chosen"]["mean"], test["chosen"]["margin"])),
    ):
        if any(one[key] for one in studies):
            yield [head, *(_of(one[key], cell) for one in studies)]


def _counts(studies: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    states = [state for state in studies[0]["trials"] if any(one["trials"][state] for one in studies)]
    yield ["trials", *(str(sum(one["trials"].values())) for one in studies)]
    for state in states:
        yield [f"  {state}", *(str(one["trials"][state]) for one in studies)]


def _after(found: Comparison) -> Iterator[list[str]]:
    """At equal cost; the marks have a place of their own, so that the numbers stand below each other."""
    blank = [""] * len(found.studies)
    if found.equal_cost:
        yield ["", *blank]
        yield ["best value after", *blank]
    for row in found.equal_cost:
        marks = ["* " if one.label in row.leads else "  " for one in found.studies]
        cells = [_of(value, number) for value in row.values]
        head = f"  {many(row.epochs, 'epoch')}"
        yield [head, *(mark + cell if row.leads else cell for mark, cell in zip(marks, cells, strict=True))]


def _parameters(studies: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Of the best trials."""
    best = [one["best"]["params"] if one["best"] else {} for one in studies]
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


def _cut(cell: str) -> str:
    """Without its middle where it is long: names of one family differ at their ends."""
    half = LONGEST // 2
    return cell if len(cell) <= LONGEST else f"{cell[: half - 1]}…{cell[-half:]}"


# In sentences ────────────────────────────────────────────────────────────────────────────────────


def _verdict(found: Comparison) -> Iterator[str]:
    if found.verdict is not None:
        yield from ["", *_who_leads(found.verdict)]
        yield from _luck(found.verdict.noise, found.fresh_seeds) if found.verdict.leads else ()
    for one in found.fresh_seeds:
        yield _over_fresh_seeds(one)


def _who_leads(verdict: Verdict) -> Iterator[str]:
    epochs = many(verdict.epochs, "epoch")
    if not verdict.leads:
        yield f"After {epochs} each, all that have a value have the same: {number(verdict.value)}."
        return
    leaders, ahead = " and ".join(verdict.leads), "is" if len(verdict.leads) == 1 else "are"
    yield f"* leads. After {epochs} each {leaders} {ahead} ahead, with {number(verdict.value)}:"
    for one in verdict.behind:
        yield f"  better by {one.by:.3g} than {one.label}{_is_luck(one.may_be_luck, verdict.noise)}"


def _is_luck(may_be: bool | None, noise: NoiseEstimate | None) -> str:
    if may_be is None or noise is None:
        return ""
    return ", which may be luck" if may_be else f", more than the seed of a {noise.of} explains"


def _luck(known: NoiseEstimate | None, fresh: Sequence[FreshSeeds]) -> Iterator[str]:
    if known is not None:
        noise = known.noise
        few = "; from so few the limit is wide, and more seeds narrow it" if noise.freedom < FEW else ""
        yield f"The seed of a {known.of} changes a value by {noise.sd:.2g} (standard deviation; {known.source})."
        yield f"Two values that are less than {noise.limit:.2g} apart may differ by luck (95 %){few}."
        if known.of == "training":
            yield "And each search ran once: with another study.seed it draws other trials, and finds another best."
    elif not fresh:
        yield "How much is luck is not known: one run of each cannot tell, and the best of many trials is a lucky one."
        yield "What would: `hpsearch evaluate STUDY` for each, which trains the best again with fresh seeds;"
        yield "or each once more with another seed (run --set study.seed=1 --set study.name=NAME), and compare all."


def _over_fresh_seeds(one: FreshSeeds) -> str:
    head = f"Over fresh seeds (hpsearch evaluate) {one.label} is"
    if one.margin is None:
        return f"{head} better by {one.better:.3g} than {one.than}; so few seeds do not tell how much is luck."
    apart = f"{one.better:+.3g} ± {one.margin:.2g}, 95 %, Welch"
    if abs(one.better) <= one.margin:
        return f"{head} not to be told from {one.than} ({apart})."
    return f"{head} {'better' if one.better > 0 else 'worse'} than {one.than} ({apart})."


def _differences(one: Differences) -> Iterator[str]:
    head, rest = f"from {one.first} (was) to {one.other} (is)", " (--json has all)"
    yield from _section(f"What differs in their files, {head}:", some(one.file, MOST_LINES, rest))
    yield from _section(f"What their best trials were trained with, {head}:", some(one.environment, MOST_LINES, rest))
    if not one.file:
        yield from ["", f"Nothing differs in their files, {head}."]
