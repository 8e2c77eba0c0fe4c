"""Longer training of a recorded study: which trials continue when trainer.epochs is raised, and which start again."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import EXTENDED, Decision
from hpsearch.core.errors import StudyChanged
from hpsearch.core.folders import nearby
from hpsearch.core.format import many, named
from hpsearch.core.trial import Cause, State, Trial, key_of
from hpsearch.orchestrator.judging import planned_end
from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import CoarseToFine, FixedList, Recipe
from hpsearch.workers.checkpoints import BEST, CheckpointStore


@dataclass(frozen=True)
class ExtendRequest:
    """A request to train finished trials longer. best: only this number of best trials; None: all. from_scratch: train
    trials without a checkpoint again from epoch 1; without it, such a request is refused."""

    best: int | None = None
    from_scratch: bool = False


@dataclass(frozen=True)
class Extension:
    """trials: changed and new ones. decisions: one for each trial that trains longer. note: for the user."""

    trials: tuple[Trial, ...] = ()
    decisions: tuple[Decision, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Record:
    """The record of a study. spec: of its last run. restarts: its trials have no checkpoints. work, uid: of its
    checkpoint stores. before_rounds: see `History`; these trials train longer only if the user requests it."""

    spec: Mapping[str, Any]
    trials: Sequence[Trial]
    restarts: bool
    work: Path
    uid: str
    before_rounds: int = 0

    @property
    def epochs(self) -> int:
        return int(self.spec["trainer"]["epochs"])


def extension(study: Study, record: Record, asked: ExtendRequest | None = None) -> Extension:
    """asked: the request of `hpsearch extend`; None: only the study file may have changed. StudyChanged: it is not
    possible, or is refused."""
    replaced = {trial.replaces for trial in record.trials}
    trials = [trial for trial in record.trials if not trial.superseded and trial.number not in replaced]
    if asked is None:
        trials = [trial for trial in trials if trial.number >= record.before_rounds]
    if asked is None and (more := _after_new_target(study, record, trials)):
        return more
    longer, paused = _chosen(study, record, trials, asked)
    if asked is not None and not longer:
        _refuse_request(study, trials)
    to_replace = [trial for trial in longer if trial.reads_epochs and trial.curve]
    continued = [trial for trial in longer if trial not in to_replace]
    missing = [] if record.restarts else [trial for trial in continued if not _has_checkpoint(record, trial)]
    if missing and not (asked is not None and asked.from_scratch):
        _refuse_without_checkpoints(study, record, longer, missing)
    until, unit = partial(_target, study), study.trainer.word
    at, first = now_ms(), len(record.trials)
    changed = [
        *(_waiting(trial, until(trial)) for trial in continued),
        *(_ended(trial, unit) for trial in to_replace),
        *paused,
    ]
    added = [_again(trial, first + place, until(trial), at, unit) for place, trial in enumerate(to_replace)]
    restarting = {trial.number for trial in (continued if record.restarts else missing)}
    decisions = [_decision(trial, until(trial), trial.number in restarting, at, unit) for trial in longer]
    note = _note(study, continued, to_replace, restarting) if longer else ""
    return Extension((*changed, *added), tuple(decisions), note)


def _chosen(
    study: Study, record: Record, trials: Sequence[Trial], asked: ExtendRequest | None
) -> tuple[list[Trial], list[Trial]]:
    """The trials that train longer; and trials that become PAUSED, so that a search in rounds may continue them."""
    finished = [trial for trial in trials if is_finished(trial)]
    if asked is not None:
        most = study.trainer.epochs
        begun = [trial for trial in trials if trial.state.is_active and trial.until >= most]  # by an interrupted run
        ranked = study.objective.ranked([*finished, *begun]) if asked.best is not None else finished
        wanted = [one for one in ranked[: asked.best] if not one.state.is_active and one.epoch < most]
        return [*wanted, *_unfinished(study, record, trials)] if wanted else [], []
    if isinstance(study.search, CoarseToFine | Recipe):
        return _in_rounds(study, record, trials, finished)
    if study.trainer.epochs == record.epochs and not isinstance(study.search, FixedList):
        return [], []
    wanted = [trial for trial in finished if trial.epoch < _target(study, trial)]
    return [*wanted, *_unfinished(study, record, trials)], []


def is_finished(trial: Trial) -> bool:
    """Whether it has trained all its epochs."""
    return trial.state is State.COMPLETE and trial.cause is Cause.DONE and trial.epoch >= trial.until


def _unfinished(study: Study, record: Record, trials: Iterable[Trial]) -> list[Trial]:
    """Interrupted trials that would have trained all epochs, if trainer.epochs was raised."""
    is_longer = study.trainer.epochs > record.epochs
    return [trial for trial in trials if is_longer and trial.state.is_active and trial.until >= record.epochs]


def _in_rounds(
    study: Study, record: Record, trials: Sequence[Trial], finished: Sequence[Trial]
) -> tuple[list[Trial], list[Trial]]:
    assert isinstance(study.search, CoarseToFine | Recipe)
    before, now = record.spec["search"].get("rounds", []), study.search.rounds
    last = len(before) - 1
    is_longer = study.trainer.epochs > record.epochs
    if is_longer and any(trial.reads_epochs for trial in trials):
        raise StudyChanged(
            f"trainer.epochs: was {record.epochs}, is {study.trainer.epochs}. The trainer reads run.epochs_total, so "
            "the trials of all rounds depend on it and cannot be continued. Undo the change, or\n"
            f"  {_command(study)} --best 3   train the best 3 trials "
            f"again from {study.trainer.word} 1\n"
            f"  --fork NEW_NAME   start a new study"
        )
    if last >= 0 and len(now) > last and now[last].epochs > before[last]["epochs"]:
        of_round = [trial for trial in trials if trial.round == last + 1 and trial.epoch < now[last].epochs]
        ended = [one for one in of_round if is_finished(one) or (one.state is State.PAUSED and one.epoch >= one.until)]
        return [*ended, *(one for one in of_round if one.state.is_active)], []
    if not is_longer:
        added = max((one.epochs for one in now[last + 1 :]), default=0) if last >= 0 else 0
        shorter = [trial for trial in finished if trial.epoch < added and not trial.reads_epochs]
        return [], [_paused(trial, study.trainer.word) for trial in shorter]
    if study.search.epoch_budget is None and not any(one.epochs > record.epochs for one in now):
        return [*finished, *_unfinished(study, record, trials)], []
    return [], [_paused(trial, study.trainer.word) for trial in finished]


def _after_new_target(study: Study, record: Record, trials: Iterable[Trial]) -> Extension | None:
    """Trials that ended because they reached limits.target continue if the target has changed."""
    now = study.limits.target
    ended = [
        trial
        for trial in trials
        if trial.state is State.COMPLETE and trial.cause_numbers.get("target", now) != now and trial.epoch < trial.until
    ]
    if not ended or record.epochs != study.trainer.epochs:
        return None
    at = now_ms()
    reason = f"limits.target was {ended[0].cause_numbers['target']:g}, is {'absent' if now is None else f'{now:g}'}"
    decisions = [Decision(EXTENDED, f"continues: {reason}", trial.number, trial.epoch, at) for trial in ended]
    return Extension(tuple(_waiting(trial, trial.until) for trial in ended), tuple(decisions))


# One trial ──────────────────────────────────────────────────────────────────────────────────────


def _target(study: Study, trial: Trial) -> int:
    """The epoch up to which a trial trains."""
    search, most = study.search, study.trainer.epochs
    if isinstance(search, FixedList):
        own = [one for one in search.sets if key_of({**study.space.fixed, **one.params}) == key_of(trial.params)]
        return max((one.epochs or most for one in own), default=trial.epoch)
    if isinstance(search, CoarseToFine | Recipe) and trial.round <= len(search.rounds):
        return max(search.rounds[trial.round - 1].epochs, most if is_finished(trial) else 0)
    return most


def _waiting(trial: Trial, until: int) -> Trial:
    """The trial, WAITING to continue. `ended` stays, since the order of ends must not have gaps."""
    fresh = replace(trial, state=State.WAITING, until=until, reason="", cause=None, cause_numbers={}, attempts=1)
    return replace(fresh, error="", exception="")


def _paused(trial: Trial, unit: str) -> Trial:
    """A trial that trained all epochs, as it would be if trainer.epochs had been larger from the start."""
    numbers = {"epoch": trial.epoch, "round": trial.round}
    return replace(trial, state=State.PAUSED, reason=planned_end(trial, unit), cause=Cause.DONE, cause_numbers=numbers)


def _ended(trial: Trial, unit: str) -> Trial:
    """A trial that is replaced by another; if it was interrupted, it becomes PAUSED and is not continued."""
    reason = f"another trial trains these parameters with more {unit}s"
    return replace(trial, state=State.PAUSED, reason=reason) if trial.state.is_active else trial


def _again(trial: Trial, number: int, until: int, at: int, unit: str) -> Trial:
    origin = f"the parameters of trial {trial.number}, with {many(until, unit)} in place of {trial.until}"
    new = Trial(number, trial.params, trial.seed, until, round=trial.round, origin=origin, proposed_at=at)
    return replace(new, ended_before=trial.ended_before, replaces=trial.number)


def _decision(trial: Trial, until: int, restarts: bool, at: int, unit: str) -> Decision:
    if trial.reads_epochs and trial.curve:
        reason = f"replaced by a new trial of {many(until, unit)}: its trainer reads run.epochs_total"
    elif restarts:
        reason = f"trains to {unit} {until}, again from {unit} 1: it has no checkpoint"
    else:
        reason = f"continues from {unit} {trial.epoch} to {unit} {until}"
    return Decision(EXTENDED, reason, trial.number, trial.epoch, at)


def _has_checkpoint(record: Record, trial: Trial) -> bool:
    store = CheckpointStore.of(record.work, record.uid, trial.number)
    return not trial.curve or store.has(trial.epoch) or (store.folder / BEST).exists()


# Messages ───────────────────────────────────────────────────────────────────────────────────────


def _note(study: Study, continued: Sequence[Trial], to_replace: Sequence[Trial], restarting: set[int]) -> str:
    unit = study.trainer.word
    parts = [f"training longer, to {unit} {study.trainer.epochs}"]
    if whole := [trial for trial in continued if trial.number not in restarting]:
        parts.append(f"{many(len(whole), 'trial')} continued from a checkpoint")
    if restarting:
        parts.append(f"{many(len(restarting), 'trial')} trained again from {unit} 1, without a checkpoint")
    if to_replace:
        parts.append(
            f"{many(len(to_replace), 'trial')} started again from {unit} 1 as a new trial, because the trainer reads "
            "run.epochs_total (such as for a schedule); the earlier results stay recorded"
        )
    return f"note: {'; '.join(parts)}"


def _refuse_request(study: Study, trials: Sequence[Trial]) -> None:
    """StudyChanged, unless trials of an earlier, interrupted request are still WAITING."""
    if any(trial.state.is_active for trial in trials):
        return
    finished, unit = [trial for trial in trials if is_finished(trial)], study.trainer.word
    name, epochs = study.study.name, study.trainer.epochs
    if not finished:
        raise StudyChanged(f'no trial of study "{name}" has trained all its {unit}s, so none can be extended')
    trained = max(trial.epoch for trial in finished)
    raise StudyChanged(
        f'the finished trials of study "{name}" have trained {many(trained, unit)}: --epochs must be '
        f"larger, got {epochs}"
    )


def _refuse_without_checkpoints(
    study: Study, record: Record, longer: Sequence[Trial], missing: Sequence[Trial]
) -> None:
    store = CheckpointStore.of(record.work, record.uid, missing[0].number)
    why = str(store.removal or f"no checkpoint is in {store.folder}")
    having, command = len(longer) - len(missing), _command(study)
    fewer = f"  {command} --best {having}   continue the best trials, which have a checkpoint\n" if having else ""
    until = f"{study.trainer.word} {study.trainer.epochs}"
    raise StudyChanged(
        f"{many(len(missing), 'trial')} cannot continue to {until} without a checkpoint "
        f"({named([trial.number for trial in missing])}; of trial {missing[0].number}: {why}). "
        f"Undo the change of trainer.epochs, or\n{fewer}"
        f"  {command} --from-scratch   train them again from {study.trainer.word} 1"
    )


def _command(study: Study) -> str:
    """The command that trains the best trials to trainer.epochs, without their number. It names the study's file: the
    name alone is found only in the file's folder."""
    name = nearby(str(study.path)) if study.path is not None else study.study.name
    return f"hpsearch extend {shlex.quote(name)} --epochs {study.trainer.epochs}"
