"""The keys `was` and `renamed` of an entry of [space], for earlier results: the value before the parameter was added,
and its former name."""

from dataclasses import dataclass

from hpsearch.core.trial import Value


@dataclass(frozen=True)
class Earlier:
    """was: the value in the code before the parameter was added; None: unknown. renamed: the former name, or ""."""

    was: Value | None = None
    renamed: str = ""
