"""The trial whose model is used after a search: the best one, or the winner of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.core.errors import BadInput, NoTrialSucceeded
from hpsearch.core.format import many, number
from hpsearch.evaluation.evaluate import evaluation_on_record
from hpsearch.journal import Journal
from hpsearch.records.find import JournalStudy
from hpsearch.records.study_front import check_preferences, study_front
from hpsearch.records.study_status import TrialDetails, best_trial, trial_details


@dataclass(frozen=True)
class ChosenTrial:
    """why: a phrase, such as "the best trial of the study"."""

    details: TrialDetails
    why: str


def chosen_trial(
    journal: Journal, study: JournalStudy, asked: int | None, preferences: Sequence[str] = ()
) -> ChosenTrial:
    """asked: the number that the user names; None: the winner of the study's evaluation if the best trial was one of
    its finalists, else the best trial. preferences: as for `study_front`.

    BadInput: a study with several goals and neither a number nor preferences, or preferences for one goal; NotFound: no
    trial has this number; NoTrialSucceeded: it has no value.
    """
    name, objective = study.record.name, study.objective
    if asked is not None:
        details = trial_details(journal, study, asked)
        if objective.value(details.trial) is None:
            raise NoTrialSucceeded(f'trial {asked} of study "{name}" has no {objective.metric}, so no best epoch')
        return ChosenTrial(details, "named with --trial")
    if objective.others:
        if not preferences:
            raise BadInput(
                f'study "{name}" has several goals, so no single best trial: name one of `hpsearch best` with '
                '--trial N, or a condition with --prefer, such as --prefer "latency_ms <= 10"'
            )
        preferred = study_front(journal, study, preferences).preferred
        assert preferred is not None, "there are preferences"
        why = f"the best {objective.metric} with {' and '.join(preferences)}"
        return ChosenTrial(trial_details(journal, study, preferred.trial), why)
    check_preferences(study, preferences)
    return _winner(journal, study) or ChosenTrial(best_trial(journal, study), "the best trial of the study")


def _winner(journal: Journal, study: JournalStudy) -> ChosenTrial | None:
    """The winner of the evaluation; None without one, or if the search has found a better trial since."""
    best = best_trial(journal, study).trial.number
    known = evaluation_on_record(journal, study.record)
    finalists = {one.trial: one for one in known.evaluation.finalists} if known is not None else {}
    if known is None or best not in finalists:
        return None
    winner = finalists[known.evaluation.winner]
    seeds = f"over {many(len(winner.values), 'fresh seed')} on validation data"
    why = f"the winner of `hpsearch evaluate`: mean {study.objective.label} {number(winner.mean)} {seeds}"
    if winner.trial != best:
        why += f", trial {best} (the best in the search) {number(finalists[best].mean)}"
    return ChosenTrial(trial_details(journal, study, winner.trial), why)
