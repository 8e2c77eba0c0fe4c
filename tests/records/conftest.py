from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hpsearch.core.trial import State
from hpsearch.journal import Batch, Journal, Lease, StudyRecord
from hpsearch.study.definition import Study
from tests.contracts.journal_kit import LOSS, a_batch, a_trial, somebody
from tests.support.study_text import made


@dataclass
class Scene:
    """study.toml in the current folder, and what its journal has of it."""

    study: Study
    journal: Journal
    record: StudyRecord
    lease: Lease


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A study that another process runs: trial 0 has come to 0.5 at its second epoch, trial 1 is under way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSEARCH_HOME", raising=False)
    study = made(("val_loss", "loss"))
    Path(".hpsearch").mkdir()
    with Journal.open(study.journal_url) as journal:
        record = journal.create(study.study.name, study.spec(), study.identity(), at=0)
        lease = journal.acquire(record.id, somebody())
        writer = journal.writer(lease, LOSS)
        trials = (a_trial(0, 0.75, busy=2.0), a_trial(1, 0.8, busy=1.0))
        writer.write(Batch(a_batch(*trials).trials, a_batch(*trials).reports, study_state="RUNNING"))
        writer.write(a_batch(a_trial(0, 0.75, 0.5, state=State.COMPLETE, ended=1, busy=4.0)))
        writer.close()
        found = journal.find("digits")
        assert found is not None
        yield Scene(study, journal, found, lease)
