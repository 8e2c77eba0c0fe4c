"""Leases in the database: to take a study, to keep it, to find it lost. `lease.py` decides, this reads and writes."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from hpsearch.core.errors import LeaseLost, NotFound, StudyBusy
from hpsearch.journal.lease import Holding, Lease, Now, Owner, boot_clock
from hpsearch.journal.schema import leases, studies

Clock = sa.ColumnElement[float]
"""SQL for the database's own time."""


def acquire(connection: Connection, clock: Clock, study_id: int, owner: Owner, ttl: float) -> Lease:
    """StudyBusy while another one holds it who may still live. The token grows, so whoever held it is fenced off."""
    query = sa.select(leases, studies.c.name).join(studies).where(leases.c.study_id == study_id)
    row = connection.execute(query.with_for_update(of=leases)).one_or_none()
    if row is None:
        raise NotFound(f"the journal has no study with id {study_id}")
    now = Now(wall=float(connection.execute(sa.select(clock)).scalar_one()), boot=boot_clock())
    holding = holding_of(row)
    if holding is not None and holding.keeps_out(owner, now):
        raise StudyBusy(holding.explain(row.name, owner, now))
    lease = Lease(study_id, row.token + 1, owner, ttl)
    taken = {**_owner_columns(owner), "token": lease.token, "ttl": ttl, "stop": None, **sign_of_life(clock)}
    connection.execute(leases.update().where(leases.c.study_id == study_id).values(taken))
    return lease


def correct_clock(connection: Connection, clock: Clock, study_id: int) -> None:
    """Let a sign of life from the future, which is older than a clock that was set back, count from now on."""
    ahead = leases.update().where(leases.c.study_id == study_id, leases.c.beat_wall > clock)
    connection.execute(ahead.values(beat_wall=clock))


def holder(connection: Connection, clock: Clock, study_id: int, observer: Owner) -> str | None:
    """Who keeps others out of a study, in words; None where nobody does."""
    row = connection.execute(sa.select(leases, clock.label("now")).where(leases.c.study_id == study_id)).one_or_none()
    holding = None if row is None else holding_of(row)
    now = Now(wall=float(row.now) if row is not None else 0.0, boot=boot_clock())
    if holding is None or not holding.keeps_out(observer, now):
        return None
    return f"process {holding.owner.pid} on {holding.owner.host}"


def renew(connection: Connection, clock: Clock, lease: Lease) -> None:
    """Show a sign of life; LeaseLost where the study is somebody else's now."""
    if connection.execute(leases.update().where(is_ours(lease)).values(sign_of_life(clock))).rowcount != 1:
        raise lost(connection, lease)


def release(connection: Connection, lease: Lease) -> None:
    """Let the next one in at once. Nothing happens where the study is somebody else's now."""
    connection.execute(leases.update().where(is_ours(lease)).values(holder=None))


def ask_to_stop(connection: Connection, study_id: int) -> None:
    """Leave a note for the run that holds the study now; the next one does not heed it."""
    connection.execute(leases.update().where(leases.c.study_id == study_id).values(stop=leases.c.token))


def is_ours(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(leases.c.study_id == lease.study_id, leases.c.token == lease.token)


def sign_of_life(clock: Clock) -> dict[str, Any]:
    return {"beat_wall": clock, "beat_boot": boot_clock()}


def lost(connection: Connection, lease: Lease) -> LeaseLost:
    row = connection.execute(sa.select(leases).where(leases.c.study_id == lease.study_id)).one_or_none()
    if row is None:
        return LeaseLost(f"study {lease.study_id} was erased by another process: nothing more is written by this one")
    by = f"process {row.pid} on {row.host}" if row.holder else "another process, which has ended since"
    return LeaseLost(
        f"study {lease.study_id} was taken over by {by} (token {row.token}, ours is {lease.token}): "
        "nothing more is written by this one"
    )


def holding_of(row: Row[Any]) -> Holding | None:
    """From a row of `leases`; None where nobody holds it."""
    if row.holder is None:
        return None
    owner = Owner(row.pid, row.host, row.boot, row.space, row.started, row.holder)
    return Holding(owner, row.ttl, Now(row.beat_wall, row.beat_boot))


def _owner_columns(owner: Owner) -> dict[str, Any]:
    columns = asdict(owner)
    return {"holder": columns.pop("uid"), **columns}
