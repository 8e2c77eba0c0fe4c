"""Samplers and pruners of users: imported by name, created with their arguments, and their source files hashed.

A study file names a class, or a result of `hpsearch.samplers.from_optuna`. In Python, the object itself may be given.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from hpsearch.core.errors import OwnMethodError
from hpsearch.core.history import History
from hpsearch.core.trial import Report, State, Trial
from hpsearch.orchestrator.own.own_pruner import OwnPruner
from hpsearch.orchestrator.own.own_sampler import OwnSampler, kind_of
from hpsearch.provenance.module_search import module_of
from hpsearch.provenance.sources import Sources, code_hash, file_hash
from hpsearch.samplers.optuna.adapter import Adapted, adapted, is_optuna_class
from hpsearch.samplers.optuna.distributions import quiet
from hpsearch.study import feasible
from hpsearch.study.definition import Study
from hpsearch.study.file import known_points
from hpsearch.study.file.prune_sections import OwnPrune
from hpsearch.study.file.search_sections import Own
from hpsearch.study.space import Space
from hpsearch.trainer.contract import import_object
from hpsearch.trainer.failures import short_traceback

SOURCES = "own_methods"
"""The kind of the journal's document with the hashes of their source files."""


# Of a study ──────────────────────────────────────────────────────────────────────────────────────


def sampler_of(study: Study) -> OwnSampler:
    """The sampler that [search] names, or that was passed to `Study.from_dict`. OwnMethodError."""
    section = study.search
    assert isinstance(section, Own)
    given = SamplerArguments(study.space, study.study.seed, study.trainer.epochs, section.trials)
    thing = _thing(study, "search", section.use)
    made = make_sampler(f'search.use = "{section.use}"', thing, section.options, given)
    return replace(made, known=known_points.points(study.space, section.first))


def pruner_of(study: Study) -> OwnPruner:
    """The pruner that [prune] names, or that was passed to `Study.from_dict`. OwnMethodError."""
    section = study.prune
    assert isinstance(section, OwnPrune)
    thing = _thing(study, "prune", section.use)
    return make_pruner(f'prune.use = "{section.use}"', thing, section.options, epochs=study.trainer.epochs)


def check(study: Study) -> None:
    """Create the user's sampler and pruner, and try a first proposal and a first verdict. OwnMethodError."""
    if isinstance(study.search, Own):
        sampler_of(study).ask(History(study.objective))
    if isinstance(study.prune, OwnPrune):
        report = Report(1, {study.objective.metric: 0.0})
        trial = Trial(0, feasible.centre(study.space), 0, study.trainer.epochs, State.RUNNING, curve=(report,))
        pruner_of(study).try_on(trial, History(study.objective, [trial]))


def _thing(study: Study, table: str, use: str) -> Any:
    if (given := study.own(table)) is not None:
        return given
    key = f'{table}.use = "{use}"'
    thing = import_object(key, use, study.folder, OwnMethodError)
    if not isinstance(thing, type | Adapted):
        raise OwnMethodError(f"{key} is {kind_of(thing)}; it must name a class, or a result of from_optuna")
    return thing


def modules(study: Study) -> Iterator[str]:
    """The modules of the user's sampler and pruner that a study names."""
    for table, section in (("search", study.search), ("prune", study.prune)):
        if isinstance(section, Own | OwnPrune) and study.own(table) is None:
            yield module_of(section.use, study.folder)


# Their source files ──────────────────────────────────────────────────────────────────────────────


def sources(study: Study) -> dict[str, Any]:
    """For each of their modules that is not installed: its file, and the hashes of file and code. For a class of a
    program or a notebook: its name, and the hash of its code."""
    found: dict[str, Any] = {}
    for table, section in (("search", study.search), ("prune", study.prune)):
        if isinstance(section, Own | OwnPrune):
            given = study.own(table)
            own = Sources.of(module_of(section.use, study.folder)) if given is None else Sources.of_object(given)
            for name, path in own.files.items():
                found[name] = {"file": _shown(path, study), "sha256": file_hash(path), "code": code_hash(path)}
            for name, digest in own.objects.items():
                found[name] = {"file": name, "sha256": digest, "code": digest}
    return found


