"""The tables of the journal. All names begin with hpsearch_, so that the database may have other tables.

JSON is stored as text, with NaN and infinities as Python's json writes them. Times are milliseconds since 1970.
`revision` counts the batches written to a study, so that a reader can query what is new. Tables without rowid are
clustered by their key on SQLite, which halves the pages that a commit writes.
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

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""Every version of the schema, oldest first; `migrations/versions` has a migration to each. This file has the last."""

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

# loss: `value`, negated if it is maximised, so that ORDER BY loss lists the best first; NULL if there is no
# value, or if the trial does not meet the study's requirements.
# cause: a `Cause`; cause_numbers: its numbers, as JSON. For a study: why it ended, NULL before.
# superseded: 1 if it was trained with an earlier version of the trainer's code.
# reads_epochs: 1 if its trainer has read run.epochs_total. replaces: the number of an earlier trial, or NULL.
# caller: the program that trains it, if several programs train the study's trials together; else NULL.
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
    Column("superseded", Integer, nullable=False, server_default="0"),
    Column("reads_epochs", Integer, nullable=False, server_default="0"),
    Column("replaces", Integer),
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

# One row for each study; holder is NULL while no process has the lease. The revision is here because every write checks
# the token: one UPDATE checks it, increments the revision, and renews the lease.
# beat_wall: time of the last renewal, in seconds since 1970 (database's clock); beat_boot: the same by the boot clock.
# wrote: the token of the last write. spent: seconds of wall clock of all runs of the study.
# stop: the token of a run that was asked to stop.
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

# The programs that currently train trials of one study together; the columns are those of `leases`.
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

# The revision up to which each tracker has sent a study.
cursors = Table(
    "hpsearch_cursors",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

# Imports of results of other programs. study: its name; it may not be recorded yet. document: JSON.
imports = Table(
    "hpsearch_imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", Text, nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

# label: the trial's place in its source. curve: JSON, a list of [step, metrics].
imported_trials = Table(
    "hpsearch_imported_trials",
    metadata,
    Column("import_id", Integer, ForeignKey("hpsearch_imports.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("label", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("curve", Text, nullable=False),
    Column("state", Text, nullable=False),
)

# Measurements and the record of rounds. kind: "preflight", "lr_range" or "rounds". document: JSON.
documents = Table(
    "hpsearch_probes",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Environments of trials: code, packages, machine. digest: SHA-256 of the document, which is JSON.
environments = Table(
    "hpsearch_environments",
    metadata,
    Column("study_id", Integer, ForeignKey("hpsearch_studies.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("document", Text, nullable=False),
)

# The environment and data of a trial from the epoch after `after` on. data: JSON, name -> SHA-256.
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

# Alembic's own table, in metadata of its own, since Alembic creates and compares it itself.
version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
