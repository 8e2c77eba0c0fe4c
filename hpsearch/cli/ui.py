"""`hpsearch ui`: serves until a signal ends it."""

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.verb import Answer
from hpsearch.core.errors import InfrastructureError, NotFound


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="default: a free one from 5000 up")
    parser.add_argument("--home", type=Path, help="the folder with mlflow.db; default: .hpsearch here")
    where = "another store, a password as ${env:NAME}; or a server (its address is printed)"
    parser.add_argument("--mlflow", metavar="URI", help=where)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.records.find import home
    from hpsearch.tracking.dashboard import dashboard, served
    from hpsearch.tracking.recorded_store import checked

    folder = (args.home or home()).absolute()
    uri = f"sqlite:///{folder / 'mlflow.db'}" if args.mlflow is None else checked(args.mlflow)
    if args.mlflow is None and not (folder / "mlflow.db").exists():
        raise NotFound(f"no MLflow store in {folder}: run a study first, or say where it is with --home FOLDER")
    board = dashboard(uri, port=args.port)
    text = f"MLflow dashboard: {board.url}"
    if not board.argv:
        yield Answer({"url": board.url}, lambda: text)
        return
    log = (folder if folder.is_dir() else Path(tempfile.gettempdir())) / "ui.log"
    with served(board, log) as server:
        yield Answer({"url": board.url}, lambda: f"{text}   (Ctrl-C ends it)")
        server.wait()
    raise InfrastructureError(f"the dashboard has ended by itself\n  log  {log}")
