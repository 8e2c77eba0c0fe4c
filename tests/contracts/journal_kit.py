"""What the tests of a journal are written with: a study that is being run, trials, and other processes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.journal import Batch, Journal, Lease, Owner, StudyRecord, Writer
from hpsearch.journal.database import Database
from hpsearch.journal.schema import leases

NOBODY = 2**22 + 1
"""A pid greater than any that Linux gives out."""

LOSS = Objective("loss", "minimize")
ODD = "Zürich 🦜 % ../ 'quoted' \"twice\" \\ \n\t{}"


@dataclass
class Lead:
    """A study that is being run."""

    study: StudyRecord
    lease: Lease
    writer: Writer


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    with Journal.open(url) as opened:
        yield opened


@pytest.fixture
def lead(journal: Journal) -> Iterator[Lead]:
    lead = take(journal, "study")
    yield lead
    lead.writer.close()


def take(journal: Journal, name: str, objective: Objective = LOSS) -> Lead:
    study = journal.create(name, {}, {}, at=0)
    lease = journal.acquire(study.id, Owner.current())
    return Lead(study, lease, journal.writer(lease, objective))


def a_trial(number: int, *losses: float, **fields: object) -> Trial:
    curve = tuple(Report(step, {"loss": loss}) for step, loss in enumerate(losses, start=1))
    plain = Trial(number, {"lr": 0.1}, seed=number, until=9, state=State.RUNNING, curve=curve)
    return replace(plain, **fields)  # type: ignore[arg-type]


def a_batch(*trials: Trial) -> Batch:
    """These trials and the last report of each."""
    return Batch(trials, [(trial.number, trial.curve[-1]) for trial in trials if trial.curve])


def somebody(**fields: object) -> Owner:
    """Another process of this machine, alive unless told otherwise."""
    return replace(Owner.current(), **fields)  # type: ignore[arg-type]


def far_away() -> Owner:
    return somebody(host="elsewhere", boot="another-boot", pid=NOBODY)


def set_lease(url: str, **columns: object) -> None:
    """Change what is written about the holder, as if it had been so."""
    database = Database(url, create=False)
    with database.write() as connection:
        connection.execute(leases.update().values(**columns))
    database.close()


def in_full(value: object) -> str:
    """Tells apart what == does not (0.0 and -0.0, 1 and True), and finds NaN equal to itself."""
    return repr(value)
