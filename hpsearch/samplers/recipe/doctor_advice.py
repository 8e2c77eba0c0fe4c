"""What the curves say about the next round: the doctor's remarks turned into ranges that move and longer trainings.

Learning rates and regularisers are known by their names, which are those of `trainers/` and of torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hpsearch.core.trial import Params
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import Remark
from hpsearch.samplers.recipe.search_ranges import Number, SearchRange, numbers, place, shifted
from hpsearch.study.space import Space

LEARNING_RATES = frozenset({"lr", "learning_rate", "max_lr", "base_lr"})
REGULARISERS = frozenset({"weight_decay", "l1", "l2", "dropout", "label_smoothing", "shift", "noise", "erasing"})
DECAYS = frozenset({"step_epochs", "step_size", "decay_epochs", "restart_epochs"})

EDGE = 0.25
"""A learning rate is at the edge where the best trial lies in this part of its range."""

STEP = 0.5
"""So far a range moves at once, as a part of its width."""

MOST = 2 / 3
"""Where at least this part of all trials learn too slowly, or too hot, the whole range is wrong."""

FEWEST = 2, 3
"""So many trials must say the same: of the best, and of all. What one trial shows may be its luck."""

TOO_SLOW = frozenset({Label.LR_TOO_LOW})
TOO_HOT = frozenset({Label.LR_TOO_HIGH, Label.DIVERGED})


@dataclass(frozen=True, slots=True)
class Move:
    """by: a part of the range's width, upwards where positive. opened: only the end in that direction moves.

    whole: it is the range that the last round drew from which moves, not the box round the best in it.
    """

    by: float
    why: str
    opened: bool = False
    whole: bool = False


@dataclass
class Advice:
    """What to change in the next round.

    improving, long_enough: in words why the next round trains longer, or why it need not; "" where nobody says so.
    moves: of ranges, by parameter. notes: what was seen, and is for a person to act upon.
    """

    improving: str = ""
    long_enough: str = ""
    moves: dict[str, Move] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def applied(
        self, space: Space, last: Sequence[SearchRange], boxes: Sequence[SearchRange]
    ) -> tuple[SearchRange, ...]:
        """The next round's ranges, each with its reason. boxes: those round the best of the last round's."""
        triples = zip(numbers(space), last, boxes, strict=True)
        return tuple(_moved(one, was, box, self.moves.get(one.name)) for one, was, box in triples)


def _moved(parameter: Number, last: SearchRange, box: SearchRange, move: Move | None) -> SearchRange:
    if move is None:
        return box
    moved = shifted(parameter, last if move.whole else box, move.by, move.why, opened=move.opened)
    return moved if moved.moved else replace(box, reason=moved.reason)


def advise(remarks: Sequence[Remark], space: Space, ranges: Sequence[SearchRange], best: Params) -> Advice:
    """remarks: the doctor's on the last round. ranges: where that drew from. best: the best parameters so far."""
    advice = Advice()
    parameters = {one.name: one for one in numbers(space)}
    for remark in remarks:
        if len(remark.trials) < FEWEST[not remark.best]:
            continue
        labels = set(remark.labels)
        if labels <= TOO_SLOW | TOO_HOT:
            _move_rate(advice, remark, parameters, ranges, best)
        elif not remark.best:
            advice.notes.append(_said(remark))
        elif Label.STILL_IMPROVING in labels:
            advice.improving = remark.evidence
        elif Label.HEALTHY in labels:
            advice.long_enough = remark.evidence
        elif Label.OVERFITTING in labels:
            advice.long_enough = remark.evidence
            _raise(advice, remark, REGULARISERS & parameters.keys(), opened=True)
        elif Label.DECAYED_TOO_EARLY in labels:
            _raise(advice, remark, DECAYS & parameters.keys())
        elif Label.TOO_EARLY not in labels:
            advice.notes.append(_said(remark))
    return advice


def _move_rate(
    advice: Advice, remark: Remark, parameters: dict[str, Number], ranges: Sequence[SearchRange], best: Params
) -> None:
    """By all of its width where most trials say so. Else only where the best lies near that edge too; inside, the box
    round the best trials says more."""
    slow = set(remark.labels) <= TOO_SLOW
    sign, end = (1, "upper") if slow else (-1, "lower")
    for one in ranges:
        if one.name not in LEARNING_RATES & best.keys():
            continue
        at = place(parameters[one.name], one, float(best[one.name]))
        if not remark.best and len(remark.trials) >= MOST * remark.among:
            advice.moves[one.name] = Move(sign, remark.evidence, whole=True)
        elif (at > 1 - EDGE) if slow else (at < EDGE):
            why = f"{remark.evidence}, and the best lies near the {end} end of {one.range}"
            advice.moves.setdefault(one.name, Move(sign * STEP, why))


def _raise(advice: Advice, remark: Remark, names: frozenset[str], opened: bool = False) -> None:
    """Move or open the ranges of these upwards; where nothing of the sort is searched, say what to add."""
    for name in sorted(names):
        advice.moves[name] = Move(STEP, remark.evidence, opened)
    if not names:
        advice.notes.append(f"{_said(remark)} Nothing of the sort is searched")


def _said(remark: Remark) -> str:
    return f"{remark.evidence}. {remark.advice}"
