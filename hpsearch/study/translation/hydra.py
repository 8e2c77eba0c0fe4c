"""A sweep of Hydra, with its basic, Optuna or Ax sweeper: https://hydra.cc/docs/advanced/override_grammar/extended/."""

import ast
import math
import re
from decimal import Decimal
from typing import Any

from hpsearch.study.translation import entries, methods, wandb
from hpsearch.study.translation.draft import Draft, flat
from hpsearch.study.translation.entries import Entry

_SPACES = ("params", "search_space")

_METRICS = ("optimized_metric", "optimize_metric", "monitor", "metric")
"""Keys with which public templates name the metric that the script returns."""

_KEYS = {"type", "low", "bounds", "choices", "lower", "init", "sequence"}
"""A table with one of these keys is a range; other tables are groups of parameters."""

MOST_LISTED = 100
"""Values of a range that become a list."""

_WORD = re.compile(r"[A-Za-z_./][\w./:+-]*")


def is_sweep(document: dict[str, Any]) -> bool:
    return bool(_sweeper(document))


def _sweeper(document: dict[str, Any]) -> dict[str, Any]:
    hydra = document.get("hydra")
    found = hydra.get("sweeper") if isinstance(hydra, dict) else document.get("sweeper")
    found = found if isinstance(found, dict) else {}
    if isinstance(inner := found.get("optuna_config"), dict):  # before version 1.1 of the Optuna sweeper
        found = {**inner, **found}
    found = {key: value for key, value in found.items() if key not in _SPACES or isinstance(value, dict)}
    return found if {*_SPACES, "ax_config", "wandb_sweep_config"} & found.keys() else {}


def read(document: dict[str, Any]) -> Draft:
    draft = Draft("a sweep of Hydra")
    sweeper = _sweeper(document)
    ax = sweeper.get("ax_config") or {}
    if isinstance(of_wandb := sweeper.get("wandb_sweep_config"), dict):
        draft = wandb.read({"parameters": {}, **of_wandb})
        draft.kind = "a sweep of Hydra"
    draft.put("trainer", "style", "hydra")
    params = sweeper.get("params") or sweeper.get("search_space") or ax.get("params") or {}
    if isinstance(params.get("hyperparameters"), dict):  # of ConfigSpace
        params = params["hyperparameters"]
    _search(draft, document, sweeper)
    _space(draft, params, is_grid=draft.value("search", "method") == "grid")
    direction = sweeper.get("direction")
    metric = next((document[key] for key in _METRICS if isinstance(document.get(key), str)), "")
    if metric and "${" not in metric:
        draft.put("study", "metric", metric)
    if isinstance(direction, list) and len(direction) > 1:
        methods.objectives(draft, direction)
    elif direction:
        methods.goal(draft, direction[0] if isinstance(direction, list) else direction)
    if own := sweeper.get("custom_search_space"):
        draft.note("space", f"the function {own} adds parameters: write them here")
    if isinstance(name := sweeper.get("study_name"), str) and "${" not in name:
        draft.put("study", "name", name)
    count = sweeper.get("n_trials") or ax.get("max_trials")
    if isinstance(count, int):
        methods.trials(draft, count)
    if isinstance(sweeper.get("n_jobs"), int):
        draft.put("resources", "workers", sweeper["n_jobs"])
    return draft


def _search(draft: Draft, document: dict[str, Any], sweeper: dict[str, Any]) -> None:
    """The sampler with its settings; a sweep without one is a grid."""
    sampler = sweeper.get("sampler")
    settings = sampler if isinstance(sampler, dict) else {}
    method = settings.get("_target_") or _sampler_of_defaults(document)
    methods.seed(draft, settings.get("seed"))
    is_basic = not (sampler or sweeper.get("direction") or "n_trials" in sweeper or sweeper.get("ax_config"))
    if not sweeper.get("wandb_sweep_config"):
        methods.search(draft, method or ("grid" if is_basic else "tpe"))
    for key in ("n_startup_trials", "population_size"):
        if key in settings:
            methods.startup_trials(draft, settings[key])


def _sampler_of_defaults(document: dict[str, Any]) -> str | None:
    """The sampler in `defaults: [override hydra/sweeper/sampler: nsgaii]`."""
    defaults = document.get("defaults")
    for one in defaults if isinstance(defaults, list) else ():
        for key, value in one.items() if isinstance(one, dict) else ():
            if str(key).rpartition(" ")[2].lstrip("/") == "hydra/sweeper/sampler" and isinstance(value, str):
                return value
    return None


def _space(draft: Draft, params: dict[str, Any], *, is_grid: bool) -> None:
    for name, entry in _named(params):
        if name.startswith("~"):
            draft.note("space", f"{name}: removes a key of the configuration, which no parameter does")
            continue
        plain = name.lstrip("+")
        try:
            draft.put("space", plain, *_entry(entry, is_grid=is_grid))
        except (ValueError, KeyError, TypeError, SyntaxError, OverflowError) as problem:
            draft.not_translated(f"{name} = {entry}", problem)
            continue
        if plain != name:
            draft.note("space", f"{name} adds a key: write {plain} into the configuration, since hpsearch adds none")


