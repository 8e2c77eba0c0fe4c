"""A search space or an experiment of NNI: https://nni.readthedocs.io/en/stable/hpo/search_space.html."""

import json
from pathlib import Path
from typing import Any

from hpsearch.study.translation import entries, methods
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.entries import Entry


def is_space(document: dict[str, Any]) -> bool:
    values = list(document.values())
    return bool(values) and all(isinstance(value, dict) and "_type" in value for value in values)


def is_experiment(document: dict[str, Any]) -> bool:
    return bool({"trialCommand", "searchSpace", "searchSpaceFile", "searchSpacePath"} & document.keys())


def read(document: dict[str, Any], folder: Path) -> Draft:
    """A search space, or an experiment that contains one or has one in a file beside it.

    folder: of the experiment's file.
    """
    draft = Draft("an experiment of NNI")
    if is_space(document):
        draft.kind = "a search space of NNI"
        space(draft, document)
        return draft
    inner = document.get("searchSpace") or _beside(draft, document, folder)
    if isinstance(inner, dict):
        space(draft, inner)
    settings(draft, document)
    return draft


def _beside(draft: Draft, document: dict[str, Any], folder: Path) -> Any:
    file = folder / str(document.get("searchSpaceFile") or document.get("searchSpacePath") or "search_space.json")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        draft.note("space", f"the search space is in {file.name}, which cannot be read: {problem}")
        return None


def settings(draft: Draft, document: dict[str, Any]) -> None:
    """The keys of an experiment, beside its search space."""
    if document.get("experimentName"):
        draft.put("study", "name", str(document["experimentName"]))
    tuner = document.get("tuner") or document.get("advisor") or {}
    given = tuner.get("classArgs") or {}
    methods.search(draft, tuner.get("name") or tuner.get("builtinTunerName") or "random")
    methods.seed(draft, given.get("seed"))
    methods.left_out(draft, "search", given, ("seed", "optimize_mode"))
    if "optimize_mode" in given:
        methods.goal(draft, given["optimize_mode"])
    if count := document.get("maxTrialNumber") or document.get("maxTrialNum"):
        methods.trials(draft, count)
    if "trialConcurrency" in document:
        draft.put("resources", "workers", int(document["trialConcurrency"]))
    limits = {"maxExperimentDuration": "study", "maxExecDuration": "study", "maxTrialDuration": "trial"}
    for theirs, ours in limits.items():
        if length := document.get(theirs):
            draft.put("limits", ours, f"{length}s" if str(length).isdecimal() else str(length))
    gpus = document.get("trialGpuNumber") or (document.get("trial") or {}).get("gpuNum")
    if isinstance(gpus, int) and gpus > 0:
        draft.put("resources", "per_trial", {"gpus": gpus})
    if assessor := document.get("assessor"):
        name = assessor.get("name") or assessor.get("builtinAssessorName")
        settings = assessor.get("classArgs") or {}
        methods.prune(draft, name, settings.get("start_step"))
        methods.left_out(draft, "prune", settings, ("start_step", "optimize_mode"))
    if command := document.get("trialCommand") or (document.get("trial") or {}).get("command"):
        words = str(command).split()
        scripts = [word for word in words if word.endswith(".py")]
        if scripts:
            draft.put("trainer", "use", scripts[0], f"was `{' '.join(words)}`")
        draft.note("trainer", "read the command line instead of nni.get_next_parameter(), report with hpsearch.report")


def space(draft: Draft, table: dict[str, Any], when: dict[str, Any] | None = None, group: str = "") -> None:
    """when: the condition of parameters in a branch of a nested choice."""
    for name, entry in table.items():
        key = f"{group}{name}".strip()
        try:
            value, comment = _entry(draft, key, entry)
        except (ValueError, KeyError, TypeError, IndexError, OverflowError) as problem:
            draft.not_translated(f"{key} = {entry}", problem)
            continue
        draft.put("space", key, entries.conditional(value, when) if when else value, comment)


def _entry(draft: Draft, name: str, entry: dict[str, Any]) -> Entry:
    kind, given = entry["_type"], entry["_value"]
    match kind:
        case "choice" if any(isinstance(one, dict) and "_name" in one for one in given):
            return _branches(draft, name, given)
        case "choice":
            return entries.choice(given)
        case "randint":
            return entries.integers(given[0], entries.number(given[1]) - 1)  # the upper end is excluded
        case "uniform" | "loguniform":
            return entries.floats(*given[:2], log=kind == "loguniform")
        case "quniform" | "qloguniform":
            return entries.multiples(*given[:3], log=kind == "qloguniform")
        case "normal" | "qnormal" | "lognormal" | "qlognormal":
            return entries.normal(*given[:2], log="log" in kind, step=given[2] if kind.startswith("q") else None)
    raise ValueError(f"the type {kind} has no counterpart")


def _branches(draft: Draft, name: str, given: list[Any]) -> Entry:
    """A nested choice: a choice of branch names; the parameters of each branch get a condition."""
    names = [str(one["_name"]) if isinstance(one, dict) and "_name" in one else str(one) for one in given]
    for branch, own in zip(names, given, strict=True):
        inner = {key: value for key, value in own.items() if key != "_name"} if isinstance(own, dict) else {}
        space(draft, inner, {name: branch}, f"{name}_{branch}_")
    return entries.choice(names)
