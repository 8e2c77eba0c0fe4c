"""Recorded studies side by side: which is better, by how much, at which cost, and whether the comparison is fair."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.format import many, number
from hpsearch.evaluation.compare.compared_study import ComparedStudy
from hpsearch.evaluation.compare.equal_cost import EqualCost, at_equal_cost
from hpsearch.evaluation.compare.fairness import Differences, differing, notes, obstacles
from hpsearch.evaluation.noise import NoiseEstimate, difference, pooled, within


@dataclass(frozen=True)
class Gap:
    """By how much a study is worse than the best. may_be_luck: it may be chance; None if the noise is unknown."""

    label: str
    by: float
    may_be_luck: bool | None


@dataclass(frozen=True)
class Verdict:
    """At the last equal cost: the leading studies, their value, and how far behind the others are. leads: labels."""

    epochs: int
    leads: Sequence[str]
    value: float
    noise: NoiseEstimate | None
    behind: Sequence[Gap]

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "noise": self.noise and self.noise.document()}


@dataclass(frozen=True)
class FreshSeeds:
    """By how much a study's best finalist is better than another study's, over fresh seeds. margin: half of the 95 %
    interval; None with too few seeds."""

    label: str
    than: str
    better: float
    margin: float | None


@dataclass(frozen=True, repr=False)
class Comparison:
    """obstacles: why the studies cannot be compared; then none leads. notes: what limits the comparison. fresh_seeds:
    the first evaluated study against each other one. differences: between the first study and each other one."""

    studies: Sequence[ComparedStudy]
    obstacles: Sequence[str]
    notes: Sequence[str]
    equal_cost: Sequence[EqualCost]
    verdict: Verdict | None
    fresh_seeds: Sequence[FreshSeeds]
    differences: Sequence[Differences]

    @property
    def unit(self) -> str:
        """See `Objective.unit`; studies with different units have an obstacle."""
        return self.studies[0].objective.unit

    def __repr__(self) -> str:
        """In one line, for a notebook: with its fields it would have tens of thousands of characters."""
        found = "; ".join(self.obstacles) or "no study leads"
        if self.verdict is not None:
            best = f"{self.studies[0].objective.metric} {number(self.verdict.value)}"
            after = many(self.verdict.epochs, self.unit)
            found = f"best {best} after {after}: {', '.join(self.verdict.leads) or found}"
        return f"<Comparison of {', '.join(one.label for one in self.studies)}: {found}>"

    def document(self) -> dict[str, Any]:
        return {
            "studies": [one.document() for one in self.studies],
            "comparable": not self.obstacles,
            "obstacles": self.obstacles,
            "notes": self.notes,
            "equal_cost": [asdict(one) for one in self.equal_cost],
            "verdict": self.verdict and self.verdict.document(),
            "fresh_seeds": [asdict(one) for one in self.fresh_seeds],
            "differences": [one.document() for one in self.differences],
        }


def compare(studies: Sequence[ComparedStudy], asked: Sequence[str]) -> Comparison:
    """asked: the argument for each study, to distinguish studies of one name in two journals. BadInput for a study
    twice."""
    studies = _labelled(studies, asked)
    against = obstacles(studies)
    rows = at_equal_cost(studies, fair=not against)
    return Comparison(
        studies=studies,
        obstacles=against,
        notes=list(notes(studies)),
        equal_cost=rows,
        verdict=_verdict(studies, rows[-1]) if rows and not against else None,
        fresh_seeds=[] if against else _fresh_seeds(studies),
        differences=[differing(studies[0], other) for other in studies[1:]],
    )


def _labelled(studies: Sequence[ComparedStudy], asked: Sequence[str]) -> list[ComparedStudy]:
    ids, names = Counter(one.record.uid for one in studies), Counter(one.record.name for one in studies)
    if twice := next((one for one in studies if ids[one.record.uid] > 1), None):
        raise BadInput(f'study "{twice.record.name}" is named twice: compare it with another one')
    return [
        one if names[one.record.name] == 1 else replace(one, label=f"{one.label} ({word})")
        for one, word in zip(studies, asked, strict=True)
    ]


# Which is better ─────────────────────────────────────────────────────────────────────────────────


def _verdict(studies: Sequence[ComparedStudy], row: EqualCost) -> Verdict | None:
    """None if fewer than two studies have a value."""
    known = {one.label: value for one, value in zip(studies, row.values, strict=True) if value is not None}
    if len(known) < 2:
        return None
    sign = studies[0].objective.sign
    best = min(known.values(), key=lambda value: sign * value)
    noise = _between_searches(studies, row.values) or _between_trainings(studies)
    behind = {label: abs(value - best) for label, value in known.items() if value != best}
    return Verdict(
        epochs=row.epochs,
        leads=row.leads,
        value=best,
        noise=noise,
        behind=[Gap(label, by, None if noise is None else by <= noise.noise.limit) for label, by in behind.items()],
    )


def _between_searches(studies: Sequence[ComparedStudy], values: Sequence[float | None]) -> NoiseEstimate | None:
    """How much the seed of a search changes its best value, from studies that differ only in the seed."""
    found: dict[str, dict[int, float]] = {}
    for one, value in zip(studies, values, strict=True):
        if value is not None:
            found.setdefault(_without_seed(one), {})[one.record.spec["study"]["seed"]] = value
    same = [list(values.values()) for values in found.values() if len(values) > 1]
    noise = within(same)
    source = f"{sum(map(len, same))} searches that differ only in their seeds"
    return None if noise is None else NoiseEstimate(noise, "search", source)


def _without_seed(study: ComparedStudy) -> str:
    record = study.record
    about: Mapping[str, Any] = {**record.spec["study"], "name": None, "seed": None}
    return json.dumps([{**record.identity, "study": about, "search": record.spec["search"]}, record.forked_from])


def _between_trainings(studies: Sequence[ComparedStudy]) -> NoiseEstimate | None:
    """How much the seed of a training changes a trial's value, from the studies that show it."""
    found = {one.label: one.noise for one in studies if one.noise is not None}
    noise = pooled([one.noise for one in found.values()])
    source = "; ".join(f"{label}: {one.source}" for label, one in found.items())
    return None if noise is None else NoiseEstimate(noise, "training", source)


def _fresh_seeds(studies: Sequence[ComparedStudy]) -> list[FreshSeeds]:
    tried = [(one, one.finalist) for one in studies if one.finalist is not None]
    rows = []
    for (study, own), (other, its) in ((tried[0], one) for one in tried[1:]):
        apart, margin = difference(its.spread, own.spread)
        rows.append(FreshSeeds(study.label, other.label, study.objective.sign * apart, margin))
    return rows
