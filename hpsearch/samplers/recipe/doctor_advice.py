"""Turns the doctor's remarks on learning curves into changes of the next round: moved ranges and longer trainings.

Learning rates and regularisation parameters are recognised by name: `core.parameter_roles`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from hpsearch.core.parameter_roles import is_decay_time, is_learning_rate, is_regulariser
from hpsearch.core.trial import Params
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import Remark
from hpsearch.samplers.recipe.search_ranges import Number, SearchRange, numbers, relative_position, shifted
from hpsearch.study.space import Space

EDGE = 0.25
"""The best learning rate is near an end of its range if its distance is below this fraction of the width."""

STEP = 0.5
"""The shift of a range in one round, as a fraction of its width."""

MAJORITY = 2 / 3
"""If the learning rate of at least this fraction of all trials is too low, or too high, the whole range is wrong."""

MIN_AGREEING = 2, 3
"""The fewest trials with the finding: of the best trials, and of all. A single curve may be an exception."""

TOO_LOW = frozenset({Label.LR_TOO_LOW})
TOO_HIGH = frozenset({Label.LR_TOO_HIGH, Label.DIVERGED})


@dataclass(frozen=True, slots=True)
class Move:
    """A shift of one search range.

    by: a fraction of the range's width, positive: upwards. widened: only the end in that direction moves.
    from_last: move the range of the last round, not the box around its best trials.
    """

    by: float
    why: str
    widened: bool = False
    from_last: bool = False


@dataclass
class Advice:
    """Changes for the next round.

    improving, long_enough: the evidence for and against longer trainings, as text, or "".
    moves: of search ranges, by parameter. notes: findings that only the user can act on.
    """

    improving: str = ""
    long_enough: str = ""
    moves: dict[str, Move] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def applied(
        self, space: Space, last: Sequence[SearchRange], boxes: Sequence[SearchRange]
    ) -> tuple[SearchRange, ...]:
        """The next round's ranges, each with its reason. boxes: around the best trials of the last round."""
        triples = zip(numbers(space), last, boxes, strict=True)
        return tuple(_moved(one, before, box, self.moves.get(one.name)) for one, before, box in triples)


def _moved(parameter: Number, last: SearchRange, box: SearchRange, move: Move | None) -> SearchRange:
    if move is None:
        return box
    moved = shifted(parameter, last if move.from_last else box, move.by, move.why, widened=move.widened)
    return moved if moved.moved else replace(box, reason=moved.reason)


def advise(remarks: Sequence[Remark], space: Space, ranges: Sequence[SearchRange], best: Params) -> Advice:
    """remarks: on the last round. ranges: the last round's search ranges. best: the best parameters so far."""
    advice = Advice()
    parameters = {one.key: one for one in numbers(space)}
    for remark in remarks:
        if len(remark.trials) < MIN_AGREEING[not remark.best]:
            continue
        labels = set(remark.labels)
        if remark.against:
            advice.notes.append(f"{remark.evidence}, but {remark.against}: the range stays")
        elif labels <= TOO_LOW | TOO_HIGH:
            _move_rate(advice, remark, parameters, ranges, best)
        elif not remark.best:
            advice.notes.append(_with_advice(remark))
        elif Label.STILL_IMPROVING in labels:
            advice.improving = remark.evidence
        elif Label.HEALTHY in labels:
            advice.long_enough = remark.evidence
        elif Label.OVERFITTING in labels:
            advice.long_enough = remark.evidence
            _shift_up(advice, remark, "regularisation", is_regulariser, space, widened=True)
        elif Label.DECAYED_TOO_EARLY in labels:
            _shift_up(advice, remark, "learning-rate decay", is_decay_time, space)
        elif Label.TOO_EARLY not in labels:
            advice.notes.append(_with_advice(remark))
    return advice


def _move_rate(
    advice: Advice, remark: Remark, parameters: dict[str, Number], ranges: Sequence[SearchRange], best: Params
) -> None:
    """Move the range by its whole width if most trials have the finding. Otherwise only move it if the best value is
    also near that end: further inside, the box around the best trials is the better estimate."""
    slow = set(remark.labels) <= TOO_LOW
    sign, end = (1, "upper") if slow else (-1, "lower")
    for one in ranges:
        if one.name not in best or not is_learning_rate(one.name):
            continue
        at = relative_position(parameters[one.name], one, float(best[one.name]))
        if not remark.best and len(remark.trials) >= MAJORITY * remark.among:
            advice.moves[one.name] = Move(sign, remark.evidence, from_last=True)
        elif (at > 1 - EDGE) if slow else (at < EDGE):
            why = f"{remark.evidence}, and the best value is near the {end} end of {one.range}"
            advice.moves.setdefault(one.name, Move(sign * STEP, why))


def _shift_up(
    advice: Advice, remark: Remark, kind: str, is_meant: Callable[[str], bool], space: Space, widened: bool = False
) -> None:
    """Move or widen the ranges of these parameters upwards; add a note if none has a range."""
    names = [one.key for one in numbers(space) if is_meant(one.name)]
    for name in names:
        advice.moves[name] = Move(STEP, remark.evidence, widened)
    if not names:
        has_choice = any(is_meant(one.name) for one in space.parameters)
        lacking = "" if has_choice else f" No {kind} parameter is in the search space."
        advice.notes.append(f"{_with_advice(remark)}{lacking}")


def _with_advice(remark: Remark) -> str:
    return f"{remark.evidence}. {remark.advice}"
