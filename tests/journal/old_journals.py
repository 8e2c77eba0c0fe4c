"""Journals as earlier versions of hpsearch have left them behind, in `assets/VERSION/`.

journal.sql is what was in the file; export.json what `hpsearch export` of that version said of it; spool.jsonl what its
spool would have kept; beside them are the files of its studies. They are never made again: no later hpsearch can.
"""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from hpsearch.journal import migrate
from hpsearch.journal.database import Database

ASSETS = Path(__file__).parent / "assets"
VERSIONS = sorted(folder.name for folder in ASSETS.iterdir())
STUDIES = ("veteran", "sprint")
"""Killed in the midst of its second round, and complete."""

TABLES = (
    *("studies", "trials", "reports", "decisions", "leases", "cursors"),
    *("probes", "environments", "stretches"),  # not in the oldest
)
"""In an order in which they can be filled."""


def lay_down(version: str, folder: Path) -> str:
    """The journal at its usual place in a folder, with its studies' files; returns its URL."""
    for file in (ASSETS / version).glob("*.toml"):
        shutil.copy(file, folder)
    path = folder / ".hpsearch" / "journal.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((ASSETS / version / "journal.sql").read_text(encoding="utf-8"))
    return f"sqlite:///{path}"


def bring_over(version: str, source: Path, url: str) -> None:
    """The same rows into a PostgreSQL database whose tables are those of that version."""
    database = Database(url)
    with closing(sqlite3.connect(source)) as old, database.write() as new:
        config = Config(attributes={"connection": new})
        config.set_main_option("script_location", str(migrate.MIGRATIONS))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, version)
        found = {name for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in (name for name in TABLES if f"hpsearch_{name}" in found):
            query = old.execute(f"SELECT * FROM hpsearch_{table}")
            names, rows = [column[0] for column in query.description], query.fetchall()
            places = ", ".join(f":{name}" for name in names)
            insert = sa.text(f"INSERT INTO hpsearch_{table} ({', '.join(names)}) VALUES ({places})")
            if rows:
                new.execute(insert, [dict(zip(names, row, strict=True)) for row in rows])
        new.execute(sa.text("SELECT setval('hpsearch_studies_id_seq', max(id)) FROM hpsearch_studies"))
    database.close()


def rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    database = Database(url, create=False)
    with database.read() as connection:
        there = sa.inspect(connection).get_table_names()
        names = [name for name in TABLES if f"hpsearch_{name}" in there]
        found = {name: connection.execute(sa.text(f"SELECT * FROM hpsearch_{name}")).mappings() for name in names}
        listed = {name: sorted(map(dict, own), key=repr) for name, own in found.items()}
    database.close()
    for row in listed.get("probes", ()):
        row["document"] = json.loads(row["document"])
    return listed


def exported(version: str) -> dict[str, Any]:
    """Study -> what was exported of it then; a number that is none was a word then, and is null now."""

    def as_now(document: dict[str, Any]) -> dict[str, Any]:
        return {name: None if value in ("nan", "inf", "-inf") else value for name, value in document.items()}

    return dict(json.loads((ASSETS / version / "export.json").read_text(encoding="utf-8"), object_hook=as_now))


def lost(then: Any, now: Any, where: str = "") -> list[str]:
    """Where what was said then is not said now; more may be said now."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [gap for key in then for gap in lost(then[key], now.get(key), f"{where}.{key}")]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [
            gap for i, (old, new) in enumerate(zip(then, now, strict=True)) for gap in lost(old, new, f"{where}[{i}]")
        ]
    return [] if then == now else [f"{where}: was {then!r}, is {now!r}"]
