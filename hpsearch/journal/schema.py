"""The tables of the journal. Every name begins with hpsearch_, so that a database may hold other things as well.

JSON is text and not a native type: NaN and the infinities are then what Python's json makes of them. Moments are
milliseconds since 1970. `revision` counts the batches written to a study, so a reader asks for what is newer than
what it has. Two tables of a batch are clustered by their key on SQLite, which halves the pages a commit has to write.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every version of the schema, oldest first; `migrations/versions` holds a step to each. The last is what follows."""

HEAD = REVISIONS[-1]
VERSION_TABLE = "hpsearch_alembic_version"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

studies = Table(
    "hpsearch_studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(32), nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("spec", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("forked_from", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("hpsearch_version", Text, nullable=False),
    Column("cause", Text),
    Column("cause_numbers", Text, nullable=False, server_default="{}"),
)

# `loss` is `value` with its sign turned where it is maximised: best first is ORDER BY loss, whatever the goal.
# cause: a `Cause`, and cause_numbers its numbers, as JSON; of a study, why it ended, NULL while it has not.
# caller: who trains it, where several programs do that together; NULL everywhere else.
trials = Table(
    "hpsearch_trials",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("params", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("until", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("settled", Integer, key="ended", nullable=False),
    Column("settled_before", Integer, key="ended_before", nullable=False),
    Column("busy", Double, nullable=False),
    Column("error", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("value", Double),
    Column("loss", Double),
    Column("best_epoch", Integer),
    Column("proposed_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("cause", Text),
    Column("cause_numbers", Text, nullable=False, server_default="{}"),
    Column("exception", Text),
    Column("caller", String(32)),
    Column("retrained", Integer, nullable=False, server_default="0"),
    Index(None, "study_id", "revision"),
    sqlite_with_rowid=False,
)

reports = Table(
    "hpsearch_reports",
    metadata,
    Column("study_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("metrics", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    ForeignKeyConstraint(["study_id", "number"], ["hpsearch_trials.study_id", "hpsearch_trials.number"]),
    Index(None, "study_id", "revision"),
    sqlite_with_rowid=False,
)

# `place`: the order within a batch, from 0.
decisions = Table(
    "hpsearch_decisions",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("number", Integer),
    Column("step", Integer),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# One row a study, made with it; nobody holds it while `holder` is NULL. The study's revision is counted here because
# every write must check the token in any case: one UPDATE checks it, counts, and shows a sign of life.
# beat_wall: seconds since 1970 by the database's clock; beat_boot: that the holder's machine has been awake.
# wrote: the token of the last write. spent: seconds of wall clock that all runs of the study have taken.
# stop: the token of a run that somebody has asked to end.
leases = Table(
    "hpsearch_leases",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("holder", String(32)),
    Column("pid", BigInteger),
    Column("host", Text),
    Column("boot", Text),
    Column("space", Text),
    Column("started", Text),
    Column("ttl", Double),
    Column("beat_wall", Double),
    Column("beat_boot", Double),
    Column("wrote", BigInteger),
    Column("spent", Double, nullable=False),
    Column("stop", BigInteger),
)

# Programs that train trials of one study together, a row each while it does; the columns are those of `leases`.
callers = Table(
    "hpsearch_callers",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("uid", String(32), primary_key=True),
    Column("pid", BigInteger, nullable=False),
    Column("host", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("space", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("ttl", Double, nullable=False),
    Column("beat_wall", Double, nullable=False),
    Column("beat_boot", Double, nullable=False),
)

# How far each tracker has come.
cursors = Table(
    "hpsearch_cursors",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

# What was measured before the first trial. kind: "preflight" or "lr_range". document: JSON.
documents = Table(
    "hpsearch_probes",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Where trials were trained: code, packages, machine. digest: SHA-256 of the document, which is JSON.
environments = Table(
    "hpsearch_environments",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("document", Text, nullable=False),
)

# Which trial was trained in which, from the epoch after `after` on, and on what: data is JSON, name -> SHA-256.
segments = Table(
    "hpsearch_stretches",
    metadata,
    Column("study_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("after", Integer, primary_key=True),
    Column("environment", String(64), nullable=False),
    Column("data", Text, nullable=False),
    ForeignKeyConstraint(["study_id", "number"], ["hpsearch_trials.study_id", "hpsearch_trials.number"]),
    ForeignKeyConstraint(
        ["study_id", "environment"], ["hpsearch_environments.study_id", "hpsearch_environments.digest"]
    ),
    sqlite_with_rowid=False,
)

# Alembic's own, apart from the rest: it makes and compares it by itself.
version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
