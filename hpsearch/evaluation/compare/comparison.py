"""`hpsearch compare`: recorded studies side by side: which was better, by how much, at what cost, and whether the
comparison is fair."""

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from hpsearch.cli.answer import Answer
from hpsearch.cli.text.compare import text
from hpsearch.core.errors import BadInput
from hpsearch.evaluation.compare.compared_study import Side
from hpsearch.evaluation.compare.equal_cost import best_after, costs, leading
from hpsearch.evaluation.compare.fairness import differing, notes, obstacles
from hpsearch.evaluation.noise import Noise, difference, pooled, within
from hpsearch.records.find import is_file, journal_of, study_in


def compare(args: Namespace) -> Iterator[Answer]:
    """A study that is named is looked for where the files that are named have theirs, else here."""
    if len(args.study) < 2:
        raise BadInput(f'compare takes two studies or more, got "{args.study[0]}" alone')
    files = [study for study in args.study if is_file(study)]
    sides = [_side(study, study if is_file(study) else next(iter(files), study), args.journal) for study in args.study]
    data = document(_labelled(sides, args.study))
    yield Answer(data, partial(text, data))


def _side(study: str, place: str, url: str | None) -> Side:
    """place: what the journal is found by."""
    with journal_of(place, url) as journal:
        return Side.of(journal, study_in(journal, study).record)


def _labelled(sides: Sequence[Side], asked: Sequence[str]) -> list[Side]:
    """Studies of one name, in two journals, are told apart by what was asked for. BadInput for one that is twice."""
    ids, names = Counter(side.record.uid for side in sides), Counter(side.record.name for side in sides)
    if twice := next((side for side in sides if ids[side.record.uid] > 1), None):
        raise BadInput(f'study "{twice.record.name}" is named twice: compare it with another one')
    return [
        side if names[side.record.name] == 1 else replace(side, label=f"{side.label} ({word})")
        for side, word in zip(sides, asked, strict=True)
    ]


def document(sides: Sequence[Side]) -> dict[str, Any]:
    against = obstacles(sides)
    rows = _equal_cost(sides, fair=not against)
    return {
        "studies": [side.document() for side in sides],
        "comparable": not against,
        "obstacles": against,
        "notes": notes(sides),
        "equal_cost": rows,
        "verdict": _verdict(sides, rows[-1]) if rows and not against else None,
        "fresh_seeds": [] if against else _fresh(sides),
        "differences": [differing(sides[0], other) for other in sides[1:]],
    }


def _equal_cost(sides: Sequence[Side], fair: bool) -> list[dict[str, Any]]:
    """The best values after the same number of epochs, in the order of the studies. leads: labels; none unless fair."""
    rows = []
    for epochs in costs(side.epochs for side in sides):
        values = [best_after(side.trials, side.objective, epochs) for side in sides]
        ahead = leading(values, sides[0].objective) if fair else []
        rows.append({"epochs": epochs, "values": values, "leads": [sides[place].label for place in ahead]})
    return rows


# Which is better ─────────────────────────────────────────────────────────────────────────────────


def _verdict(sides: Sequence[Side], row: dict[str, Any]) -> dict[str, Any] | None:
    """At the last equal cost: who leads, how far the others are behind, and whether noise alone may be why.

    None where fewer than two have a value.
    """
    known = {side.label: value for side, value in zip(sides, row["values"], strict=True) if value is not None}
    if len(known) < 2:
        return None
    best = max(known.values()) if sides[0].objective.goal == "maximize" else min(known.values())
    noise = _between_searches(sides, row) or _between_trainings(sides)
    behind = {label: abs(value - best) for label, value in known.items() if value != best}
    return {
        "epochs": row["epochs"],
        "leads": row["leads"],
        "value": best,
        "noise": noise and noise.document(),
        "behind": [
            {"label": label, "by": by, "may_be_luck": None if noise is None else by <= noise.noise.limit}
            for label, by in behind.items()
        ],
    }


@dataclass(frozen=True)
class _Known:
    """of: what has another seed each time."""

    noise: Noise
    of: Literal["search", "training"]
    source: str

    def document(self) -> dict[str, Any]:
        numbers = {"sd": self.noise.sd, "freedom": self.noise.freedom, "limit": self.noise.limit}
        return {**numbers, "of": self.of, "from": self.source}


def _between_searches(sides: Sequence[Side], row: dict[str, Any]) -> _Known | None:
    """How much the seed of a search changes what it finds, where some of the studies differ in nothing else."""
    found: dict[str, dict[int, float]] = {}
    for side, value in zip(sides, row["values"], strict=True):
        if value is not None:
            found.setdefault(_but_for_the_seed(side), {})[side.record.spec["study"]["seed"]] = value
    same = [list(values.values()) for values in found.values() if len(values) > 1]
    noise = within(same)
    source = f"{sum(map(len, same))} searches that differ in their seeds alone"
    return None if noise is None else _Known(noise, "search", source)


def _between_trainings(sides: Sequence[Side]) -> _Known | None:
    """How much the seed of a training changes what a trial comes to, as far as the studies know."""
    found = {side.label: side.noise for side in sides if side.noise is not None}
    noise = pooled([one for one, _ in found.values()])
    source = "; ".join(f"{label}: {source}" for label, (_, source) in found.items())
    return None if noise is None else _Known(noise, "training", source)


def _but_for_the_seed(side: Side) -> str:
    spec = side.record.spec
    about = {name: value for name, value in spec["study"].items() if name not in ("name", "seed")}
    return json.dumps([{**side.record.identity, "study": about, "search": spec["search"]}, side.record.forked_from])


def _fresh(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """The best finalist of the first study that was evaluated against that of each other one. better: by how much."""
    tried = [(side, side.fresh) for side in sides if side.fresh is not None]
    sign = 1.0 if sides[0].objective.goal == "maximize" else -1.0
    rows = []
    for (side, own), (other, its) in ((tried[0], one) for one in tried[1:]):
        apart, margin = difference(own.spread, its.spread)
        rows.append({"label": side.label, "than": other.label, "better": sign * apart, "margin": margin})
    return rows
