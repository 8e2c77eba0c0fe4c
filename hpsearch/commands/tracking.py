"""The commands about MLflow: sync and ui."""

import subprocess
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.commands import Answer
from hpsearch.commands.recorded import Recorded, file_of, home, journal_of, opened
from hpsearch.errors import InfrastructureError, NotFound
from hpsearch.trackers.mlflow_tracker import sync as bring
from hpsearch.trackers.ui import dashboard


def sync(args: Namespace) -> Iterator[Answer]:
    file = file_of(args)
    uri = args.mlflow or (file.tracking_uri if file else f"sqlite:///{home() / 'mlflow.db'}")
    with journal_of(args) as journal:
        studies = map(Recorded, journal.studies()) if args.study is None else [opened(journal, args)]
        done = {study.record.name: bring(study.record, study.objective, journal, uri) for study in studies}
    lines = [f"{name}: {one.sent} sent, {one.pending} pending" for name, one in done.items()]
    if problems := [one.problem for one in done.values() if one.problem]:
        raise InfrastructureError("\n".join([*lines, *problems]))
    data = [{"study": name, "sent": one.sent, "pending": one.pending} for name, one in done.items()]
    yield Answer(data, lambda: "\n".join(lines) or "no study is recorded here")


def ui(args: Namespace) -> Iterator[Answer]:
    folder = (args.home or home()).absolute()
    uri = args.mlflow or f"sqlite:///{folder / 'mlflow.db'}"
    if args.mlflow is None and not Path(folder / "mlflow.db").exists():
        raise NotFound(f"no MLflow store in {folder}: run a study first, or say where it is with --home FOLDER")
    board = dashboard(uri, port=args.port)
    yield Answer(
        {"url": board.url}, lambda: f"MLflow dashboard: {board.url}" + "   (Ctrl-C ends it)" * bool(board.argv)
    )
    if board.argv:
        code = subprocess.run(board.argv, env=board.environment, check=False).returncode
        yield Answer({"exit_code": code}, lambda: "", code)
