"""Helpers of the journal tests: a running study, trials, and other processes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.journal import Batch, Journal, Lease, Owner, StudyRecord, Writer
from hpsearch.journal.database import Database
from hpsearch.journal.schema import leases

DEAD_PID = 2**22 + 1
"""A pid greater than Linux's maximum."""

LOSS = Objective("loss", "minimize")
ODD = "Zürich 🦜 % ../ 'quoted' \"twice\" \\ \n\t{}"


@dataclass
class LeasedStudy:
    """A study that is being run."""

    study: StudyRecord
    lease: Lease
    writer: Writer


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    with Journal.open(url) as opened:
        yield opened


@pytest.fixture
def leased(journal: Journal) -> Iterator[LeasedStudy]:
    leased = lease_study(journal, "study")
    yield leased
    leased.writer.close()


def lease_study(journal: Journal, name: str, objective: Objective = LOSS) -> LeasedStudy:
    study = journal.create(name, {}, {}, at=0)
    lease = journal.acquire(study.id, Owner.current())
    return LeasedStudy(study, lease, journal.writer(lease, objective))


def make_trial(number: int, *losses: float, **fields: object) -> Trial:
    curve = tuple(Report(step, {"loss": loss}) for step, loss in enumerate(losses, start=1))
    plain = Trial(number, {"lr": 0.1}, seed=number, until=9, state=State.RUNNING, curve=curve)
    return replace(plain, **fields)  # type: ignore[arg-type]


def make_batch(*trials: Trial) -> Batch:
    """These trials and the last report of each."""
    return Batch(trials, [(trial.number, trial.curve[-1]) for trial in trials if trial.curve])


def other_owner(**fields: object) -> Owner:
    """Another process of this machine; alive, unless `fields` change it."""
    return replace(Owner.current(), **fields)  # type: ignore[arg-type]


def other_host_owner() -> Owner:
    return other_owner(host="elsewhere", boot="another-boot", pid=DEAD_PID)


def set_lease(url: str, **columns: object) -> None:
    """Change the recorded holder of the lease."""
    database = Database(url, create=False)
    with database.write() as connection:
        connection.execute(leases.update().values(**columns))
    database.close()


def exact_repr(value: object) -> str:
    """Distinguishes values that are equal with == (0.0 and -0.0, 1 and True); NaN equals itself."""
    return repr(value)
