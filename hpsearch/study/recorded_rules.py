"""Rules whose default has changed: a recorded study keeps the rule that it was recorded with."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

Table = TypeVar("Table", bound=BaseModel | None)


def with_recorded_key(table: Table, key: str, recorded: Mapping[str, Any]) -> Table:
    """The table of a study file, with the recorded value of a key that the file does not have. recorded: the table as
    it was recorded."""
    if table is None or key in table.model_fields_set or key not in type(table).model_fields or key not in recorded:
        return table
    return table.model_copy(update={key: recorded[key]})
