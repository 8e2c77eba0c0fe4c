"""What an entry of [space] says about earlier results: a former name, and the value where a result lacks it."""

from dataclasses import dataclass

from hpsearch.core.trial import Value


@dataclass(frozen=True)
class Earlier:
    """was: the value that the code had before the parameter was added; None: unknown. renamed: its former name, or
    ""."""

    was: Value | None = None
    renamed: str = ""
