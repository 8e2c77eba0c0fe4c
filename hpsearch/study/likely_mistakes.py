"""Warnings of `hpsearch check` and `plan`: valid settings that are probably mistakes, with what to write instead."""

import math
from collections.abc import Iterator, Sequence

from hpsearch.core.format import many, number
from hpsearch.core.metric_names import goal_of, split_of
from hpsearch.core.trial import key_of
from hpsearch.study import plan
from hpsearch.study.conditions import is_comparison, matches
from hpsearch.study.definition import Study
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.file.prune_sections import HalvingPrune, HyperbandPrune, MedianPrune, NeverPrune, PatiencePrune
from hpsearch.study.file.search_sections import (
    Bayesian,
    CoarseToFine,
    FixedList,
    Grid,
    ParameterSet,
    Random,
    Recipe,
)
from hpsearch.study.file.space.space_conditions import numbers_to_compare
from hpsearch.study.grid_counts import grid_size
from hpsearch.study.space import Choice, Float, Int, Parameter

Mistake = tuple[KeyPath, str]
"""The key in the study file, and the message."""

_NO_VALUE = ("none", "null", "nil", "~")

DECADES = 100
"""A range whose highest value is this many times the lowest is usually meant on a log scale."""

MIN_POWERS = 4
"""A list with at least this many powers of two is usually meant as a range."""

TWO_VALUES, TWO_INTEGERS = 10, 50
"""Two numbers, or two integers, that differ by this factor are usually meant as the ends of a range."""


def likely_mistakes(study: Study) -> list[Mistake]:
    """In the order of the file's sections."""
    in_space = [*_space(study), *_priors(study)]
    return [
        *selects_wrongly(study),
        *_once_for_a_family(study, in_space),
        *_trials(study),
        *_resources(study),
        *_without_effect(study),
    ]


def _once_for_a_family(study: Study, mistakes: Sequence[Mistake]) -> Iterator[Mistake]:
    """The members of a family are one entry of the file."""
    names = {member: family.name for family in study.space.families for member in family.members}
    found = (((table, names.get(str(name), name), *rest), text) for (table, name, *rest), text in mistakes)
    yield from dict.fromkeys(found)


def selects_wrongly(study: Study) -> list[Mistake]:
    """Those with which the best trial is probably not the best: `run` prints them as well."""
    return [*_goal(study), *_split(study)]


def _goal(study: Study) -> Iterator[Mistake]:
    goals: list[tuple[KeyPath, str, str]] = [(("study", "goal"), study.study.metric, study.study.goal)]
    if study.study.objectives is not None:
        several = enumerate(study.study.objectives)
        goals = [(("study", "objectives", place, "goal"), one.metric, one.goal) for place, one in several]
    for key, metric, own in goals:
        goal = goal_of(metric)
        if goal is not None and own != goal:
            better = "higher" if goal == "maximize" else "lower"
            yield key, f'is "{own}", but a {better} {metric} is usually better: write goal = "{goal}"'


def _split(study: Study) -> Iterator[Mistake]:
    """A metric of the training data or of the test set."""
    metric = study.study.metric
    if (split := split_of(metric)) is not None:
        why = {
            "training": "trials that memorise the training data win",
            "test": "the best of many trials is selected on it, so its test value is too good",
        }
        text = f"{metric} is measured on the {split} data, by its name: {why[split]}; report one of validation data"
        key: KeyPath = ("study", "metric") if study.study.objectives is None else ("study", "objectives", 0, "metric")
        yield key, text


def _space(study: Study) -> Iterator[Mistake]:
    for one in study.space.parameters:
        yield from _always_active(study, one)
        if isinstance(one, Choice):
            yield from _two_values(one)
            yield from _no_value(one)
            yield from _powers(one) if not isinstance(study.search, Grid) else ()
        elif isinstance(one, Int) and (one.low, one.high) == (0, 1) and _is_linear(one):
            text = "is 0 or 1; for a range of real numbers write { low = 0.0, high = 1.0 }"
            yield ("space", one.name), f"{text}, for a choice the values [0, 1]"
        elif _is_linear(one) and one.low > 0 and one.high / one.low >= DECADES:
            ends = f"from {number(one.low)} to {number(one.high)}"
            yield (
                ("space", one.name),
                f"is drawn uniformly {ends}, so 90 % of the values are above {number(one.high / 10)}: write log = true",
            )


