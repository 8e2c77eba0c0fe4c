"""The trials of a study in an Optuna storage: a database, or a journal file."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.core.errors import BadInput
from hpsearch.core.imported import MAX_IMPORTED, ImportedTrial, from_step_one, other_metrics
from hpsearch.core.redact import masked
from hpsearch.core.trial import Objective, State
from hpsearch.samplers.optuna.distributions import quiet
from hpsearch.study.cells import number_of
from hpsearch.study.file.faults import did_you_mean

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

LOCK_SECONDS = 5
"""The time to wait for another program's lock on a SQLite file."""


def read(
    where: str, address: str | Path, name: str | None, objective: Objective, columns: Mapping[str, str]
) -> tuple[str, list[ImportedTrial]]:
    """The name of the study, and its trials.

    where: for messages. address: a URL, or the path of a journal file. name: of the study, if the storage has several.
    columns: parameter -> its name there. BadInput: the storage cannot be read, or has no such study.
    """
    import optuna

    with quiet(), _storage(where, address) as storage:
        names = optuna.get_all_study_names(storage)
        if not names:
            raise BadInput(f"{where} has no Optuna study")
        if name is None and len(names) > 1:
            raise BadInput(f"{where} has {len(names)} studies: name one with --study: {', '.join(names[:20])}")
        name = name or names[0]
        if name not in names:
            raise BadInput(f"{where} has no study {name!r}{did_you_mean(name, names)}; it has {', '.join(names[:20])}")
        study = optuna.load_study(study_name=name, storage=storage)
        trials = study.get_trials(deepcopy=False)
        places = _places(f"{where}: study {name!r}", study, objective, columns)
    if len(trials) > MAX_IMPORTED:
        raise BadInput(f"{where}: study {name!r} has {len(trials):,} trials; at most {MAX_IMPORTED:,} can be imported")
    first = min((step for one in trials for step in one.intermediate_values), default=1)
    today = {there: own for own, there in columns.items()}
    attributes = {name: columns.get(name, name) for name in other_metrics(objective) if name not in places}
    found = []
    for one in trials:
        value, others = _values(one, places, attributes, objective.metric)
        imported = _imported(one, value, max(0, 1 - first), today)
        found.append(replace(imported, others={step: others for step, _ in imported.values[-1:]}))
    return name, found


def _values(
    trial: "FrozenTrial", places: Mapping[str, int], attributes: Mapping[str, str], metric: str
) -> tuple[float | None, dict[str, float]]:
    """The value of the metric, and the other metrics from further objectives and from user attributes."""
    own = {name: trial.values[place] for name, place in places.items()} if trial.values else {}
    noted = {name: number_of(trial.user_attrs.get(there)) for name, there in attributes.items()}
    others = own | {name: number for name, number in noted.items() if number is not None}
    return others.pop(metric, None), others


def _places(what: str, study: "Study", objective: Objective, columns: Mapping[str, str]) -> dict[str, int]:
    """The index of the Optuna objective for each goal's metric. BadInput if it is unknown, or if the directions differ.

    The objectives have the names of `set_metric_names`, otherwise those of Optuna's tables: value, values_0, values_1.
    """
    count = len(study.directions)
    given = list(study.metric_names or ())
    tables = ["value"] if count == 1 else [f"values_{i}" for i in range(count)]
    found: dict[str, int] = {}
    for goal in objective.goals:
        asked = columns.get(goal.metric, goal.metric)
        names = [place for place in range(count) if asked in (*given[place : place + 1], tables[place])]
        found |= {goal.metric: names[0]} if names else {}
    if not found and count == len(objective.goals):
        found = {goal.metric: place for place, goal in enumerate(objective.goals)}
    elif not found and count == 1:
        found = {objective.metric: 0}
    if objective.metric not in found:
        raise BadInput(
            f"{what} has the objectives {', '.join(given or tables)}; name the one for {objective.metric} with "
            f"`--columns {objective.metric}=NAME`"
        )
    for goal in objective.goals:
        own = study.directions[found[goal.metric]].name.lower() if goal.metric in found else goal.goal
        if own not in (goal.goal, "not_set"):
            raise BadInput(
                f"{what} has the direction {own}, but this study has the goal {goal.goal} for {goal.metric}: they are "
                "not the same metric"
            )
    return found


def _imported(trial: "FrozenTrial", value: float | None, shift: int, today: Mapping[str, str]) -> ImportedTrial:
    """shift: added to steps, which users of Optuna count from 0 or from 1. A final value that is neither the last nor
    the best value of the curve replaces it, because it measures something else than the reports."""
    from optuna.trial import TrialState

    curve = from_step_one([(step + shift, value) for step, value in trial.intermediate_values.items()])
    state = {TrialState.COMPLETE: State.COMPLETE, TrialState.PRUNED: State.PRUNED}.get(trial.state, State.FAILED)
    values: Sequence[tuple[int, float]] = curve
    if trial.state is TrialState.COMPLETE and value is not None:
        known = [value for _, value in curve]
        ends = [*known[-1:], min(known, default=math.nan), max(known, default=math.nan)]
        if not any(math.isclose(value, one) for one in ends):
            values = [(curve[-1][0] if curve else 0, value)]
    params = {today.get(name, name): value for name, value in trial.params.items()}
    return ImportedTrial(f"trial {trial.number}", params, values, state)


@contextmanager
def _storage(where: str, address: str | Path) -> Iterator["BaseStorage"]:
    """The storage, opened for reading: neither tables nor a file are created."""
    import optuna

    made: Any = None
    try:
        if isinstance(address, Path):
            from optuna.storages.journal import JournalFileBackend

            made = optuna.storages.JournalStorage(JournalFileBackend(str(address)))
        else:
            connect = {"timeout": LOCK_SECONDS} if address.startswith("sqlite") else {}
            engine = {"connect_args": connect}
            made = object.__new__(
                optuna.storages.RDBStorage
            )  # so that its engine can be disposed of if __init__ raises
            made.__init__(address, engine_kwargs=engine, skip_table_creation=True)
        yield made
    except BadInput:
        raise
    except Exception as problem:  # of any database driver
        text = " ".join(masked(str(problem.__cause__ or problem)).partition("[SQL:")[0].split())[:300]
        advice = ""
        if "locked" in text:
            advice = ": another program is writing to it; try again when it has ended"
        elif "no such table" in text or "does not exist" in text:
            advice = ": it has no Optuna study"
        elif "no longer compatible" in text:
            advice = ": `optuna storage upgrade --storage URL` upgrades it"
        raise BadInput(f"{where} cannot be read as an Optuna storage{advice} ({text})") from None
    finally:
        if hasattr(made, "engine"):
            made.remove_session()
            made.engine.dispose()
