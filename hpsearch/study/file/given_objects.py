"""A trainer, sampler or pruner that is given as a Python object: its name is written into the study's tables."""

from collections.abc import Callable
from typing import Any

from hpsearch.study.file.faults import Faults

ARGUMENTS = {"trainer": "trainer", "search": "sampler", "prune": "pruner"}
"""The arguments of `Study.from_dict` for objects, by section."""


def refuse_objects(tables: dict[str, Any], faults: Faults) -> None:
    """A fault for each Python object in a section, which has names only."""
    for section, argument in ARGUMENTS.items():
        own = tables.get(section)
        table = own if isinstance(own, dict) else {"use": own}
        for key in ("use", "command"):
            if callable(thing := table.get(key)) or hasattr(thing, "ask") or hasattr(thing, "judge"):
                name = getattr(thing, "__name__", type(thing).__name__)
                path = (section, key) if table is own else (section,)
                faults.add(path, f"must be text; pass the object as Study.from_dict(…, {argument}={name})")
                tables[section] = (table if table is own else {}) | {key: "given:object"}


def name_own(name: str, thing: object, tables: dict[str, Any], faults: Faults) -> None:
    """Write the module and name of a sampler or pruner as `use` into its section."""
    table = tables.setdefault(name, {})
    if not isinstance(table, dict):
        return
    if twice := [key for key in ("method", "use") if key in table]:
        faults.add((name, twice[0]), f"cannot be combined with a given {'sampler' if name == 'search' else 'pruner'}")
        return
    kind = thing if isinstance(thing, type) else type(thing)
    table["use"] = getattr(thing, "_hpsearch_use", f"{kind.__module__}:{kind.__name__}")


def name_trainer(tables: dict[str, Any], trainer: Callable[..., Any], faults: Faults) -> None:
    """Write the name of a trainer that is a Python object, and from_python = true, into the section [trainer]."""
    section = tables.setdefault("trainer", {})
    if not isinstance(section, dict):
        return
    if "use" in section and "from_python" not in section:
        faults.add(("trainer", "use"), "leave it out: the trainer is given as a Python object")
    function = getattr(trainer, "func", trainer)  # of a functools.partial
    module, name = getattr(function, "__module__", None), getattr(function, "__name__", type(function).__name__)
    section |= {"use": f"{module or '__main__'}:{name.strip('<>')}", "from_python": True}
