"""How messages show keys and values, and guess what was meant."""

import datetime
import difflib
import json
import re
from collections.abc import Iterable

KeyPath = tuple[str | int, ...]
"""("search", "rounds", 0, "epochs"): where a value stands in a study file."""

_LONGEST = 60


def dotted(path: KeyPath) -> str:
    """`search.rounds.0.epochs`, as `--set` takes it; a part that is no bare TOML key (or endless) stands in quotes."""
    bare = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}")
    return ".".join(part if bare.fullmatch(part) else show(part) for part in map(str, path))


def show(value: object) -> str:
    """A value on one line, as TOML writes it, cut where it is long."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value if len(value) <= _LONGEST else value[:_LONGEST] + "…", ensure_ascii=False)
        case int() | float():
            return repr(value)
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case datetime.date() | datetime.time():
            return f"the date or time {value}"
    return f"a {type(value).__name__}"


def listed(values: Iterable[object]) -> str:
    """`"grid", "random"`, cut after twenty."""
    shown = [show(value) for value in values]
    return ", ".join([*shown[:20], "…"] if len(shown) > 20 else shown)


def meant(word: str, known: Iterable[str]) -> str:
    """ "; did you mean `trials`?", or "" where nothing known is near."""
    if not 0 < len(word) <= _LONGEST:
        return ""
    names = list(known)
    near = (
        [name for name in names if sorted(name) == sorted(word)]
        or difflib.get_close_matches(word, names, n=1)
        or difflib.get_close_matches(word.lower(), names, n=1)
        or [name for name in names if name.startswith(word)]
    )
    return f"; did you mean `{near[0]}`?" if near else ""