def _always_active(study: Study, parameter: Parameter) -> Iterator[Mistake]:
    """The comparisons of a list are alternatives, such as [">= 2", "<= 4"], and are usually meant together."""
    for name, allowed in parameter.when.items():
        comparisons = [one for one in allowed if is_comparison(one)]
        own = [one for one in study.space.parameters if one.name == name]
        if len(comparisons) > 1 and all(
            any(matches(number, one) for one in allowed)
            for entry in own
            for number in numbers_to_compare(entry, comparisons)
        ):
            text = (
                f'holds for each {name}, because a list has alternatives: write one text, "{" and ".join(comparisons)}"'
            )
            yield ("space", parameter.name, "when", name), text


def _no_value(choice: Choice) -> Iterator[Mistake]:
    """ "None" or "null" among numbers is a text for the trainer; "none" arrives as None."""
    texts = [value for value in choice.values if isinstance(value, str)]
    if len(texts) == 1 and len(choice.values) > 1 and texts[0].lower() in _NO_VALUE and texts[0] != "none":
        yield ("space", choice.name), f'has the text "{texts[0]}": write "none", which the trainer gets as None'


def _priors(study: Study) -> Iterator[Mistake]:
    """Priors that the search method does not use."""
    search = study.search
    if search.traits.uses_priors:
        return
    for one in study.space.parameters:
        if one.prior is not None:
            text = f"has no effect: {search.label} search does not use it"
            yield ("space", one.name, "prior"), text


def _is_linear(one: Float | Int) -> bool:
    return not one.log and one.step is None and not one.grid and not (isinstance(one, Float) and one.scale)


