"""Searched parameters that the source of the trainer does not use, and the names that it uses in their place."""

import difflib
import re
from collections.abc import Mapping, Set

from hpsearch.core.messages import Unread
from hpsearch.study.space import Space
from hpsearch.trainer.arguments import delivered_names, head

MIN_ABBREVIATION = 2
"""The fewest letters of an abbreviation such as "lr" for "learning_rate"."""


def unused(space: Space, used: Set[str] | None, given: Set[str]) -> Mapping[str, Unread]:
    """By parameter. used: the names that the trainer may read; None if they are not known: then no parameter is named.
    given: all names that the trainer gets."""
    if used is None:
        return {}
    found = {}
    for one in space.parameters:
        (name,) = delivered_names(space, [one.name])
        if not {name, head(name)} & used:
            near = nearest(name, used - given)
            found[one.name] = Unread((name,), (near,) if near else ())
    return found


def nearest(name: str, others: Set[str]) -> str:
    """The name that is probably meant by this one: similar, or its abbreviation, or a longer form of it; "" if there is
    none."""
    by_letters = {one.replace("_", "").lower(): one for one in sorted(others)}
    if (same := by_letters.get(name.replace("_", "").lower())) is not None:
        return same
    if near := difflib.get_close_matches(name, sorted(others), n=1, cutoff=0.75):
        return near[0]
    return next((one for one in sorted(others) if _abbreviates(one, name) or _abbreviates(name, one)), "")


def _abbreviates(short: str, long: str) -> bool:
    """lr: learning_rate. batch: batch_size. wd: weight_decay."""
    words = re.findall(r"[A-Za-z]+|\d+", long)
    initials = "".join(word[0] for word in words)
    is_long_enough = len(short) >= MIN_ABBREVIATION and len(words) > 1
    return is_long_enough and short.lower() in (initials.lower(), words[0].lower())
