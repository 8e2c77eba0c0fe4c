"""Which changes of a recorded study's file are allowed: the others would make its trials incomparable."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.core.format import many
from hpsearch.core.trial import ASK_AND_TELL, Trial
from hpsearch.study.definition import Study
from hpsearch.study.differences import differences
from hpsearch.study.file.search_sections import CoarseToFine, Grid, Own, Recipe

Tables = dict[str, Any]


@dataclass(frozen=True)
class FileChanges:
    """refused: one line for each change that is not allowed. notes: what the allowed ones mean, for the user."""

    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def show_notes(self, note: Callable[[str], None]) -> None:
        for one in self.notes:
            note(one)


def file_changes(
    study: Study,
    recorded: Mapping[str, Any],
    spec: Mapping[str, Any],
    trials: Sequence[Trial],
    asked_to_extend: bool = False,
) -> FileChanges:
    """recorded, spec: the identity and the spec of the last run. asked_to_extend: by `hpsearch extend`. The rounds of a
    budget are planned from trainer.epochs, so only such a request may raise it there."""
    before, now = {name: dict(table) for name, table in recorded.items()}, study.identity()
    notes: list[str] = []
    may_be_longer = study.trainer.use != ASK_AND_TELL and (asked_to_extend or study.search.epoch_budget is None)
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
    same_method = spec["search"]["method"] == study.search.method
    refused = [*differences(before, now), *(study.search.changes(spec["search"]) if same_method else ())]
    if not same_method and isinstance(study.search, CoarseToFine | Recipe):
        refused.append(
            f"{study.search.label} plans each round from the one before, so it cannot continue trials of another method"
        )
    if refused:  # the paired test, for one, follows from trainer.repeats
        refused += differences({"prune": recorded["prune"]}, {"prune": now["prune"]})
    return FileChanges(tuple(refused), tuple(notes))


def _other_grid(
    study: Study, before: Tables, now: Tables, spec: Mapping[str, Any], trials: Sequence[Trial]
) -> Iterator[str]:
    """A grid may have other values as long as it has those of the trials so far. They stay, and new points follow."""
    if not isinstance(study.search, Grid) or spec["search"]["method"] != "grid" or before["space"] == now["space"]:
        return
    own = [trial for trial in trials if not trial.superseded]
    if all(study.space.contains(trial.params) for trial in own):
        before["space"] = now["space"]
        yield f"note: [space] has changed: the results of {many(len(own), 'point')} stay, and new points follow"


def _other_method(
    study: Study, before: Tables, now: Tables, spec: Mapping[str, Any], trials: Sequence[Trial]
) -> Iterator[str]:
    """When all trials have ended, another method may continue: it counts them and learns from them. A search in rounds
    plans each round from the one before, so it needs a study of its own."""
    was, search = spec["search"]["method"], study.search
    if before["search"] == now["search"] or isinstance(search, CoarseToFine | Recipe | Own) or was == "own":
        return
    if not any(trial.state.is_active for trial in trials):
        before["search"] = now["search"]
        so_far = many(len(trials), "trial")
        yield f"note: [search] has changed: the {so_far} so far count, and the new method learns from them"
