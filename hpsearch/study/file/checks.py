"""What the tables of a study file must be to each other."""

from collections.abc import Iterator, Mapping

from hpsearch.core.trial import Plain
from hpsearch.study.file.faults import Faults
from hpsearch.study.file.sections import (
    CoarseToFine,
    FixedList,
    Grid,
    HalvingPrune,
    HyperbandPrune,
    LrRange,
    MedianPrune,
    Recipe,
    Section,
    ThresholdPrune,
    Trainer,
)
from hpsearch.study.file.wording import KeyPath, meant
from hpsearch.study.schedule import FEWEST, BudgetSchedule
from hpsearch.study.space import Choice, Float, Parameter, Space

MOST_GRID_POINTS = 100_000

Found = Iterator[tuple[KeyPath, str]]


def check(
    sections: Mapping[str, Section], space_names: Mapping[str, object], space: Space | None, faults: Faults
) -> None:
    """Add what is wrong between those tables that are right in themselves."""
    for path, message in _found(sections, space_names, space):
        faults.add(path, message)


def _found(sections: Mapping[str, Section], space_names: Mapping[str, object], space: Space | None) -> Found:
    trainer, search, prune = sections.get("trainer"), sections.get("search"), sections.get("prune")
    epochs = trainer.epochs if isinstance(trainer, Trainer) else None
    if isinstance(trainer, Trainer):
        yield from _options(trainer, space_names)
    if isinstance(search, CoarseToFine):
        yield from _rounds(search, epochs)
    if isinstance(search, Recipe):
        yield from _recipe(search, epochs)
    if isinstance(search, Grid) and space is not None:
        yield from _grid(space)
    if isinstance(search, FixedList):
        yield from _sets(search, space, epochs)
    if isinstance(prune, ThresholdPrune):
        yield from _threshold(prune)
    if space is not None:
        yield from _learning_rate(sections.get("lr_range"), space)
    if epochs is not None and prune is not None:
        yield from _pruner(prune, epochs)


def _options(trainer: Trainer, space_names: Mapping[str, object]) -> Found:
    for name in trainer.options:
        if name in space_names:
            yield ("trainer", "options", name), f"`{name}` stands in [space] too; leave one out"


def _recipe(search: Recipe, epochs: int | None) -> Found:
    if search.budget is None and not search.rounds:
        yield ("search",), "needs one of budget = { epochs = … } and rounds = […]"
    if search.budget is not None and search.rounds:
        yield ("search",), "has both budget = { epochs = … } and rounds = […]: leave one out"
    yield from _rounds(search, epochs)
    if search.budget is not None and epochs is not None:
        stages = BudgetSchedule(search.budget.epochs, epochs)
        if search.budget.epochs < stages.least:
            wanted = f"{FEWEST} trials of {stages.first().epochs} epochs, which the first round takes at least"
            yield ("search", "budget", "epochs"), f"must be >= {stages.least}, {wanted}; got {search.budget.epochs}"


def _rounds(search: CoarseToFine | Recipe, epochs: int | None) -> Found:
    before = 0
    for i, stage in enumerate(search.rounds):
        path = ("search", "rounds", i, "epochs")
        if stage.epochs <= before:
            yield path, f"must be > {before}, the epochs of the round before, got {stage.epochs}"
        if epochs is not None and stage.epochs > epochs:
            yield path, f"must be <= {epochs}, trainer.epochs, got {stage.epochs}"
        before = stage.epochs


def _sets(search: FixedList, space: Space | None, epochs: int | None) -> Found:
    for i, one in enumerate(search.sets):
        path = ("search", "sets", i)
        if epochs is not None and one.epochs is not None and one.epochs > epochs:
            yield (*path, "epochs"), f"must be <= {epochs}, trainer.epochs, got {one.epochs}"
        if space is not None and not space.contains({**space.fixed, **one.params}):
            names = ", ".join(parameter.name for parameter in space.parameters)
            yield (*path, "params"), f"must lie in [space], with a value for each of {names} that is active there"


def _grid(space: Space) -> Found:
    endless = [
        p for p in space.parameters if isinstance(p, Float) and not p.grid and p.points is None and p.count is None
    ]
    for parameter in endless:
        yield ("space", parameter.name), "a grid needs step = …, grid = […] or points = n, or another search.method"
    if endless:
        return
    points = space.grid_size()
    if points is None or points > MOST_GRID_POINTS:
        count = f"{points:,} points" if points is not None else "points beyond counting"
        yield (
            ("search", "method"),
            f'a grid must have at most {MOST_GRID_POINTS:,} points, got {count}; give fewer values, or use "random"',
        )


def _learning_rate(section: Section | None, space: Space) -> Found:
    """One parameter is the learning rate: the one that is auto, or the one that [lr_range] names."""
    auto = [parameter.name for parameter in space.parameters if isinstance(parameter, Float) and parameter.auto]
    for name in auto[1:]:
        yield ("space", name), f"auto = true stands at `{auto[0]}` already; there is one learning rate"
    if not isinstance(section, LrRange):
        return
    name = section.parameter
    if auto and name not in auto:
        if "parameter" in section.model_fields_set:
            yield ("lr_range", "parameter"), f"is `{name}`, and auto = true stands at `{auto[0]}`"
        return
    found = next((parameter for parameter in space.parameters if parameter.name == name), space.fixed.get(name))
    if found is None:
        names = [*(parameter.name for parameter in space.parameters), *space.fixed]
        yield ("lr_range", "parameter"), f"`{name}` is no parameter of [space]{meant(name, names)}"
    elif not _is_positive(found):
        yield ("lr_range", "parameter"), f"`{name}` must be a range above 0, to be a learning rate"


def _is_positive(found: Parameter | Plain) -> bool:
    if isinstance(found, Choice):
        return all(not isinstance(value, str | bool) and value > 0 for value in found.values)
    if isinstance(found, Parameter):
        return found.low > 0
    return not isinstance(found, str | bool) and found > 0


def _threshold(prune: ThresholdPrune) -> Found:
    if prune.lower is None and prune.upper is None:
        yield ("prune",), "must have lower, upper or both"
    elif prune.lower is not None and prune.upper is not None and prune.lower >= prune.upper:
        yield ("prune", "lower"), f"must be < upper, got lower = {prune.lower}, upper = {prune.upper}"


def _pruner(prune: Section, epochs: int) -> Found:
    """A pruner that would not get to judge before the last epoch is a mistake."""
    match prune:
        case HalvingPrune(min_epochs=first) | HyperbandPrune(min_epochs=first):
            key = "min_epochs"
        case MedianPrune(warmup_epochs=first) | ThresholdPrune(warmup_epochs=first):
            key = "warmup_epochs"
        case _:
            return
    if first >= epochs:
        yield ("prune", key), f"must be < {epochs}, trainer.epochs, got {first}"
