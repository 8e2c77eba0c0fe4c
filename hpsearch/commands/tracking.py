"""The commands about MLflow: sync and ui."""

import subprocess
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.commands import Answer
from hpsearch.commands.recorded import file_of, home, journal_of, opened
from hpsearch.errors import InfrastructureError, NotFound
from hpsearch.study import recorded_objective
from hpsearch.trackers.mlflow_tracker import sync as bring
from hpsearch.trackers.ui import dashboard


def sync(args: Namespace) -> Iterator[Answer]:
    study = file_of(args)
    uri = args.mlflow or (study.tracking_uri if study else f"sqlite:///{home() / 'mlflow.db'}")
    done = []
    with journal_of(args) as journal:
        records = journal.studies() if args.study is None else [opened(journal, args).record]
        for record in records:
            result = bring(record, recorded_objective(record.spec), journal, uri)
            done.append(
                {"study": record.name, "sent": result.sent, "pending": result.pending, "problem": result.problem}
            )
    lines = [
        f"{one['study']}: {one['sent']} sent" + f", {one['pending']} pending" * bool(one["pending"]) for one in done
    ]
    if problems := [one["problem"] for one in done if one["problem"]]:
        raise InfrastructureError("\n".join([*lines, *problems]))
    yield Answer(done, lambda: "\n".join(lines) or "no study is recorded here")


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
