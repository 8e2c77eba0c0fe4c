from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hpsearch.core.trial import State
from hpsearch.journal import Batch, Journal, Lease, StudyRecord
from hpsearch.study.definition import Study
from tests.contracts.journal_helpers import LOSS, make_batch, make_trial, other_owner
from tests.support.study_text import make_study


@dataclass
class Scenario:
    """study.toml in the current folder, and what its journal has of it."""

    study: Study
    journal: Journal
    record: StudyRecord
    lease: Lease


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scenario]:
    """A study that another process runs: trial 0 has come to 0.5 at its second epoch, trial 1 is under way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSEARCH_HOME", raising=False)
    study = make_study(("val_loss", "loss"))
    Path(".hpsearch").mkdir()
    with Journal.open(study.journal_url) as journal:
        record = journal.create(study.study.name, study.spec(), study.identity(), at=0)
        lease = journal.acquire(record.id, other_owner())
        writer = journal.writer(lease, LOSS)
        trials = (make_trial(0, 0.75, busy=2.0), make_trial(1, 0.8, busy=1.0))
        writer.write(Batch(make_batch(*trials).trials, make_batch(*trials).reports, study_state="RUNNING"))
        writer.write(make_batch(make_trial(0, 0.75, 0.5, state=State.COMPLETE, ended=1, busy=4.0)))
        writer.close()
        found = journal.find("digits")
        assert found is not None
        yield Scenario(study, journal, found, lease)
