"""A search space or an experiment of NNI: https://nni.readthedocs.io/en/stable/hpo/search_space.html."""

from typing import Any

from hpsearch.study.translation import entries, methods
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.entries import Entry


def is_space(document: dict[str, Any]) -> bool:
    values = list(document.values())
    return bool(values) and all(isinstance(value, dict) and "_type" in value for value in values)


def is_experiment(document: dict[str, Any]) -> bool:
    return bool({"trialCommand", "searchSpace", "searchSpaceFile", "trialConcurrency"} & document.keys())


def read(document: dict[str, Any]) -> Draft:
    """A search space, or an experiment that has one in it."""
    draft = Draft("an experiment of NNI")
    if is_space(document):
        draft.kind = "a search space of NNI"
        space(draft, document)
        return draft
    inner = document.get("searchSpace")
    if isinstance(inner, dict):
        space(draft, inner)
    elif document.get("searchSpaceFile"):
        draft.note("space", f"the search space is in {document['searchSpaceFile']}, which --from reads too")
    settings(draft, document)
    return draft


def settings(draft: Draft, document: dict[str, Any]) -> None:
    """The keys of an experiment, beside its search space."""
    if document.get("experimentName"):
        draft.put("study", "name", str(document["experimentName"]))
    tuner = document.get("tuner") or {}
    given = tuner.get("classArgs") or {}
    methods.search(draft, tuner.get("name", "random"))
    if "optimize_mode" in given:
        methods.goal(draft, given["optimize_mode"])
    if "maxTrialNumber" in document:
        methods.trials(draft, document["maxTrialNumber"])
    if "trialConcurrency" in document:
        draft.put("resources", "workers", int(document["trialConcurrency"]))
    if document.get("maxExperimentDuration"):
        draft.put("limits", "study", str(document["maxExperimentDuration"]))
    if assessor := document.get("assessor"):
        methods.prune(draft, assessor.get("name"), (assessor.get("classArgs") or {}).get("start_step"))
    if document.get("trialCommand"):
        words = str(document["trialCommand"]).split()
        scripts = [word for word in words if word.endswith(".py")]
        if scripts:
            draft.put("trainer", "use", scripts[0], f"was `{' '.join(words)}`")
        draft.note("trainer", "nni.get_next_parameter() becomes the command line, nni.report_* hpsearch.report")


def space(draft: Draft, table: dict[str, Any], when: dict[str, Any] | None = None, group: str = "") -> None:
    """when: of a parameter in a branch of a nested choice, the branch's name."""
    for name, entry in table.items():
        key = f"{group}{name}".strip()
        try:
            value, comment = _entry(draft, key, entry)
        except (ValueError, KeyError, TypeError, IndexError, OverflowError) as problem:
            draft.note("space", f"{key} = {entry}: cannot be said ({problem})")
            continue
        draft.put("space", key, _conditional(value, when) if when else value, comment)


def _conditional(value: Any, when: dict[str, Any]) -> Any:
    entry = value if isinstance(value, dict) else {"values": value if isinstance(value, list) else [value]}
    return {**entry, "when": when}


def _entry(draft: Draft, name: str, entry: dict[str, Any]) -> Entry:
    kind, given = entry["_type"], entry["_value"]
    match kind:
        case "choice" if any(isinstance(one, dict) and "_name" in one for one in given):
            return _branches(draft, name, given)
        case "choice":
            return entries.choice(given)
        case "randint":
            return entries.integers(given[0], entries.number(given[1]) - 1)  # its upper end is left out
        case "uniform" | "loguniform":
            return entries.floats(*given[:2], log=kind == "loguniform")
        case "quniform" | "qloguniform":
            return entries.multiples(*given[:3], log=kind == "qloguniform")
        case "normal" | "qnormal" | "lognormal" | "qlognormal":
            return entries.normal(*given[:2], log="log" in kind)
    raise ValueError(f"the type {kind} has no counterpart")


def _branches(draft: Draft, name: str, given: list[Any]) -> Entry:
    """A nested choice: a choice of names, and the parameters of each branch under the condition."""
    names = [str(one["_name"]) if isinstance(one, dict) and "_name" in one else str(one) for one in given]
    for branch, own in zip(names, given, strict=True):
        inner = {key: value for key, value in own.items() if key != "_name"} if isinstance(own, dict) else {}
        space(draft, inner, {name: branch}, f"{name}_{branch}_")
    return entries.choice(names)
