"""The base of all tables of a study file."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict

from hpsearch.core.trial import EPOCH
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.space import Space

Problems = Iterator[tuple[KeyPath, str]]
"""The key that has a fault, and the message."""


@dataclass(frozen=True)
class OtherTables:
    """Values of other tables. space, epochs (trainer.epochs), metric (study.metric): None if they have faults.

    names: the keys of [space], also those with faults. is_program: whether the trainer is a command or a script.
    unit: of `epochs`, see `Objective.unit`. epochs_key: the key of `epochs` in the file.
    """

    names: Collection[str]
    space: Space | None
    epochs: int | None
    metric: str | None = None
    is_program: bool = False
    unit: str = EPOCH
    epochs_key: str = "trainer.epochs"


class Section(BaseModel):
    """Frozen and strict: unknown keys, "3" for 3, 3.0 for a whole number and infinite values are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def problems(self, others: OtherTables) -> Problems:
        """Faults that concern several values."""
        yield from ()


def kinds(union: Any) -> dict[str, type[Section]]:
    """`method` -> class, of Search or Prune."""
    classes = get_args(get_args(union)[0])
    return {get_args(kind.model_fields["method"].annotation)[0]: kind for kind in classes}