def _shown(path: Path, study: Study) -> str:
    return str(path.relative_to(study.folder) if path.is_relative_to(study.folder) else path)


def changed_sources(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each changed file. Changes of comments or white space do not count."""
    for name, before in recorded.items():
        after = now.get(name)
        if after is None:
            yield f"{before['file']} is no longer used"
        elif before["sha256"] != after["sha256"] and before["code"] != after["code"]:
            yield f"{after['file']}: its code has changed since the study started"


# Making them ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class SamplerArguments:
    """Arguments that a study offers to a sampler's class. trials: search.trials, or None."""

    space: Space
    seed: int
    epochs: int
    trials: int | None = None


def make_sampler(name: str, thing: Any, options: Mapping[str, Any], given: SamplerArguments) -> OwnSampler:
    """thing: a class, a result of `from_optuna`, or an object with `ask`. OwnMethodError.

    A class is called with the options, and with those of space, seed, epochs and trials that its `__init__` takes.
    """
    if is_optuna_class(thing):
        with quiet(), catch_warnings():
            simplefilter("ignore")  # such as: the class is experimental, or has no seed (the study's is used)
            thing, options = adapted(_call(name, thing, options)), {}
    if not isinstance(thing, type | Adapted):
        _check_has(name, thing, "ask", options)
        return OwnSampler(name, partial(_same, thing), given.space, given.epochs, given.trials)
    arguments = _arguments(name, thing, vars(given), options)
    make = partial(_call, name, thing, arguments)
    return OwnSampler(name, make, given.space, given.epochs, given.trials, ends_itself="trials" in arguments)


def make_pruner(name: str, thing: Any, options: Mapping[str, Any], *, epochs: int) -> OwnPruner:
    """thing: a class, or an object with `judge`. OwnMethodError.

    A class is called with the options, and with epochs if its `__init__` takes it.
    """
    if not isinstance(thing, type):
        _check_has(name, thing, "judge", options)
        return OwnPruner(name, partial(_same, thing))
    return OwnPruner(name, partial(_call, name, thing, _arguments(name, thing, {"epochs": epochs}, options)))


def _same(thing: Any) -> Any:
    return thing


def _check_has(name: str, thing: object, method: str, options: Mapping[str, Any]) -> None:
    if not callable(getattr(thing, method, None)):
        raise OwnMethodError(f"{name} is {kind_of(thing)}; it must be a class, or an object with a method `{method}`")
    if options:
        raise OwnMethodError(f"{name} is an object, not a class, so it takes no options: {', '.join(options)}")


def _arguments(
    name: str, kind: Callable[..., Any], offered: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The options, and those of `offered` that the class takes. OwnMethodError for an option that is also offered."""
    try:
        parameters = inspect.signature(kind).parameters
    except ValueError:  # a class without a signature, such as one in C
        return dict(options)
    takes_all = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    own = {key: value for key, value in offered.items() if key in parameters or takes_all}
    if twice := sorted(own.keys() & options):
        raise OwnMethodError(f"{name}: options must not have {', '.join(twice)}, which hpsearch passes")
    return {**own, **options}


def _call(name: str, kind: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    called = getattr(kind, "__name__", type(kind).__name__)
    shown = f"{called}({', '.join(f'{key}=…' for key in arguments)})"
    try:
        inspect.signature(kind).bind(**arguments)
    except TypeError as problem:
        raise OwnMethodError(f"{name} cannot be created as {shown}: {problem}") from None
    except ValueError:  # it has no signature
        pass
    try:
        return kind(**arguments)
    except (Exception, SystemExit) as problem:
        raise OwnMethodError(f"{name} cannot be created as {shown}\n{short_traceback(problem)}") from None
