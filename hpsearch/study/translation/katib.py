"""An experiment of Katib: https://www.kubeflow.org/docs/components/katib/user-guides/hp-tuning/configure-experiment/."""

import re
from collections.abc import Iterator
from typing import Any

from hpsearch.study.translation import entries, methods
from hpsearch.study.translation.draft import Draft, toml
from hpsearch.study.translation.entries import Entry

_REFERENCE = re.compile(r"\$\{trialParameters\.([^}]+)\}")


def is_experiment(document: dict[str, Any]) -> bool:
    spec = document.get("spec", document)
    return isinstance(spec, dict) and isinstance(spec.get("parameters"), list) and "objective" in spec


def read(document: dict[str, Any]) -> Draft:
    draft = Draft("an experiment of Katib")
    spec = document.get("spec", document)
    if name := (document.get("metadata") or {}).get("name"):
        draft.put("study", "name", str(name))
    objective = spec["objective"]
    draft.put("study", "metric", str(objective.get("objectiveMetricName", "val_loss")))
    methods.goal(draft, objective.get("type", "minimize"))
    strategies = objective.get("metricStrategies") or ()
    if {"name": objective.get("objectiveMetricName"), "value": "latest"} in strategies:
        draft.put("study", "at", "last")
    if "goal" in objective:
        draft.put("limits", "target", entries.number(objective["goal"]))
    names = {str(one.get("name")): str(one.get("name")).lstrip("-") for one in spec["parameters"]}
    for one in spec["parameters"]:
        name = names[str(one.get("name"))]
        try:
            draft.put("space", name, *_entry(one))
        except (ValueError, KeyError, TypeError, OverflowError) as problem:
            draft.not_translated(f"{name} = {one}", problem)
    _search(draft, spec)
    if "maxTrialCount" in spec:
        methods.trials(draft, spec["maxTrialCount"])
    if "parallelTrialCount" in spec:
        draft.put("resources", "workers", int(spec["parallelTrialCount"]))
    if "maxFailedTrialCount" in spec:
        draft.put("limits", "max_failures", int(spec["maxFailedTrialCount"]))
    _command(draft, spec, names)
    _placeholders(draft)
    return draft


def _search(draft: Draft, spec: dict[str, Any]) -> None:
    """The algorithm and the early stopping, with their settings."""
    methods.search(draft, (spec.get("algorithm") or {}).get("algorithmName", "random"))
    for name, value in _settings(spec.get("algorithm") or {}):
        if name in ("random_state", "seed"):
            methods.seed(draft, value)
        elif name in ("n_startup_trials", "n_initial_points"):
            methods.startup_trials(draft, value)
        elif name == "eta" and draft.has("prune", "method"):
            draft.put("prune", "eta", max(int(entries.number(value)), 2))
        elif name == "r_l":
            draft.put("trainer", "epochs", max(int(entries.number(value)), 1), "r_l")
        elif name == "resource_name":
            draft.note("search", f"{value} was the number of epochs of a trial, now trainer.epochs: {{epochs}}")
        else:
            methods.left_out(draft, "search", {name: value})
    if stopping := spec.get("earlyStopping"):
        settings = dict(_settings(stopping))
        methods.prune(draft, stopping.get("algorithmName"), settings.pop("start_step", None))
        if draft.value("prune", "method") == "median" and "min_trials_required" in settings:
            draft.put("prune", "startup_trials", int(entries.number(settings.pop("min_trials_required"))))
        methods.left_out(draft, "prune", settings)


def _settings(section: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """algorithmSettings as pairs of name and value."""
    for one in section.get("algorithmSettings") or ():
        if isinstance(one, dict) and "name" in one:
            yield str(one["name"]), one.get("value")


def _placeholders(draft: Draft) -> None:
    """If a command has a parameter `epochs`, it becomes trainer.epochs, which is not searched."""
    value = draft.value("space", "epochs")
    if not draft.has("trainer", "command") or value is None:
        return
    longest = value["high"] if isinstance(value, dict) else max(value) if isinstance(value, list) else value
    draft.drop("space", "epochs")
    draft.note("space", f"epochs = {toml(value)}: {{epochs}} is trainer.epochs, the same for all trials")
    draft.put("trainer", "epochs", int(entries.number(longest)), "the largest of the parameter epochs")


def _entry(one: dict[str, Any]) -> Entry:
    kind, space = one.get("parameterType"), one["feasibleSpace"]
    distribution = str(space.get("distribution", "")).lower()
    is_log = "log" in distribution
    if kind in ("int", "double") and "normal" in distribution:
        value, comment = _range(kind, space, is_log)
        return value, f"was {space['distribution']} between these ends{f'; {comment}' if comment else ''}"
    if kind == "categorical":
        return entries.choice(space["list"])
    if kind == "discrete":
        return entries.choice([entries.number(value) for value in space["list"]])
    if kind in ("int", "double"):
        return _range(kind, space, is_log)
    raise ValueError(f"the type {kind} has no counterpart")


def _range(kind: str, space: dict[str, Any], is_log: bool) -> Entry:
    made = entries.integers if kind == "int" else entries.floats
    return made(space["min"], space["max"], log=is_log, step=space.get("step"))


def _command(draft: Draft, spec: dict[str, Any], names: dict[str, str]) -> None:
    """The command of the first container that has one, with placeholders of hpsearch."""
    template = spec.get("trialTemplate") or {}
    referred = {
        str(one.get("name")): names.get(str(one.get("reference")), str(one.get("reference")))
        for one in template.get("trialParameters") or ()
    }
    for container in _containers(template.get("trialSpec")):
        words = [str(word) for key in ("command", "args") for word in container.get(key) or ()]
        if words:
            own = [_word(word, referred) for word in words]
            draft.put("trainer", "command", own, "the command of the container, with paths of its image")
            draft.note("trainer", f'if it prints its metrics: metrics = {{ {_metric(draft)} = "…{{number}}" }}')
            return


def _word(word: str, referred: dict[str, str]) -> str:
    """With {NAME} for each reference; other braces are doubled."""
    texts_and_names = _REFERENCE.split(word)
    for at, part in enumerate(texts_and_names):
        doubled = part.replace("{", "{{").replace("}", "}}")
        texts_and_names[at] = f"{{{referred.get(part, part)}}}" if at % 2 else doubled
    return "".join(texts_and_names)


def _metric(draft: Draft) -> str:
    return next(str(line.value) for line in draft.lines["study"] if line.key == "metric")


def _containers(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "containers" and isinstance(value, list):
                yield from (one for one in value if isinstance(one, dict))
            else:
                yield from _containers(value)
    elif isinstance(node, list):
        for one in node:
            yield from _containers(one)
