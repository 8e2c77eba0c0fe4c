"""The story of a search in rounds, in words."""

from collections.abc import Mapping
from typing import Any

from hpsearch.core.format import columns, number
from hpsearch.samplers.recipe.history_of_rounds import outline


def text(document: Mapping[str, Any]) -> str:
    """A line for each round, then why each looks where it does."""
    rows = [["round", "trials", "to epoch", f"best {document['metric']}", "gained"]]
    rows += [_row(one) for one in document["rounds"]]
    notes = [line for one in document["rounds"] for line in ("", *outline(one))]
    return "\n".join([columns(rows), *notes, *(["", f"over: {document['over']}"] if document["over"] else [])])


def _row(one: Mapping[str, Any]) -> list[str]:
    older = sum(trial["continued"] for trial in one["trials"])
    count = f"{len(one['trials'])}" + (f", {older} of them continued" if older else "")
    best = f"{number(one['best']['value'])} (trial {one['best']['trial']})" if one["best"] else "none"
    gained = "" if one["gained"] is None else number(one["gained"]) if one["gained"] else "nothing"
    return [str(one["number"]), count, str(one["epochs"]), best, gained]
