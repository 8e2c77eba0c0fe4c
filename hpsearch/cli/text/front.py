"""The Pareto front of a study with several goals, as text."""

from collections.abc import Sequence
from dataclasses import replace

from hpsearch.cli.text.layout import in_blocks
from hpsearch.core.format import many, number, params_line
from hpsearch.core.front import FrontTrial
from hpsearch.core.trial import Objective
from hpsearch.records.study_front import Front
from hpsearch.study.space import Space

MAX_TRIALS = 20
"""How many trials of a front are listed."""


def of_study(found: Front) -> str:
    """`hpsearch best` of a study with several goals."""
    unit = found.study.objective.unit
    parts = lines(found.trials, unit, found.study.space)
    if (one := found.preferred) is not None:
        values = ", ".join(f"{name} {number(value)}" for name, value in one.values.items())
        params = params_line(found.study.space.shown(one.params))
        parts = [f"preferred: trial {one.trial}, {values} at {unit} {one.epoch}", f"  {params}", "", *parts]
    return "\n".join(parts)


def lines(trials: Sequence[FrontTrial], unit: str, space: Space | None = None) -> list[str]:
    """A heading, and a table with the values and parameters of each trial. space: has the names of choices."""
    if not trials:
        return ["Pareto front: no trial has a value for each goal yet"]
    shown = [replace(one, params=space.shown(one.params)) if space else one for one in trials[:MAX_TRIALS]]
    names = list(dict.fromkeys(name for one in shown for name in one.params))
    rows = [["trial", *trials[0].values, unit, *names]]
    for one in shown:
        params = [number(one.params[name]) if name in one.params else "" for name in names]
        rows.append([str(one.trial), *map(number, one.values.values()), str(one.epoch), *params])
    found = [
        f"Pareto front, {many(len(trials), 'trial')}: no other trial is better by one goal and as good by the others"
    ]
    found.append(in_blocks(rows))
    if len(trials) > MAX_TRIALS:
        found.append(f"{many(len(trials) - MAX_TRIALS, 'more trial')}: --json has all")
    return found


def first_goal(objective: Objective) -> list[str]:
    """For commands that use one metric: a note, if the study has several goals."""
    if not objective.others:
        return []
    names = ", ".join(one.metric for one in objective.goals)
    return [f"note: only the first of the goals {names} is used; `hpsearch best STUDY` shows the Pareto front"]
