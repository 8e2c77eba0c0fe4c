"""Callers: the programs that train trials of one study together (a shared `Session`), and the trials of each.

Each caller renews its row, like the holder of a lease. If a caller stops renewing its row, another caller takes its
trials.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hpsearch.core.errors import StudyBusy
from hpsearch.core.trial import State
from hpsearch.journal import lease as fencing
from hpsearch.journal.database import Database
from hpsearch.journal.lease import Clock, Holding, Lease, Now, Owner, boot_clock, holding_of
from hpsearch.journal.schema import callers, leases, studies, trials


@dataclass(frozen=True)
class Callers:
    """alive: the callers that may be alive, by uid. has: trial number -> uid of its caller, for RUNNING trials."""

    alive: Mapping[str, Holding]
    has: Mapping[int, str]


def renew_caller(database: Database, connection: Connection, study_id: int, owner: Owner, ttl: float) -> None:
    """Make the owner a caller of the study for `ttl` seconds."""
    beat = {"ttl": ttl, "beat_wall": database.clock, "beat_boot": boot_clock()}
    row = database.insert(callers).values(study_id=study_id, **asdict(owner), **beat)
    connection.execute(row.on_conflict_do_update(index_elements=["study_id", "uid"], set_=beat))


def leave(connection: Connection, study_id: int, owner: Owner) -> None:
    connection.execute(callers.delete().where(callers.c.study_id == study_id, callers.c.uid == owner.uid))


def alive(connection: Connection, study_id: int, observer: Owner, now: Now) -> dict[str, Holding]:
    """The callers that may be alive, by uid, with the observer if it is one."""
    own = sa.select(callers, callers.c.uid.label("holder")).where(callers.c.study_id == study_id)
    found = {row.uid: holding for row in connection.execute(own) if (holding := holding_of(row)) is not None}
    return {uid: one for uid, one in found.items() if uid == observer.uid or one.blocks(observer, now)}


def of_study(connection: Connection, clock: Clock, study_id: int, observer: Owner) -> Callers:
    now = Now(wall=float(connection.execute(sa.select(clock)).scalar_one()), boot=boot_clock())
    given = (trials.c.study_id == study_id) & (trials.c.state == State.RUNNING.value) & trials.c.caller.is_not(None)
    rows = connection.execute(sa.select(trials.c.number, trials.c.caller).where(given))
    return Callers(alive(connection, study_id, observer, now), {row.number: row.caller for row in rows})


def named(connection: Connection, clock: Clock, study_id: int, observer: Owner) -> str:
    """The callers that may be alive, as text for a message; "" for none."""
    found = of_study(connection, clock, study_id, observer).alive.values()
    return ", ".join(f"process {one.owner.pid} on {one.owner.host}" for one in found)


def acquire(connection: Connection, clock: Clock, study_id: int, owner: Owner, ttl: float) -> Lease:
    """Acquire the lease as one of several callers, for one operation; errors as in `lease.acquire`.

    While there are callers, the time between two operations counts as spent on the study, and a request to stop is for
    all of them.
    """
    own = leases.c.study_id == study_id
    query = sa.select(leases, clock.label("now")).where(own).with_for_update(of=leases)
    before = connection.execute(query).one_or_none()
    lease = fencing.acquire(connection, clock, study_id, owner, ttl)
    if before is not None and alive(connection, study_id, owner, Now(wall=float(before.now), boot=boot_clock())):
        since = max(0.0, float(before.now) - before.beat_wall) if before.beat_wall is not None else 0.0
        stop = lease.token if before.stop is not None and before.stop == before.token else None
        connection.execute(leases.update().where(own).values(spent=before.spent + since, stop=stop))
    return lease


def check_no_callers(connection: Connection, clock: Clock, study_id: int, observer: Owner) -> None:
    """StudyBusy while the study has callers."""
    row = connection.execute(sa.select(studies.c.name, clock.label("now")).where(studies.c.id == study_id)).one()
    now = Now(wall=float(row.now), boot=boot_clock())
    for holding in alive(connection, study_id, observer, now).values():
        raise StudyBusy(holding.explain(row.name, observer, now))
