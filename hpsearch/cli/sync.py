"""`hpsearch sync`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study
from hpsearch.core.errors import InfrastructureError


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser, optional=True)
    parser.add_argument("--mlflow", metavar="URI", help="where MLflow is; default: as the study's file says, or here")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.tracking.recorded_store import sync_recorded

    done = sync_recorded(args.study, args.journal, args.mlflow)
    lines = [f"{name}: {one.sent} sent, {one.pending} pending" for name, one in done.items()]
    if problems := [one.problem for one in done.values() if one.problem]:
        raise InfrastructureError("\n".join([*lines, *problems]))
    data = [{"study": name, "sent": one.sent, "pending": one.pending} for name, one in done.items()]
    yield Answer(data, lambda: "\n".join(lines) or "no study here is in MLflow")
