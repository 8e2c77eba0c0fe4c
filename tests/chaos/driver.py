"""`python -m tests.chaos.driver --fail before-commit:7 run study.toml`: hpsearch that kills itself at a named point.

--fail POINT:N     the process sends itself SIGKILL when it passes POINT for the N-th time, from 1
--signal NAME      SIGSTOP in place of SIGKILL: the process is stopped until it gets SIGCONT
--points FILE      write the name of every point that is passed, one per line, so that a test can use each of them
--ttl SECONDS      the lease's time to live, in place of the journal's own

It wraps functions in this process only, and then calls `hpsearch.cli.main`. Each
of these is a point `before-…` and a point `after-…`:

commit    of a transaction of the journal, whichever: of a batch, a lease, a new study, the tables, a cursor
batch-commit    of a batch's transaction alone: PostgreSQL has more of the others than SQLite
write     of a batch; before: nothing is executed; after: it is durable, and nothing is acted on
create, acquire, update_spec, release, delete_study, renew    the journal's methods
order     given to the pool: a trial starts, goes on, is released or killed
file      of a checkpoint that is written; `half-file`: half of its bytes are
rename    of such a file to its place, and of the hash beside it
prune     of the checkpoints that are no longer needed to resume a trial
remove    of those of a trial that [checkpoints] does not keep
spool     of a batch, while the database is unreachable; unspool: the spool is cleared
"""

import argparse
import functools
import os
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any


class FaultInjector:
    """Counts the points that are passed, and sends the signal at the given one."""

    def __init__(self, fail: str, number: int, points: Path | None):
        self.fail, _, nth = fail.partition(":")
        self.nth = int(nth or 1)
        self.number = number
        self.points = points
        self.passed: Counter[str] = Counter()
        self.writing_thread: int | None = None

    def passing(self, point: str) -> None:
        self.passed[point] += 1
        if self.points is not None:
            with self.points.open("a", encoding="utf-8") as file:
                file.write(f"{point}\n")
        if point == self.fail and self.passed[point] == self.nth:
            self.send_signal()

    def send_signal(self) -> None:
        os.kill(os.getpid(), self.number)
        time.sleep(0.2)  # until the signal is there


def main() -> int:
    options, words = parsed(sys.argv[1:])
    injector = FaultInjector(options.fail, signal.Signals[options.signal], options.points)
    wrap_database(injector)
    wrap_journal(injector, options.ttl)
    wrap_files(injector)
    wrap_pool(injector)
    from hpsearch.cli.main import main

    return main(words)


def parsed(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--fail", default="")
    parser.add_argument("--signal", default="SIGKILL")
    parser.add_argument("--points", type=Path)
    parser.add_argument("--ttl", type=float)
    parser.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    return options, options.words


def wrap(injector: FaultInjector, owner: Any, method: str, point: str) -> None:
    """Put a point before and after a method of a class."""
    whole: Callable[..., Any] = getattr(owner, method)

    @functools.wraps(whole)
    def wrapped(*args: Any, **options: Any) -> Any:
        injector.passing(f"before-{point}")
        answer = whole(*args, **options)
        injector.passing(f"after-{point}")
        return answer

    setattr(owner, method, wrapped)


def wrap_commit(injector: FaultInjector, connection: Any) -> None:
    """Both points at once: commits of a batch are among the commits."""
    wrap(injector, connection, "commit", "commit")
    commit = connection.commit

    @functools.wraps(commit)
    def committing(self: Any) -> None:
        is_of_batch = injector.writing_thread == threading.get_ident()
        if is_of_batch:
            injector.passing("before-batch-commit")
        commit(self)
        if is_of_batch:
            injector.passing("after-batch-commit")

    connection.commit = committing


def wrap_database(injector: FaultInjector) -> None:
    """Commits of the journal: it alone opens SQLite files by URI, and it alone uses psycopg."""

    class Connection(sqlite3.Connection): ...

    wrap_commit(injector, Connection)
    connect = sqlite3.connect

    def connecting(*args: Any, **options: Any) -> sqlite3.Connection:
        return connect(*args, **({"factory": Connection} if options.get("uri") else {}), **options)

    sqlite3.connect = connecting  # type: ignore[assignment]
    try:
        import psycopg
    except ImportError:
        return
    wrap_commit(injector, psycopg.Connection)


def wrap_journal(injector: FaultInjector, ttl: float | None) -> None:
    from hpsearch.journal import Journal
    from hpsearch.journal.spool import Spool
    from hpsearch.journal.writer import Batch, Writer

    if ttl is not None:
        acquire = Journal.acquire
        Journal.acquire = functools.partialmethod(acquire, ttl=ttl)  # type: ignore[assignment,method-assign]
    for method in ("create", "acquire", "update_spec", "release", "delete_study", "renew"):
        wrap(injector, Journal, method, method)
    write = Writer.write

    def writing(writer: Writer, batch: Batch) -> None:
        injector.writing_thread = threading.get_ident()
        try:
            write(writer, batch)
        finally:
            injector.writing_thread = None

    Writer.write = writing  # type: ignore[method-assign]
    wrap(injector, Writer, "write", "write")
    wrap(injector, Spool, "append", "spool")
    wrap(injector, Spool, "clear", "unspool")


def wrap_files(injector: FaultInjector) -> None:
    """Checkpoints: they are written beside their place and renamed."""
    from hpsearch.workers.checkpoints import CheckpointStore

    write = Path.write_bytes

    def writing(path: Path, content: bytes) -> int:
        injector.passing("before-file")
        if injector.fail == "half-file" and injector.passed["half-file"] + 1 == injector.nth:
            write(path, content[: len(content) // 2])
        injector.passing("half-file")
        written = write(path, content)
        injector.passing("after-file")
        return written

    Path.write_bytes = writing  # type: ignore[method-assign,assignment]
    wrap(injector, Path, "replace", "rename")
    wrap(injector, CheckpointStore, "keep_newest", "prune")
    wrap(injector, CheckpointStore, "keep_best", "prune")
    wrap(injector, CheckpointStore, "remove", "remove")


def wrap_pool(injector: FaultInjector) -> None:
    """Whichever pool it is; to import Ray's for nothing would take a second."""
    from hpsearch.orchestrator import build

    make = build.pool

    def making(*args: Any, **options: Any) -> Any:
        pool, notes = make(*args, **options)
        wrap(injector, type(pool), "execute", "order")
        return pool, notes

    build.pool = making


if __name__ == "__main__":
    sys.exit(main())
