"""A comparison of simulated searches, as text."""

from collections.abc import Iterator

from hpsearch.cli.text.layout import wrapped
from hpsearch.core.format import columns, duration, many, number
from hpsearch.orchestrator.simulation.method_comparison import OWN, PARTS, MethodComparison, MethodResult, with_method
from hpsearch.orchestrator.simulation.simulated_curves import CurveSource
from hpsearch.study.definition import Study

EXTREME = {"minimize": "lowest", "maximize": "highest"}


def text(found: MethodComparison, source: CurveSource, study: Study) -> str:
    """study: as in its file, before its trials were shortened to the curves."""
    about = found.study.study
    epochs = many(found.budget, found.unit)
    head = [
        f"{about.name}: simulated searches on the curves of {source.name}, {epochs} each. No trainer was run.",
        f"{EXTREME[about.goal]} {found.study.objective.label} so far: mean ± standard error over "
        f"{many(found.seeds, 'seed')}",
        *([f"in {100 * found.failures:.3g}% of all epochs the worker is lost"] if found.failures else []),
        "",
    ]
    lines = [*_conclusions(found), *_notes(source, study)]
    return "\n".join([wrapped("\n".join(head)), _table(found, source), "", wrapped("\n".join(lines))])


def _table(found: MethodComparison, source: CurveSource) -> str:
    marks = [f"after {many(round(part * found.budget), found.unit)}" for part in PARTS]
    rows = [["search", "workers", *marks, "trials", "time", "time to propose"]]
    for one in found.results:
        name = f"{found.study.search.label} (as in the study)" if one.method == OWN else one.method
        values = [_value(one, place) for place in range(len(PARTS))]
        rows.append(
            [
                name,
                str(one.workers),
                *values,
                f"{one.trials:.0f}",
                _time(one, source, found.unit),
                f"{one.proposing:.1f} s",
            ]
        )
    return columns(rows)


def _named(method: str) -> str:
    return "the study's own search" if method == OWN else method


def _value(one: MethodResult, part: int) -> str:
    mean, error = one.mean(part), one.error(part)
    if mean is None:
        return "no value"
    return number(float(mean)) if error is None else f"{number(float(mean))} ± {error:.2g}"


def _time(one: MethodResult, source: CurveSource, unit: str) -> str:
    return duration(one.seconds) if _is_timed(source) else many(round(one.seconds), unit)


def _is_timed(source: CurveSource) -> bool:
    return source.table is not None and source.table.timed


def _conclusions(found: MethodComparison) -> Iterator[str]:
    results = found.results
    for count in dict.fromkeys(one.workers for one in results):
        best, workers = found.best(count), many(count, "worker")
        if best is None:
            yield f"{workers}: no method has a value in every search"
            continue
        others = [_named(one) for one in found.as_good(best)]
        same = f"; no significant difference from {', '.join(others)}" if others else "; the others are worse"
        compared = "" if sum(one.workers == count for one in results) == 1 else same
        yield f"{workers}: best is {_named(best.method)}, {found.study.objective.label} {_value(best, -1)}{compared}"
        if best.method != OWN:
            yield f"  in the study file: {_keys(with_method(found.study, best.method, found.budget))}"
    first = [one for one in results if one.method == results[0].method]
    for one in first[1:]:
        shorter = first[0].seconds / one.seconds if one.seconds else 1.0
        yield (
            f"{many(one.workers, 'worker')} finish {many(found.budget, found.unit)} {shorter:.1f} times faster than "
            f"{many(first[0].workers, 'worker')} ({results[0].method})"
        )


def _keys(study: Study) -> str:
    """The keys of [search] and [prune] that choose a method."""
    search, prune = study.search.model_dump(), study.prune.model_dump() if study.prune else {"method": "never"}
    sampler = f', sampler = "{search["sampler"]}"' if "sampler" in search else ""
    promote = ", promote = false" if prune.get("promote") is False else ""
    return f'[search] method = "{search["method"]}"{sampler}; [prune] method = "{prune["method"]}"{promote}'


def _notes(source: CurveSource, study: Study) -> Iterator[str]:
    unit = study.trainer.word
    if not _is_timed(source):
        yield f"note: the curves have no times, so the column `time` counts {unit}s that one worker trains in sequence"
    if (table := source.table) is None:
        return
    yield (
        f"note: {many(len(table.rows), 'parameter set')} have a curve. A proposal is replaced by the nearest of them "
        "without a trial, so differences between methods are smaller than in a real search; only freeze-thaw search "
        "chooses among them itself"
    )
    if table.outside:
        yield f"note: {many(table.outside, 'trial')} left out, because the parameters are not in [space]"
    if table.equal:
        yield f"note: {many(table.equal, 'trial')} left out, because an earlier trial has the same parameters"
    if table.shorter:
        yield (
            f"note: {table.shorter} of {many(len(table.rows), 'curve')} were stopped before {unit} {table.longest}. "
            "From there on their last value is used, which is worse than the value after longer training"
        )
    if table.longest < study.trainer.epochs:
        yield (
            f"note: trials train {many(table.longest, unit)} here and not {study.trainer.epochs} as in the study, "
            "because no curve is longer"
        )
