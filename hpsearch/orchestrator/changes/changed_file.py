"""Which changes of a recorded study's file are allowed. Other changes would make its trials incomparable."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import EXTENDED
from hpsearch.core.format import many, named
from hpsearch.core.trial import ASK_AND_TELL, Trial, key_of
from hpsearch.journal import Journal, Lease
from hpsearch.study.definition import Study
from hpsearch.study.differences import differences
from hpsearch.study.file.search_sections import Bayesian, CoarseToFine, FixedList, Grid, Own, Recipe

Tables = dict[str, Any]

BEFORE_ROUNDS = "before_rounds"
"""The kind of the journal's document with `BeforeRounds` for each method that searches in rounds. It stays valid if a
run is killed before the changed method is recorded."""

AGAIN = ("retry", EXTENDED)
"""The kinds of decisions after which an ended trial trains again."""


@dataclass(frozen=True)
class FileChanges:
    """refused: one line for each change that is not allowed. notes: the effects of allowed changes, for the user.
    begins_rounds: a search in rounds continues a study of another method."""

    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    begins_rounds: bool = False

    def accept(self, journal: Journal, lease: Lease, study: Study, note: Callable[[str], None]) -> None:
        """Show the notes, and record where a search in rounds begins."""
        for one in self.notes:
            note(one)
        if self.begins_rounds:
            trials, again = journal.trials(lease.study_id), sum(journal.count(lease.study_id, one) for one in AGAIN)
            ends = max((trial.ended for trial in trials), default=0)
            known = journal.documents(lease.study_id).get(BEFORE_ROUNDS, {})
            now = {**known, study.search.method: {"trials": len(trials), "ends": ends - again}}
            journal.put_document(lease, BEFORE_ROUNDS, now, at=now_ms())


@dataclass(frozen=True)
class BeforeRounds:
    """The trials before a search in rounds. trials: their number, see `History.before_rounds`. ends: how many times
    they had ended or paused, without retries and extensions."""

    trials: int = 0
    ends: int = 0

    @classmethod
    def recorded(cls, study: Study, documents: Mapping[str, Any]) -> "BeforeRounds":
        """documents: of the journal, by their kind."""
        return cls(**documents.get(BEFORE_ROUNDS, {}).get(study.search.method, {}))


def file_changes(
    study: Study,
    recorded: Mapping[str, Any],
    spec: Mapping[str, Any],
    trials: Sequence[Trial],
    asked_to_extend: bool = False,
) -> FileChanges:
    """recorded, spec: the identity and the spec of the last run. asked_to_extend: by `hpsearch extend`. Rounds with a
    budget are planned from trainer.epochs, so only `hpsearch extend` may raise it for them."""
    before, now = {name: dict(table) for name, table in recorded.items()}, study.identity()
    notes: list[str] = []
    same_method = spec["search"]["method"] == study.search.method
    begins_rounds = not same_method and isinstance(study.search, CoarseToFine | Recipe)
    is_planned = study.search.epoch_budget is not None and not begins_rounds
    may_be_longer = study.trainer.use != ASK_AND_TELL and (asked_to_extend or not is_planned)
    if may_be_longer and now["trainer"]["epochs"] > before["trainer"]["epochs"]:
        before["trainer"]["epochs"] = now["trainer"]["epochs"]
    notes += _other_grid(study, before, now, spec, trials)
    notes += _other_method(study, before, now, spec, trials)
    for table in ("prune", "early_stopping"):
        if before[table] != now[table] and trials:
            notes.append(
                f"note: [{table}] has changed: it applies to epochs from now on; ended trials stay as they are"
            )
        before[table] = now[table]
    refused = [*differences(before, now), *(study.search.changes(spec["search"]) if same_method else ())]
    if not same_method and (left := sum(trial.state.is_active for trial in trials)):
        refused.append(
            f"another method continues only when all trials have ended: {many(left, 'trial')} of method "
            f'"{spec["search"]["method"]}" will resume; run with that method first, then change it'
        )
    if refused:  # a refused change, such as of trainer.repeats, may also change [prune]
        refused += differences({"prune": recorded["prune"]}, {"prune": now["prune"]})
    if same_method and trials:
        notes += [*_without_effect(study, spec), *_other_list(study, trials)]
    return FileChanges(tuple(refused), tuple(notes), begins_rounds and not refused)


def _other_grid(
    study: Study, before: Tables, now: Tables, spec: Mapping[str, Any], trials: Sequence[Trial]
) -> Iterator[str]:
    """A grid may have other values if it still has those of all trials so far. These stay, and new points follow."""
    if not isinstance(study.search, Grid) or spec["search"]["method"] != "grid" or before["space"] == now["space"]:
        return
    own = [trial for trial in trials if not trial.superseded]
    if all(study.space.contains(trial.params) for trial in own):
        before["space"] = now["space"]
        yield f"note: [space] has changed: the results of {many(len(own), 'point')} stay, and new points follow"


def _without_effect(study: Study, spec: Mapping[str, Any]) -> Iterator[str]:
    """Tables that only apply before the first trial."""
    now = study.spec()
    for table in ("preflight", "lr_range"):
        was, new = spec.get(table) or {}, now.get(table) or {}
        if (not was) != (not new) or any(was[key] != new[key] for key in was.keys() & new.keys()):
            yield (
                f"note: [{table}] has changed, without effect: it applies before the first trial of a study. A new "
                "study with --fork NEW_NAME applies it"
            )


def _other_list(study: Study, trials: Sequence[Trial]) -> Iterator[str]:
    """A list may lose sets that have trials. These stay."""
    if not isinstance(study.search, FixedList):
        return
    sets = {key_of({**study.space.fixed, **one.params}) for one in study.search.sets}
    if left := [trial.number for trial in trials if not trial.superseded and key_of(trial.params) not in sets]:
        stay = "stays and may be the best" if len(left) == 1 else "stay and may be the best"
        yield f"note: search.sets no longer has the parameters of {named(left)}, which {stay}"


def _other_method(
    study: Study, before: Tables, now: Tables, spec: Mapping[str, Any], trials: Sequence[Trial]
) -> Iterator[str]:
    """When all trials have ended, another method may continue the study. It counts the trials and learns from them,
    except for a search in rounds, which compares only trials of equal length."""
    was, search = spec["search"]["method"], study.search
    if before["search"] == now["search"] or isinstance(search, Own) or was == "own":
        return
    if any(trial.state.is_active for trial in trials):
        return
    in_rounds = isinstance(search, CoarseToFine | Recipe)
    if in_rounds and was == search.method:
        return
    before["search"] = now["search"]
    so_far = many(len(trials), "trial")
    if in_rounds:
        yield (
            f"note: [search] has changed: the {so_far} so far stay and may be the best. {search.label} starts with "
            "round 1 over the full ranges, because it compares trials of equal length; no point is trained again"
        )
    else:
        learns = ", and the search learns from them" if isinstance(search, Bayesian) else ""
        yield f"note: [search] has changed: the {so_far} so far count{learns}"
