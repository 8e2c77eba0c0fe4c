"""Search methods, pruners, goals and limits of other tools as lines of [search], [prune], [study] and [limits]."""

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

from hpsearch.study.translation.draft import Draft, Line, name_of, toml
from hpsearch.study.translation.entries import number

MOST_GOALS = 3

BAYESIAN = {"method": "bayesian"}
SEARCHES: dict[str, dict[str, Any]] = {
    "grid gridsearch bruteforce": {"method": "grid"},
    "random randomsearch basicvariant basicvariantgenerator sobol qmc halton": {"method": "random"},
    "tpe multivariatetpe hyperopt hyperoptsearch optuna optunasearch bohb tunebohb": {**BAYESIAN, "sampler": "tpe"},
    "gp gptuner bayesianoptimization botorch metis skopt skoptsearch bayesoptsearch": {**BAYESIAN, "sampler": "gp"},
    "nsga nsgaii nsgaiii nsga2 motpe": {**BAYESIAN, "sampler": "nsga2"},
    "cmaes cma": {**BAYESIAN, "sampler": "cmaes"},
    "bayes bayesian": BAYESIAN,
}
PRUNERS: dict[str, str] = {
    "hyperband asynchyperband asynchyperbandscheduler hyperbandscheduler hyperbandforbohb": "hyperband",
    "asha ashascheduler sha successivehalving halving": "halving",
    "median medianstop medianstopping medianstoppingrule": "median",
    "nop none fifo fifoscheduler": "never",
}


def _plain(word: object) -> str:
    """Normalized: TPESampler, "tpe" and `optuna.samplers.TPESampler` give the same word."""
    last = str(word).rpartition(".")[2]
    return re.sub(r"(sampler|pruner|tuner|assessor|search(?=er))$", "", re.sub(r"[^a-z]", "", last.lower()))


def search(draft: Draft, word: object) -> None:
    """Set the search method of this name; an unknown one becomes "bayesian", with a comment."""
    for words, lines in SEARCHES.items():
        if _plain(word) in words.split():
            for key, value in lines.items():
                draft.put("search", key, value)
            return
    if _plain(word) in ("hyperband", "asha", "pbt", "populationbasedtraining"):
        draft.put("search", "method", "random", f"was {word}")
        prune(draft, "hyperband" if _plain(word) == "hyperband" else word)
        return
    draft.put("search", "method", "bayesian", f"was {word}, which hpsearch does not have")


def trials(draft: Draft, count: object) -> None:
    if draft.has("search", "method") and any(line.value == "grid" for line in draft.lines["search"]):
        draft.note("search", f"a grid search trains all its points; the number of trials was {count}")
        return
    draft.put("search", "trials", max(1, int(number(count))))


def prune(draft: Draft, word: object, first: object = None, eta: object = None) -> None:
    """first: the epoch of the first decision."""
    for words, method in PRUNERS.items():
        if _plain(word) in words.split():
            draft.put("prune", "method", method)
            if first is not None and method != "never":
                key = "warmup_epochs" if method == "median" else "min_epochs"
                draft.put("prune", key, max(int(number(first)), 1))
            if eta is not None and method in ("halving", "hyperband"):
                draft.put("prune", "eta", max(int(number(eta)), 2))
            return
    draft.note("prune", f"the scheduler {word} has no counterpart: see [prune]")


def seed(draft: Draft, value: object) -> None:
    """The seed of the search."""
    if isinstance(value, int | str) and not isinstance(value, bool) and str(value).isdecimal():
        draft.put("study", "seed", int(value))


def startup_trials(draft: Draft, value: object) -> None:
    """The random trials before the first model, or the population of NSGA-II."""
    if draft.value("search", "method") == "bayesian" and str(value).isdecimal() and int(str(value)) > 0:
        draft.put("search", "startup_trials", int(str(value)))


def left_out(draft: Draft, table: str, settings: Mapping[str, object], known: Container[str] = ()) -> None:
    """A comment for each setting that is not `known`."""
    for name, value in settings.items():
        if name not in known:
            draft.note(table, f"the setting {name} = {value} is left out: it has no counterpart")


def goal(draft: Draft, word: object) -> None:
    draft.put("study", "goal", "maximize" if str(word).lower().startswith("max") else "minimize")


