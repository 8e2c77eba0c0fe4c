"""A sweep of W&B: https://docs.wandb.ai/models/sweeps/sweep-config-keys."""

import math
from typing import Any

from hpsearch.study.translation import entries, methods
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.entries import Entry, number

ETA = 3
"""W&B's default: a run continues if it is among the best 1/ETA."""

_EPOCHS = ("epochs", "num_epochs", "max_epochs", "n_epochs")


def is_sweep(document: dict[str, Any]) -> bool:
    return isinstance(document.get("parameters"), dict) and bool({"method", "program", "metric"} & document.keys())


def read(document: dict[str, Any]) -> Draft:
    draft = Draft("a sweep of W&B")
    _study(draft, document)
    parameters = dict(_named(document["parameters"]))
    for name, entry in parameters.items():
        try:
            value, comment = _entry(entry)
        except (ValueError, KeyError, TypeError, OverflowError) as problem:
            draft.not_translated(f"{name} = {entry}", problem)
            continue
        draft.put("space", name, value, comment)
        if name.rpartition(".")[2] in _EPOCHS:
            _epochs(draft, name, value)
    if "search" in draft.lines and isinstance(document.get("run_cap"), int | str):
        methods.trials(draft, document["run_cap"])
    _pruning(draft, document.get("early_terminate"))
    return draft


def _study(draft: Draft, document: dict[str, Any]) -> None:
    if name := entries.text(document.get("name")):
        draft.put("study", "name", name)
    metric = document.get("metric")
    if isinstance(metric, dict):
        if name := entries.text(metric.get("name")):
            draft.put("study", "metric", name)
        methods.goal(draft, metric.get("goal", "minimize"))
        if "target" in metric and not isinstance(metric["target"], entries.Unread):
            draft.put("limits", "target", number(metric["target"]))
    program, command = entries.text(document.get("program")), document.get("command")
    if program:
        draft.put("trainer", "use", program, "it reports with hpsearch.report(epoch, {…}), see docs/forms.md")
    if isinstance(command, list):
        if any("args_no_hyphens" in str(word) for word in command):
            draft.put("trainer", "style", "hydra")
        if any("args_json" in str(word) for word in command):
            draft.note("trainer", "the command had the parameters as JSON; that is not translated")
        own = [str(word) for word in command if "${" not in str(word) and str(word) not in ("python", "python3")]
        if own:
            draft.note("trainer", f"the command had further arguments: {' '.join(own)}")
    methods.search(draft, entries.text(document.get("method")) or "random")


def _named(parameters: dict[str, Any], group: str = "") -> Any:
    for name, entry in parameters.items():
        if isinstance(entry, dict) and isinstance(entry.get("parameters"), dict):
            yield from _named(entry["parameters"], f"{group}{name}.")
        else:
            yield f"{group}{name}", entry


def _entry(entry: Any) -> Entry:
    if not isinstance(entry, dict):
        return entries.choice(entry) if isinstance(entry, list) else entries.fixed(entry)
    if "values" in entry:
        value, comment = entries.choice(entry["values"])
        weights = "probabilities are left out: all values have the same probability" if "probabilities" in entry else ""
        return value, comment or weights
    if "value" in entry:
        return entries.fixed(entry["value"])
    kind = entry.get("distribution") or _kind(entry)
    if "normal" in kind:
        step = entry.get("q", 1) if kind.startswith("q_") else None
        return entries.normal(entry.get("mu", 0), entry.get("sigma", 1), log="log" in kind, step=step)
    low, high = number(entry["min"]), number(entry["max"])
    rounded = {"step": entry.get("q", 1)} if kind.startswith("q_") else {}
    # log(1 / value) is uniform with `inv_`, and so is log(value)
    is_log, stem = "log" in kind, kind.removeprefix("q_").removeprefix("inv_")
    if stem == "log_uniform":  # its ends are exponents of e
        low, high = (-high, -low) if kind.startswith("inv_") else (low, high)
        low, high = float(f"{math.exp(low):.6g}"), float(f"{math.exp(high):.6g}")
    if stem not in ("uniform", "int_uniform", "log_uniform", "log_uniform_values"):
        raise ValueError(f"the distribution {kind} has no counterpart")
    if stem == "int_uniform":
        return entries.integers(low, high)
    if rounded:
        return entries.multiples(low, high, rounded["step"], log=is_log)
    return entries.floats(low, high, log=is_log)


def _kind(entry: dict[str, Any]) -> str:
    """W&B's default: whole numbers if both ends are whole."""
    ends = [number(entry[key]) for key in ("min", "max")]
    return "int_uniform" if all(isinstance(end, int) for end in ends) else "uniform"


def _epochs(draft: Draft, name: str, value: Any) -> None:
    longest = value.get("high") if isinstance(value, dict) else max(value) if isinstance(value, list) else value
    if isinstance(longest, int) and not isinstance(longest, bool) and longest > 0:
        draft.put(
            "trainer",
            "epochs",
            longest,
            f"the largest value of {name}, which need not be searched",
        )


def _pruning(draft: Draft, entry: Any) -> None:
    """Its hyperband stops a run that is not among the best 1/eta at one of its brackets, which are the epochs min_iter,
    min_iter * eta, … or max_iter / eta, max_iter / eta^2, … (s of them): what hpsearch calls halving."""
    if not isinstance(entry, dict):
        return
    eta = int(number(entry.get("eta", ETA)))
    first = entry.get("min_iter")
    if "max_iter" in entry:
        longest = max(int(number(entry["max_iter"])), 1)
        draft.put("trainer", "epochs", longest, "max_iter")
        if first is None and eta > 1:
            first = longest // eta ** int(number(entry.get("s", 1)))
    kind = entry.get("type", "hyperband")
    methods.prune(draft, "halving" if kind == "hyperband" else kind, first, entry.get("eta"))
    if draft.value("prune", "method") == "halving":
        draft.put("prune", "promote", value=False, comment="it ends runs, and never continues one")
    methods.left_out(draft, "prune", entry, ("type", "min_iter", "eta", "max_iter", "s"))
