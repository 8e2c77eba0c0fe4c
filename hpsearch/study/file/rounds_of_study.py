"""The rounds of [search]: their faults, and changes that a recorded study does not allow."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from hpsearch.study.file.section import OtherTables, Problems

RANGES = "how the search ranges of a round follow from the one before; box: as in earlier versions of hpsearch"

SHARES = (
    "how rounds divide the budget. gain: among new and continued trials by what each has gained so far, where no range "
    "has expand = true; fixed: by fixed shares, as in earlier versions of hpsearch"
)


class Round(Protocol):
    @property
    def trials(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


SomeSection = TypeVar("SomeSection", bound=BaseModel)


FORMER = {"ranges": "box", "shares": "fixed"}
"""The rules of studies that were recorded before there was a key for them."""


def with_recorded_rules(section: SomeSection, recorded: Mapping[str, Any]) -> SomeSection:
    """A recorded study keeps its rules, so that its rounds do not change."""
    if recorded.get("method") != section.model_dump().get("method"):
        return section
    open_keys = [key for key in FORMER if key in type(section).model_fields and key not in section.model_fields_set]
    return section.model_copy(update={key: recorded.get(key, FORMER[key]) for key in open_keys})


def changed_rules(recorded: Mapping[str, Any], section: BaseModel) -> Iterator[str]:
    for key in section.model_fields_set & FORMER.keys():
        was, now = recorded.get(key, FORMER[key]), section.model_dump()[key]
        if was != now:
            yield f'search.{key}: was "{was}", is "{now}"'


def problems(rounds: Sequence[Mapping[str, Any] | None], others: OtherTables) -> Problems:
    """rounds: as in the file; None for one that has a fault."""
    before, most = 0, others.epochs
    for place, one in enumerate(rounds):
        if one is None:
            continue
        path, epochs = ("search", "rounds", place, "epochs"), one["epochs"]
        if epochs <= before:
            yield path, f"must be > {before}, the {others.unit}s of the round before, got {epochs}"
        if most is not None and epochs > most:
            yield path, f"must be <= {most}, {others.epochs_key}, got {epochs}"
        before = epochs


def changed_rounds(recorded: Mapping[str, Any], rounds: Sequence[Round]) -> Iterator[str]:
    """Additional rounds, and more trials or epochs in the last round, extend a study. Other rounds cannot change, since
    later ones depend on their results."""
    before, after = recorded.get("rounds", []), [one.model_dump(mode="json") for one in rounds]
    for i, was in enumerate(before):
        now = after[i] if i < len(after) else {}
        is_last = i == len(before) - 1 and bool(now)
        if now != was and not (is_last and now["epochs"] >= was["epochs"] and now["trials"] >= was["trials"]):
            yield f"search.rounds.{i}: was {was}, is {now or 'absent'}"
