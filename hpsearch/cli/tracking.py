"""The commands about MLflow: sync and ui."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from hpsearch.cli.answer import Answer
from hpsearch.core.errors import BadInput, InfrastructureError, NotFound, Stopped
from hpsearch.records.find import RecordedStudy, file_of, home, journal_of, looked_up, study_in
from hpsearch.study.file.reading import resolved
from hpsearch.tracking.connection import check_server
from hpsearch.tracking.dashboard import Dashboard, dashboard
from hpsearch.tracking.location import is_server
from hpsearch.tracking.mlflow_tracker import sync as bring


def sync(args: Namespace) -> Iterator[Answer]:
    """One study, or every one that is in MLflow."""
    done = {}
    with journal_of(args.study, args.journal) as journal:
        studies = map(RecordedStudy, journal.studies()) if args.study is None else [study_in(journal, args.study)]
        for study in studies:
            uri = _place(args, study)
            if uri != "none":
                done[study.record.name] = bring(study.record, study.objective, journal, uri)
            elif args.study is not None:
                name = study.record.name
                raise BadInput(
                    f'study "{name}" is not in MLflow (tracking.mlflow = "none"): say where with --mlflow URI'
                )
    lines = [f"{name}: {one.sent} sent, {one.pending} pending" for name, one in done.items()]
    if problems := [one.problem for one in done.values() if one.problem]:
        raise InfrastructureError("\n".join([*lines, *problems]))
    data = [{"study": name, "sent": one.sent, "pending": one.pending} for name, one in done.items()]
    yield Answer(data, lambda: "\n".join(lines) or "no study here is in MLflow")


def _place(args: Namespace, study: RecordedStudy) -> str:
    """Where MLflow is for this study: as the command says, its file, or what was recorded of its file."""
    file = file_of(args.study)
    if args.mlflow is not None:
        return _checked(args.mlflow)
    if file is not None:
        return file.tracking_uri
    written = study.record.spec.get("tracking", {}).get("mlflow")
    if written is None:
        journal = Path((args.journal or "").removeprefix("sqlite:///"))
        return f"sqlite:///{(journal.parent if args.journal and journal.is_absolute() else home()) / 'mlflow.db'}"
    name = study.record.name
    try:
        uri = resolved(written, os.environ)
    except KeyError as missing:
        raise BadInput(f'study "{name}": the environment variable {missing.args[0]} is not set') from None
    file_name = uri.removeprefix("sqlite:///")
    if file_name == uri or Path(file_name).is_absolute():
        return uri
    here = home().parent / file_name
    if not here.exists():
        raise BadInput(f'study "{name}": {uri} starts at its file: name the file in place of the study')
    return f"sqlite:///{here}"


def _checked(uri: str) -> str:
    uri = looked_up(uri, "--mlflow")
    try:
        if not is_server(uri):
            check_server(uri)
    except BadInput as problem:
        raise BadInput(str(problem).replace("tracking.mlflow", "--mlflow", 1)) from None
    return uri


# The dashboard ───────────────────────────────────────────────────────────────────────────────────


def ui(args: Namespace) -> Iterator[Answer]:
    """Serves until a signal ends it."""
    folder = (args.home or home()).absolute()
    uri = f"sqlite:///{folder / 'mlflow.db'}" if args.mlflow is None else _checked(args.mlflow)
    if args.mlflow is None and not (folder / "mlflow.db").exists():
        raise NotFound(f"no MLflow store in {folder}: run a study first, or say where it is with --home FOLDER")
    board = dashboard(uri, port=args.port)
    if not board.argv:
        yield Answer({"url": board.url}, lambda: f"MLflow dashboard: {board.url}")
        return
    log = (folder if folder.is_dir() else Path(tempfile.gettempdir())) / "ui.log"
    with _served(board, log) as server:
        yield Answer({"url": board.url}, lambda: f"MLflow dashboard: {board.url}   (Ctrl-C ends it)")
        server.wait()
    raise InfrastructureError(f"the dashboard has ended by itself\n  log  {log}")


@contextmanager
def _served(board: Dashboard, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """MLflow's server, which answers; with the context ends all that it has started. What it says goes to `log`."""

    def stopped(number: int, _frame: object) -> None:
        raise Stopped(number, "")

    with log.open("wb") as out, _handling(stopped, signal.SIGINT, signal.SIGTERM):
        environment = dict(board.environment)
        server = subprocess.Popen(board.argv, env=environment, stdout=out, stderr=out, start_new_session=True)
        try:
            _await(server, board.url, log)
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _await(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    place = urlsplit(url)
    while server.poll() is None:
        with suppress(OSError), socket.create_connection((str(place.hostname), place.port or 80), timeout=1):
            return
        time.sleep(0.1)
    raise InfrastructureError(f"the dashboard does not start at {url}\n  log  {log}")


@contextmanager
def _handling(handler: Callable[[int, object], None], *signals: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