def _named(params: dict[str, Any]) -> Any:
    for name, entry in params.items():
        if isinstance(entry, dict) and not _KEYS & entry.keys():
            yield from ((f"{name}.{inner}", one) for inner, one in flat(entry))
        else:
            yield str(name), entry


def _entry(entry: Any, *, is_grid: bool) -> Entry:
    if isinstance(entry, dict):
        return _configured(entry)
    if isinstance(entry, list):
        return entries.choice(entry)
    if not isinstance(entry, str):
        return entries.fixed(entry)
    return _listed(entry) if is_grid and entry.strip().startswith("range(") else _sweep(entry)


def _configured(entry: dict[str, Any]) -> Entry:
    """An entry of `search_space` of the Optuna sweeper, or of Ax."""
    if "choices" in entry or entry.get("type") in ("choice", "categorical", "ordinal"):
        return entries.choice(entry.get("choices") or entry.get("sequence") or entry["values"])
    if entry.get("type") in ("fixed", "constant"):
        return entries.fixed(entry["value"])
    low, high = entry.get("bounds") or (entry.get("low", entry.get("lower")), entry.get("high", entry.get("upper")))
    log = bool(entry.get("log") or entry.get("log_scale"))
    kind = entry.get("type")
    whole = kind in ("int", "uniform_int") or (kind == "range" and isinstance(low, int) and isinstance(high, int))
    return (entries.integers if whole else entries.floats)(low, high, log=log, step=entry.get("step"))


def _sweep(text: str) -> Entry:
    """Hydra's grammar: `1,2`, `choice(…)`, `range(…)`, `interval(…)`, `int(…)`, `tag(log, …)`, `shuffle(…)`."""
    parts = _parts(text)
    if len(parts) > 1:
        return entries.choice([_value(part) for part in parts])
    found = re.fullmatch(r"(\w+)\((.*)\)", text.strip(), re.DOTALL)
    if not found:
        return entries.fixed(_value(text))
    function, given = found[1], _parts(found[2])
    numbers = [part for part in given if "=" not in part]
    match function:
        case "choice":
            return entries.choice([_value(part) for part in given])
        case "shuffle":
            return _listed(given[0]) if len(given) == 1 else entries.choice([_value(part) for part in given])
        case "tag" if given[-1].strip().startswith(("interval", "int", "range")):
            return _with_log(given[-1]) if "log" in [part.strip() for part in given[:-1]] else _sweep(given[-1])
        case "int":
            value, comment = _sweep(given[0])
            return entries.integers(value["low"], value["high"], log=value.get("log", False))[0], comment
        case "interval" | "float" if len(numbers) > 1:
            return entries.floats(*(_value(part) for part in numbers[:2]))
        case "range":
            return entries.stepped(*_bounds(found[2]))
    raise ValueError(f"{function}(…) has no counterpart")


def _bounds(arguments: str) -> tuple[Any, Any, Any]:
    """start, stop and step of `range(…)`."""
    parts = _parts(arguments)
    named = {key.strip(): _value(value) for key, _, value in (part.partition("=") for part in parts) if value}
    numbers = [_value(part) for part in parts if "=" not in part]
    start, stop, *step = numbers if len(numbers) > 1 else [0, *numbers]
    return start, stop, named.get("step", step[0] if step else 1)


def _listed(text: str) -> Entry:
    """The values of a range as a list, without its upper end, which the Optuna sweeper includes elsewhere."""
    found = re.fullmatch(r"range\((.*)\)", text.strip(), re.DOTALL)
    if not found:
        return _sweep(text)
    low, high, step = (Decimal(str(entries.number(one))) for one in _bounds(found[1]))
    count = math.ceil((high - low) / step) if step else 0
    if not 0 < count <= MOST_LISTED:
        raise ValueError(f"a list of {count} values, at most {MOST_LISTED} are written")
    values = [low + step * at for at in range(count)]
    whole = all(value == int(value) for value in (low, high, step))
    return entries.choice([int(value) if whole else float(value) for value in values])


def _with_log(text: str) -> Entry:
    value, comment = _sweep(text)
    make = entries.integers if isinstance(value["low"], int) else entries.floats
    return make(value["low"], value["high"], log=True)[0], comment


def _parts(text: str) -> list[str]:
    """Split at the commas that are outside of brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        depth += (letter in "([{") - (letter in ")]}") if not quote else 0
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _value(text: str) -> Any:
    text = text.strip()
    if text.lower() in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text.lower()]
    if text.startswith("[") and text.endswith("]"):
        return [_value(part) for part in _parts(text[1:-1]) if part]
    if text.startswith("{") and text.endswith("}"):
        pairs = [part.partition(":") for part in _parts(text[1:-1]) if part]
        return {str(_value(key)): _value(value) for key, _, value in pairs}
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        if _WORD.fullmatch(text):
            return text
        raise ValueError(f"{text!r} is not a value") from None
