"""The journal: a database that records all studies. Every event is written here before the loop acts on it.

Only this package imports sqlalchemy, and alembic to upgrade an old journal.
"""

from hpsearch.journal.callers import Callers
from hpsearch.journal.lease import Heartbeat, Lease, Owner
from hpsearch.journal.migrate import Upgrade, upgrade, version
from hpsearch.journal.records import Changes, Environment, StudyRecord, Summary, TrainingSegment
from hpsearch.journal.spool import Spool
from hpsearch.journal.spooling_writer import SpoolingWriter, recover
from hpsearch.journal.store import LEASE_SECONDS, Journal
from hpsearch.journal.writer import Batch, Writer

__all__ = [
    "LEASE_SECONDS",
    "Batch",
    "Callers",
    "Changes",
    "Environment",
    "Heartbeat",
    "Journal",
    "Lease",
    "Owner",
    "Spool",
    "SpoolingWriter",
    "StudyRecord",
    "Summary",
    "TrainingSegment",
    "Upgrade",
    "Writer",
    "recover",
    "upgrade",
    "version",
]
