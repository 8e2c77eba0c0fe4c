"""The status of a study, as values. As text: tests/cli/text/test_status.py and test_show.py."""

import json
from dataclasses import asdict

import pytest

from hpsearch.core.errors import NotFound, NoTrialSucceeded
from hpsearch.core.history import BestTrial
from hpsearch.core.trial import State
from hpsearch.records.find import JournalStudy
from hpsearch.records.study_status import best_trial, study_details, study_status, trial_details
from tests.contracts.journal_helpers import DEAD_PID, make_trial, set_lease
from tests.records.conftest import Scenario


def test_while_it_runs(scenario: Scenario) -> None:
    status = study_status(scenario.journal, scenario.record)
    assert (status.study, status.state, status.holder) == (
        "digits",
        "RUNNING",
        scenario.journal.holder(scenario.record.id),
    )
    assert status.holder is not None
    assert {name: count for name, count in status.trials.items() if count} == {"running": 1, "complete": 1}
    assert (status.epochs_trained, status.busy_seconds) == (3, 5.0)
    assert status.best == BestTrial(0, 0.5, 2, {"lr": 0.1})
    assert json.loads(json.dumps(status.document()))["best"] == asdict(status.best)


def test_trials_of_a_dead_process_are_waiting(scenario: Scenario) -> None:
    set_lease(scenario.study.journal_url, pid=DEAD_PID)
    status = study_status(scenario.journal, scenario.record)
    assert (status.state, status.holder) == ("INTERRUPTED", None)
    assert {name: count for name, count in status.trials.items() if count} == {"waiting": 1, "complete": 1}


def test_a_process_that_could_not_renew_its_lease_runs_the_study_as_long_as_it_is_alive(scenario: Scenario) -> None:
    """Its database was locked for longer than the lease, or it was suspended."""
    set_lease(scenario.study.journal_url, beat_boot=0.0)
    status = study_status(scenario.journal, scenario.record)
    assert (status.state, status.holder) == ("RUNNING", scenario.journal.holder(scenario.record.id, silent=True))
    assert status.holder is not None


def test_a_study_with_its_decisions(scenario: Scenario) -> None:
    details = study_details(scenario.journal, JournalStudy(scenario.record))
    assert [one.number for one in details.trials] == [0, 1]
    trials = [
        {"number": 0, "state": "COMPLETE", "value": 0.5, "best_epoch": 2, "params": dict(details.trials[0].params)},
        {"number": 1, "state": "RUNNING", "value": 0.8, "best_epoch": 1, "params": dict(details.trials[1].params)},
    ]
    document = {**details.status.document(), "rounds": None, "decisions": [], "trial_list": trials}
    assert details.document() == document


def test_a_trial_and_the_best_one(scenario: Scenario) -> None:
    study = JournalStudy(scenario.record)
    details = trial_details(scenario.journal, study, 0)
    assert details.trial == make_trial(0, 0.75, 0.5, state=State.COMPLETE, ended=1, busy=4.0)
    assert details == best_trial(scenario.journal, study)
    assert details.document()["value"] == 0.5
    with pytest.raises(NotFound):
        trial_details(scenario.journal, study, 2)


def test_none_is_best_where_none_has_a_value(scenario: Scenario) -> None:
    empty = scenario.journal.create("empty", scenario.study.spec(), scenario.study.identity(), at=0)
    with pytest.raises(NoTrialSucceeded, match='study "empty" has no trial with a value yet'):
        best_trial(scenario.journal, JournalStudy(empty))
