"""What the tables of a study file must be to each other."""

from collections.abc import Mapping
from itertools import chain

from hpsearch.core.trial import Plain
from hpsearch.study.file.faults import Faults
from hpsearch.study.file.search_sections import SearchSection
from hpsearch.study.file.sections import LrRange, Problems, PruneSection, Section, Trainer
from hpsearch.study.file.wording import meant
from hpsearch.study.space import Choice, Float, Parameter, Space


def check(
    sections: Mapping[str, Section], space_names: Mapping[str, object], space: Space | None, faults: Faults
) -> None:
    """Add what is wrong between those tables that are right in themselves."""
    trainer, search, prune = sections.get("trainer"), sections.get("search"), sections.get("prune")
    epochs = trainer.epochs if isinstance(trainer, Trainer) else None
    found: list[Problems] = []
    if isinstance(trainer, Trainer):
        found.append(_options(trainer, space_names))
    if isinstance(search, SearchSection):
        found.append(search.problems(space, epochs))
    if isinstance(prune, PruneSection):
        found.append(prune.problems(epochs))
    if space is not None:
        found.append(_learning_rate(sections.get("lr_range"), space))
    for path, message in chain.from_iterable(found):
        faults.add(path, message)


def _options(trainer: Trainer, space_names: Mapping[str, object]) -> Problems:
    for name in trainer.options:
        if name in space_names:
            yield ("trainer", "options", name), f"`{name}` stands in [space] too; leave one out"


def _learning_rate(section: Section | None, space: Space) -> Problems:
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
