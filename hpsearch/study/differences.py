"""The values in which two studies differ, as text."""

import json
from collections.abc import Mapping
from typing import Any

from hpsearch.study.file.faults import dotted
from hpsearch.study.file.lines import KeyPath


def differences(old: Mapping[str, Any], new: Mapping[str, Any], path: KeyPath = ()) -> list[str]:
    """`space.lr.low: was 1e-05, is 0.0001` for every value in which two identities differ."""
    found: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        here = (*path, key)
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += differences(before, after, here)
        elif (was := _json(old, key)) != (now := _json(new, key)):
            found.append(f"{dotted(here)}: was {was}, is {now}")
    return found


def _json(table: Mapping[str, Any], key: str) -> str:
    """As JSON, in which 1, 1.0 and true differ."""
    return json.dumps(table[key], ensure_ascii=False) if key in table else "absent"
