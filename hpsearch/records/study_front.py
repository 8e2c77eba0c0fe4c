"""The Pareto front of a recorded study with several goals, and the trial of it that a user prefers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.core import requirements
from hpsearch.core.errors import BadInput, NoTrialSucceeded
from hpsearch.core.front import FrontTrial, front, front_trial, preferred
from hpsearch.core.metric_names import is_measured
from hpsearch.journal import Journal
from hpsearch.records.find import JournalStudy
from hpsearch.records.study_status import why_no_best
from hpsearch.study.file.faults import did_you_mean


@dataclass(frozen=True)
class Front:
    """preferred: the best trial by the first goal among those that meet the preferences; None without preferences."""

    study: JournalStudy
    trials: tuple[FrontTrial, ...]
    preferred: FrontTrial | None

    def document(self) -> dict[str, Any]:
        found = {"front": [asdict(one) for one in self.trials]}
        return {**found, "preferred": asdict(self.preferred)} if self.preferred else found


def check_preferences(study: JournalStudy, preferences: Sequence[str]) -> None:
    """BadInput: a preference for a study with one goal."""
    if preferences and not study.objective.others:
        raise BadInput(f"--prefer is for a study with several goals; {study.record.name} has one")


def study_front(journal: Journal, study: JournalStudy, preferences: Sequence[str] = ()) -> Front:
    """BadInput: a preference that is not a comparison of metrics that the study reports. NoTrialSucceeded: no trial has
    a result, or none meets the preferences."""
    trials, objective = journal.trials(study.record.id), study.objective
    try:
        wanted = [requirements.read(text) for text in preferences]
    except ValueError as problem:
        raise BadInput(f"--prefer {problem}") from None
    if not (found := front(trials, objective)):
        raise NoTrialSucceeded(why_no_best(journal, study))
    reported = {name for trial in trials for report in trial.curve for name in report.metrics}
    for name in (name for one in wanted for name in sorted(one.names_in(reported)) if name not in reported):
        own = sorted(one for one in reported if not is_measured(one))
        hint = did_you_mean(name, own) or f"; they report {', '.join(own[:30])}"
        raise BadInput(f'--prefer: no trial of study "{study.record.name}" reports `{name}`{hint}')
    if not wanted:
        return Front(study, tuple(found), None)
    best = preferred(trials, objective, wanted)
    if best is None:
        raise NoTrialSucceeded(f'no trial of study "{study.record.name}" meets {" and ".join(preferences)}')
    return Front(study, tuple(found), front_trial(best, objective))
