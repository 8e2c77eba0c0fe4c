"""The order of the parameters of a space."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from hpsearch.core.trial import Params


class Conditional(Protocol):
    """A parameter with a condition."""

    @property
    def name(self) -> str: ...

    @property
    def when(self) -> Mapping[str, Any]: ...


Some = TypeVar("Some", bound=Conditional)


def dependencies_first(parameters: Sequence[Some], fixed: Params) -> tuple[Some, ...]:
    """In the given order, except that each parameter comes after those in its condition. ValueError for a cycle or an
    unknown name."""
    ordered: list[Some] = []
    waiting, known = list(parameters), {*fixed, *(one.name for one in parameters)}
    while waiting:
        left = {one.name for one in waiting}
        first = next((p for p in waiting if all(name in known and name not in left for name in p.when)), None)
        if first is None:
            raise ValueError(
                f"`when` of {', '.join(p.name for p in waiting)} names itself, forms a cycle, or names no parameter"
            )
        ordered.append(first)
        waiting.remove(first)
    return tuple(ordered)