def objectives(draft: Draft, words: Sequence[object], names: Sequence[object] = ()) -> None:
    """Add several goals. names: of their metrics, if the file has them."""
    if len(words) == 1:
        goal(draft, words[0])
        return
    given = [str(name) for name in names] if len(names) == len(words) else [f"value_{i}" for i in range(len(words))]
    goals = ["maximize" if str(word).lower().startswith("max") else "minimize" for word in words]
    pairs = [{"metric": name, "goal": own} for name, own in zip(given, goals, strict=True)]
    if len(pairs) > MOST_GOALS:
        draft.note("study", f"a study has at most {MOST_GOALS} goals; there were {len(pairs)}")
    draft.put(
        "study", "objectives", pairs[:MOST_GOALS], "" if names else "the names of the metrics are not in the file"
    )


def first(draft: Draft, points: Sequence[object]) -> None:
    """Add points that the other tool tries first; `completed` writes them."""
    draft.first += [{str(name): value for name, value in one.items()} for one in points if isinstance(one, dict)]


def _put_first(draft: Draft) -> None:
    """Write [search] first. A point that lacks a searched parameter becomes a comment, because it cannot be used."""
    lines = [line for line in draft.lines.get("space", ()) if line.key and line.key != "constraints"]
    known = {line.key for line in lines}
    searched = {
        line.key
        for line in lines
        if (isinstance(line.value, dict) and "when" not in line.value) or isinstance(line.value, list)
    }
    found = []
    for point in draft.first:
        named = {name_of(name): value for name, value in point.items()}
        if searched <= named.keys() <= known:
            found += [point] if point not in found else []
        else:
            draft.note("search", f"tried first, but without a value for each parameter: {toml(point)}")
    most = draft.value("search", "trials") or len(found)
    if found:
        draft.put("search", "first", found[:most], "" if len(found) <= most else "the first of them")


def _without_groups(draft: Draft) -> None:
    """In TOML a key is a value or a table: with `model.width`, a parameter `model` becomes a comment."""
    lines = draft.lines.get("space", [])
    for line in list(lines):
        if line.key and any(other.key.startswith(f"{line.key}.") for other in lines):
            lines.remove(line)
            draft.note("space", f"{line.key} = {toml(line.value)}: its name is also the name of a group")


def _without_grid(draft: Draft) -> None:
    """Check a grid: each parameter needs values or a step, and there is no number of trials."""
    if draft.value("search", "method") != "grid":
        return
    endless = [
        line.key
        for line in draft.lines.get("space", ())
        if isinstance(line.value, dict) and isinstance(line.value.get("low"), float) and "step" not in line.value
    ]
    if endless:
        draft.put("search", "method", "random", f"was grid, but a grid needs a step for {endless[0]}")
    else:
        draft.drop("search", "trials")


def completed(draft: Draft) -> Draft:
    """The draft with all required keys; those that were not in the file have a comment."""
    _without_groups(draft)
    _without_grid(draft)
    _put_first(draft)
    has_goals = draft.has("study", "objectives")
    for key in ("metric", "goal") if has_goals else ():
        draft.drop("study", key)
    required: dict[str, list[Line]] = {"study": [], "trainer": [], "search": []}
    given = required | {key: list(lines) for key, lines in draft.lines.items()}
    missing = Draft(draft.kind)
    if not draft.has("study", "name"):
        missing.put("study", "name", "my-study")
    if not draft.has("study", "metric") and not has_goals:
        is_loss = not any(line.value == "maximize" for line in draft.lines.get("study", ()))
        guess = "val_loss" if is_loss else "val_accuracy"
        missing.put("study", "metric", guess, "not in the file: a metric that the trainer reports")
    if not draft.has("study", "goal") and not has_goals:
        missing.put("study", "goal", "minimize", "not in the file")
    if not draft.has("trainer", "use") and not draft.has("trainer", "command"):
        missing.put("trainer", "use", "train.py", "not in the file: the script or function that trains")
    if not draft.has("trainer", "epochs"):
        missing.put("trainer", "epochs", 20, "not in the file: the maximum epochs (or reports) of one trial")
    if not draft.has("search", "method"):
        missing.put("search", "method", "bayesian", "not in the file")
    draft.lines = {table: [*missing.lines.get(table, []), *lines] for table, lines in given.items()}
    methods = [line.value for line in draft.lines["search"] if line.key == "method"]
    if methods != ["grid"] and not draft.has("search", "trials"):
        draft.put("search", "trials", 50, "not in the file")
    return draft
