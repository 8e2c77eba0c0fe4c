"""Imported results in the journal."""

import math
from pathlib import Path

from hpsearch.core.trial import Cause, Report, State
from hpsearch.journal import Journal, recorded_imports
from hpsearch.journal.recorded_imports import Import, ended


def test_imports_come_back_as_they_were(tmp_path: Path) -> None:
    """The study need not be recorded; its trials are no trials of it."""
    curve = (Report(1, {"loss": 0.5}), Report(2, {"loss": 0.4}))
    trials = [
        ended(0, {"lr": "0.1", "layers": [64, 32]}, State.COMPLETE, curve, "line 2"),
        ended(1, {"lr": 0.2}, State.PRUNED, curve[:1], "line 3"),
    ]
    with Journal.open(f"sqlite:///{tmp_path / 'journal.db'}") as journal:
        assert recorded_imports.of_study(journal, "toy") == []
        first = Import("toy", "a.csv", "table", 5, {"same_trainer": True}, trials)
        recorded_imports.add(journal, first)
        recorded_imports.add(journal, Import("other", "b.csv", "table", 6))
        recorded_imports.add(journal, Import("toy", "c.csv", "table", 7))
        assert [one.source for one in recorded_imports.of_study(journal, "toy")] == ["a.csv", "c.csv"]
        assert recorded_imports.of_study(journal, "toy")[0] == first
        assert journal.studies() == []


def test_why_an_imported_trial_has_ended() -> None:
    def cause(state: State, value: float) -> Cause | None:
        return ended(0, {}, state, (Report(3, {"loss": value}),), "").cause

    assert cause(State.COMPLETE, 0.5) is Cause.DONE
    assert cause(State.PRUNED, 0.5) is Cause.PRUNED
    assert cause(State.COMPLETE, math.nan) is cause(State.PRUNED, -math.inf) is Cause.DIVERGED


def test_a_value_that_is_not_finite_comes_back(tmp_path: Path) -> None:
    trial = ended(0, {}, State.COMPLETE, (Report(1, {"loss": math.inf}),), "")
    with Journal.open(f"sqlite:///{tmp_path / 'journal.db'}") as journal:
        recorded_imports.add(journal, Import("toy", "a.csv", "table", 5, trials=[trial]))
        assert recorded_imports.of_study(journal, "toy")[0].trials == [trial]
