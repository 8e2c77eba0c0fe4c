"""`hpsearch db`: for the journal of --journal, of a study file, or of the current folder."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.verb import JOURNAL_DEFAULT, Answer


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=["version", "upgrade"], help="show the version, or upgrade (with a backup of SQLite)"
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="study.toml", help="study file that names the journal")
    parser.add_argument("--journal", metavar="URL", help=f"URL of the journal; {JOURNAL_DEFAULT}")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.journal import upgrade, version
    from hpsearch.records.find import home, looked_up
    from hpsearch.study.definition import Study

    own = Study.load(args.file).journal_url if args.file else f"sqlite:///{home() / 'journal.db'}"
    url = looked_up(args.journal, "--journal") if args.journal else own
    if args.action == "version":
        found = version(url)
        yield Answer({"version": found}, lambda: f"schema version {found}")
        return
    done = upgrade(url)
    data = {"before": done.before, "after": done.after, "backup": str(done.backup) if done.backup else None}
    kept = f"; backup: {done.backup}" if done.backup else ""
    same = f"already at version {done.after}"
    yield Answer(data, lambda: same if done.before == done.after else f"upgraded {done.before} to {done.after}{kept}")
