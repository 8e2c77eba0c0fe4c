"""`hpsearch ui`: serves the dashboard until a signal stops it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.verb import Answer
from hpsearch.core.errors import InfrastructureError, NotFound


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="port of the dashboard; default: the first free one from 5000")
    parser.add_argument("--home", type=Path, help="folder with mlflow.db; default: $HPSEARCH_HOME, or .hpsearch here")
    where = "URI of another store, with a password as ${env:NAME}, or of a server (its address is printed)"
    parser.add_argument("--mlflow", nargs="?", metavar="URI", help=f"{where}; without a URI: the default store")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.records.find import home
    from hpsearch.tracking.dashboard import dashboard, served
    from hpsearch.tracking.recorded_store import checked

    folder = (args.home or home()).absolute()
    uri = f"sqlite:///{folder / 'mlflow.db'}" if args.mlflow is None else checked(args.mlflow)
    if args.mlflow is None and not (folder / "mlflow.db").exists():
        first = "`hpsearch sync STUDY` writes it" if (folder / "journal.db").exists() else "run a study first"
        raise NotFound(f"no MLflow store in {folder}: {first}, or name its folder with --home FOLDER")
    board = dashboard(uri, port=args.port)
    text = f"MLflow dashboard: {board.url}"
    if not board.argv:
        yield Answer({"url": board.url}, lambda: text)
        return
    log = folder / "ui.log" if folder.is_dir() else None  # a temporary folder could be written by other users
    with served(board, log) as server:
        yield Answer({"url": board.url}, lambda: f"{text}   (Ctrl-C stops it)")
        server.wait()
    raise InfrastructureError("the dashboard has stopped unexpectedly" + (f"\n  log  {log}" if log else ""))
