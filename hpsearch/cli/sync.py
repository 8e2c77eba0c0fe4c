"""`hpsearch sync`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from hpsearch.cli.verb import Answer, recorded_study
from hpsearch.core.errors import InfrastructureError
from hpsearch.core.format import many
from hpsearch.tracking.base import Sync


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser, optional=True)
    parser.add_argument("--mlflow", metavar="URI", help="URI of MLflow; default: the study's, or the local store")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.tracking.recorded_store import sync_recorded

    done = sync_recorded(args.study, args.journal, args.mlflow)
    lines = [f"{name}: {_words(one)}" for name, one in done.items()]
    if problems := [one.problem for one in done.values() if one.problem and not one.only_files]:
        raise InfrastructureError("\n".join([*lines, *problems]))
    data = [{"study": name, **_counts(one)} for name, one in done.items()]
    yield Answer(data, lambda: "\n".join(lines) or "no study of this journal is tracked with MLflow")


def _counts(done: Sync) -> dict[str, Any]:
    files = {"files_sent": done.files_sent, "files_pending": done.files_pending, "problem": done.problem}
    return {"sent": done.sent, "pending": done.pending, **files}


def _words(done: Sync) -> str:
    sent = f"{many(done.sent, 'event')} sent" if done.sent else ""
    left = f"{many(done.pending, 'event')} not sent yet" if done.pending else "MLflow is up to date"
    files = f"{many(done.files_sent, 'file')} sent" if done.files_sent else ""
    return "; ".join([", ".join(filter(None, [sent, files, left])), *([done.problem] if done.only_files else [])])
