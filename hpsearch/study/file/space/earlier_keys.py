"""The keys `was` and `renamed` of the entries of [space], for earlier results of a space that has changed since."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from hpsearch.study.earlier_names import Earlier
from hpsearch.study.file.faults import Faults, literal
from hpsearch.study.file.kinds import NestedValue, RecordableName
from hpsearch.study.file.known_points import values_text
from hpsearch.study.space import Space, holds_value


class EarlierKeys(BaseModel):
    """Keys of ranges, choices and learning rates with auto = true."""

    was: NestedValue | None = Field(
        None, description="the value before this parameter was added, for earlier results that do not have it"
    )
    renamed: RecordableName | None = Field(None, description="the former name of this parameter, in earlier results")


def with_earlier(space: Space, table: Mapping[str, Any], faults: Faults) -> dict[str, Earlier]:
    """By the name of the parameter or family. table: [space] with whole names."""
    found: dict[str, Earlier] = {}
    names = {*space.fixed, *(one.name for one in space.parameters), *(one.name for one in space.families)}
    former: dict[str, str] = {}
    members = {one.name: one.members[0] for one in space.families}
    for name, raw in table.items():
        for at, entry in _entries(raw):
            was, renamed = entry.get("was"), entry.get("renamed", "")
            own = [one for one in space.parameters if one.name == members.get(name, name)]
            if was is not None and not any(holds_value(one, was) for one in own):
                must = " or ".join(dict.fromkeys(map(values_text, own)))
                faults.add(("space", name, *at, "was"), f"must be {must}, got {literal(was)}")
            if renamed in names:
                faults.add(("space", name, *at, "renamed"), f"is the name of another parameter, got {literal(renamed)}")
            elif former.setdefault(renamed, name) != name and renamed:
                problem = f"is the former name of `{former[renamed]}` too, got {literal(renamed)}"
                faults.add(("space", name, *at, "renamed"), problem)
            if was is not None or renamed:
                before = found.get(name, Earlier())
                found[name] = Earlier(before.was if was is None else was, renamed or before.renamed)
    return found


def written(earlier: Earlier | None) -> dict[str, Any]:
    """The keys of an entry."""
    table = {"was": earlier.was, "renamed": earlier.renamed or None} if earlier else {}
    return {key: value for key, value in table.items() if value is not None}


def _entries(raw: object) -> Iterator[tuple[Sequence[int], Mapping[str, Any]]]:
    if isinstance(raw, dict):
        yield (), raw
    elif isinstance(raw, list):
        yield from (((place,), one) for place, one in enumerate(raw) if isinstance(one, dict) and "when" in one)