def _two_values(choice: Choice) -> Iterator[Mistake]:
    values = [value for value in choice.values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(choice.values) != 2 or len(values) != 2:
        return
    low, high = sorted(values)
    factor = TWO_VALUES if any(isinstance(value, float) for value in values) else TWO_INTEGERS
    if low > 0 and high / low >= factor:
        text = f"is a choice of two values; for a range write {{ low = {low!r}, high = {high!r}, log = true }}"
        yield ("space", choice.name), text


def _powers(choice: Choice) -> Iterator[Mistake]:
    """Powers of two one by one: a choice has no order, so a sampler learns nothing about the values in between."""
    values = [value for value in choice.values if type(value) is int and value > 0]
    if len(values) < MIN_POWERS or len(values) != len(choice.values):
        return
    low, high = min(values), max(values)
    if low & (low - 1) == 0 and {low * 2**place for place in range(len(values))} == set(values):
        text = f"is a choice without an order: write {{ low = {low}, high = {high}, powers_of = 2 }}"
        yield ("space", choice.name), text


def _trials(study: Study) -> Iterator[Mistake]:
    """More trials than the space has points."""
    points = number_of_points(study)
    if points is not None and isinstance(study.search, Random | Bayesian) and study.search.trials > points:
        text = f"exceeds the {many(points, 'point')} of the space: the search ends after {many(points, 'trial')}"
        yield ("search", "trials"), text
    if isinstance(study.search, FixedList):
        yield from _equal_sets(study.search.sets)
    rounds = study.search.rounds if isinstance(study.search, CoarseToFine | Recipe) else ()
    for place, one in enumerate(rounds):
        if points is not None and one.trials > points:
            yield ("search", "rounds", place, "trials"), f"exceeds the {many(points, 'point')} of the space"


def _equal_sets(sets: Sequence[ParameterSet]) -> Iterator[Mistake]:
    known = set[str]()
    for place, one in enumerate(sets):
        if (own := key_of(one.params)) in known:
            yield ("search", "sets", place), "has the same parameters as an earlier set; several seeds are seeds = 2"
        known.add(own)


def number_of_points(study: Study) -> int | None:
    """None if the space is continuous, or too large to count."""
    parameters = study.space.parameters
    if any(isinstance(one, Float | Int) and (one.count is None or one.grid or one.points) for one in parameters):
        return None
    return grid_size(study.space)


def _resources(study: Study) -> Iterator[Mistake]:
    resources, trials = study.resources, plan.trials(study)
    if resources.address == "none":
        if resources.workers is not None and resources.workers > 1:
            yield ("resources", "workers"), 'saves no time with address = "none": trials share one process'
        if resources.per_trial.memory is not None:
            yield ("resources", "per_trial", "memory"), 'has no effect with address = "none": it limits Ray\'s workers'
        if "isolation" in resources.model_fields_set and resources.isolation == "process":
            yield ("resources", "isolation"), 'has no effect with address = "none": trials share this process'
    if resources.workers is not None and trials is not None and resources.workers > trials:
        idle = many(resources.workers - trials, "worker")
        text = f"exceeds the {many(trials, 'trial')} of the search: {idle} would idle"
        yield ("resources", "workers"), text


def _limits_that_never_act(study: Study) -> Iterator[Mistake]:
    limits, trials = study.limits, plan.trials(study)
    if limits.stall is not None and limits.trial is not None and limits.stall >= limits.trial:
        yield ("limits", "stall"), "has no effect: limits.trial ends a trial before that"
    if limits.trial is not None and limits.study is not None and limits.trial >= limits.study:
        yield ("limits", "trial"), "has no effect: limits.study ends the study before that"
    if "max_failures" in limits.model_fields_set and trials is not None and limits.max_failures > trials:
        yield ("limits", "max_failures"), f"has no effect: the search has {many(trials, 'trial')}"
    search = study.search
    is_written = isinstance(search, Bayesian) and "startup_trials" in search.model_fields_set
    if is_written and isinstance(search, Bayesian) and search.startup_trials >= search.trials and not search.learn_from:
        text = f"leaves no trial for the model: the search has {many(search.trials, 'trial')}, all drawn at random"
        yield ("search", "startup_trials"), text


def _without_effect(study: Study) -> Iterator[Mistake]:
    """Settings without an effect."""
    epochs, unit, trials = study.trainer.epochs, study.trainer.word, plan.trials(study)
    stopping = study.early_stopping
    if stopping is not None and stopping.patience + (stopping.from_epoch or 1) - 1 >= epochs:
        yield ("early_stopping", "patience"), f"can stop no trial: a trial trains at most {many(epochs, unit)}"
    if study.limits.target is not None and study.limits.target < 0 and study.study.goal == "minimize":
        text = f"is negative: if {study.study.metric} cannot be negative, it is never reached"
        yield ("limits", "target"), text
    in_rounds = isinstance(study.search, CoarseToFine | Recipe)
    if study.limits.epochs is not None and study.limits.epochs < epochs and not in_rounds:
        length = f"{many(epochs, unit)} ({study.trainer.length_key})"
        text = f"ends the study before its first trial has trained all {length}"
        yield ("limits", "epochs"), text
    yield from _limits_that_never_act(study)
    if study.limits.gpu_hours is not None and study.resources.per_trial.gpus == 0:
        yield ("limits", "gpu_hours"), "has no effect: trials use no GPU; write [resources] per_trial = { gpus = 1 }"
    if study.prune is not None and not isinstance(study.prune, NeverPrune) and epochs == 1:
        yield ("prune",), f"can stop no trial: trials train 1 {unit}"
        return
    needed = math.inf
    if isinstance(study.prune, PatiencePrune) and study.prune.patience >= epochs:
        yield ("prune", "patience"), f"can stop no trial: a trial trains at most {many(epochs, unit)}"
    if isinstance(study.prune, MedianPrune):
        needed = study.prune.startup_trials + 1
    elif isinstance(study.prune, HalvingPrune | HyperbandPrune):
        needed = study.prune.eta
    if trials is not None and needed < math.inf and trials < needed:
        yield ("prune",), f"can stop no trial: it compares at least {needed} trials, and the search has {trials}"
    for key, most, planned in (
        ("trials", study.limits.trials, plan.trials_without_limit(study)),
        ("epochs", study.limits.epochs, plan.planned_epochs(study)),
    ):
        is_written = study.search.auto is None or key != "epochs"  # auto writes its budget there
        if most is not None and planned and most > planned and is_written:
            yield ("limits", key), f"has no effect: the search has at most {planned} {key}"
