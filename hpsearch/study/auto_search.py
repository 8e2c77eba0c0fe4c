"""[search] method = "auto": which search and which pruning a study gets, and why.

The rule follows the tables of docs/benchmarks.md (search methods on recorded curves). What it chose is recorded with
the study, so that a recorded study keeps its search if the rule changes.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter

from hpsearch.core.format import many
from hpsearch.core.trial import EPOCH
from hpsearch.study.file.kinds import Count
from hpsearch.study.file.prune_sections import HalvingPrune, Prune
from hpsearch.study.file.search_base import AutoChoice, SearchSection
from hpsearch.study.file.search_sections import Search
from hpsearch.study.file.section import OtherTables, Problems, Section, kinds
from hpsearch.study.file.sections import Limits, Resources
from hpsearch.study.file.trainer_sections import Trainer
from hpsearch.study.grid_counts import grid_size
from hpsearch.study.space import Float, Space

TRAININGS_FOR_FREEZE_THAW = 2
"""With a budget of fewer full trainings, freeze-thaw search was not measured."""

TRAININGS_FOR_MODEL = 5
"""With a budget of fewer full trainings, TPE is random search: a trial that was stopped says little to it."""

WORKERS_FOR_FREEZE_THAW = 16
"""Freeze-thaw search was measured with up to this number of workers."""

WORKERS_FOR_MODEL = 8
"""With more workers most trials start before the results that a model needs are known."""

SEARCHES: Mapping[str, Mapping[str, Any]] = {
    "grid": {"method": "grid"},
    "random": {"method": "random"},
    "tpe": {"method": "bayesian", "sampler": "tpe"},
    "freeze-thaw": {"method": "bayesian", "sampler": "freeze-thaw"},
}
"""The tables [search] that auto chooses from. All except grid and freeze-thaw are pruned by halving."""

UNPRUNED = frozenset({"grid", "freeze-thaw"})


class AutoBudget(Section):
    epochs: Count = Field(description="of all trials together, such as epochs = 400")


class Auto(SearchSection):
    """Chooses the search by the budget, the space, the trainer and the workers."""

    method: Literal["auto"]
    budget: AutoBudget = Field(description="such as budget = { epochs = 400 }: the epochs of all trials together")

    def problems(self, others: OtherTables) -> Problems:
        if others.epochs is not None and self.budget.epochs < others.epochs:
            yield (
                ("search", "budget", "epochs"),
                f"must be >= {others.epochs}, {others.epochs_key}, got {self.budget.epochs}",
            )


METHODS: dict[str, type[Section]] = {**kinds(Search), "auto": Auto}
"""The kinds of the table [search] in a study file."""


@dataclass(frozen=True)
class Situation:
    """budget: epochs of all trials together. epochs: the most epochs of one trial. points: the number of points of a
    space in which every parameter has a grid, else None. workers: None if the machine or the cluster decides.
    saves_state: whether the trainer is known to save its state, so that paused trials may be resumed: its file has
    `run.track`, or its command `resume`. prunes: whether the study file has [prune]. unit: of budget and epochs, see
    `Objective.unit`.
    """

    budget: int
    epochs: int
    points: int | None = None
    workers: int | None = None
    saves_state: bool = False
    prunes: bool = False
    unit: str = EPOCH


def choose(now: Situation) -> tuple[str, str]:
    """One of `SEARCHES`, and why."""
    trainings = now.budget / now.epochs
    amount = f"the budget of {many(now.budget, now.unit)} is {trainings:.3g} full training{'s' * (trainings != 1)}"
    if now.points is not None and now.points <= trainings:
        return "grid", f"the space has {now.points} points, and {amount}"
    few = now.workers is not None and now.workers <= WORKERS_FOR_FREEZE_THAW
    if few and now.saves_state and not now.prunes and trainings >= TRAININGS_FOR_FREEZE_THAW:
        return "freeze-thaw", f"{amount}, on {many(now.workers or 0, 'worker')}, and the trainer saves its state"
    if trainings < TRAININGS_FOR_MODEL:
        return "random", f"{amount}, too few for a model of the results"
    if now.workers is not None and now.workers > WORKERS_FOR_MODEL:
        return "random", f"with {now.workers} workers most trials start before the results that a model needs are known"
    return "tpe", f"{amount}, enough for a model of the results"


def situation(
    budget: int, trainer: Trainer, space: Space, resources: Resources, folder: Path, prunes: bool
) -> Situation:
    endless = (one for one in space.parameters if isinstance(one, Float) and one.count is None)
    is_grid = all(one.grid or one.points is not None for one in endless)
    workers = resources.workers or (1 if resources.address == "none" else None)
    points = grid_size(space) if is_grid else None
    saves_state = _saves_state(trainer, folder)
    return Situation(budget, trainer.epochs, points, workers, saves_state, prunes, trainer.word)


def _saves_state(trainer: Trainer, folder: Path) -> bool:
    """See `Situation`. The file of a Python trainer is looked for beside the study file."""
    if trainer.is_program:
        return trainer.resume is not None
    module, _, function = (trainer.use or "").partition(":")
    if not function:
        return False
    with suppress(OSError, UnicodeDecodeError, ValueError):
        path = module if module.endswith(".py") else f"{module.replace('.', '/')}.py"
        return re.search(r"\.track\(", (folder / path).read_text(encoding="utf-8")) is not None
    return False


def chosen(choice: AutoChoice, given: SearchSection, prune: Prune | None, limits: Limits) -> dict[str, Any]:
    """The sections search, prune and limits of a study with this choice; the budget becomes limits.epochs.
    given: [search] of the study file, or the choice for it. prune: of the study file. A grid ignores learn_from."""
    table = dict(SEARCHES[choice.search])
    if choice.search != "grid":
        table["trials"] = choice.budget  # never reached: limits.epochs ends the search first
    search: Search = TypeAdapter(Search).validate_python({**table, "auto": choice})
    kept = {"first": given.first, "learn_from": None if search.cannot_learn_from else given.learn_from}
    search = search.model_copy(update={key: value for key, value in kept.items() if value is not None})
    if not choice.prunes:
        halving = prune if isinstance(prune, HalvingPrune) else HalvingPrune(method="halving")
        prune = None if choice.search in UNPRUNED else halving
    epochs = min(choice.budget, limits.epochs or choice.budget)
    return {"search": search, "prune": prune, "limits": limits.model_copy(update={"epochs": epochs})}


def as_recorded(
    search: SearchSection, prune: Prune | None, limits: Limits, recorded: Mapping[str, Any]
) -> dict[str, Any]:
    """As `chosen`, for the recorded choice with the budget of the study file; {} unless both searches are auto.
    recorded: the recorded table [search]."""
    before = recorded.get("auto")
    if search.auto is None or before is None:
        return {}
    choice = search.auto.model_copy(update={"search": before["search"], "why": before["why"]})
    return chosen(choice, search, prune, limits)


def resolved(sections: Mapping[str, Section], space: Space, folder: Path) -> dict[str, Section]:
    """The sections, with the chosen search in place of `method = "auto"`. sections: without faults."""
    search, trainer = sections["search"], sections["trainer"]
    if not isinstance(search, Auto) or not isinstance(trainer, Trainer):
        return dict(sections)
    resources, limits = sections.get("resources", Resources()), sections.get("limits", Limits())
    assert isinstance(resources, Resources)
    assert isinstance(limits, Limits)
    prune, budget = sections.get("prune"), search.budget.epochs
    name, why = choose(situation(budget, trainer, space, resources, folder, prune is not None))
    choice = AutoChoice(search=name, why=why, budget=budget, prunes=prune is not None)
    found = chosen(choice, search, prune, limits)  # type: ignore[arg-type]
    return {**sections, **{key: value for key, value in found.items() if value is not None}}
