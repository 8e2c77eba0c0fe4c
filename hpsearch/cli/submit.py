"""`hpsearch submit`."""

import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, study_file
from hpsearch.core.errors import Stopped


def arguments(parser: ArgumentParser) -> None:
    study_file(parser)
    parser.add_argument("--address", required=True, help="address of the job server, such as http://head:8265")
    parser.add_argument("--follow", action="store_true", help="show its output, and exit with its exit code")


class _ClusterEnvironment(dict[str, str]):
    """A variable that is not set here may be set on the cluster: a placeholder URL passes the checks of the file."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"postgresql://{name}/"


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.core.format import printable
    from hpsearch.core.logs import buffer_library_logs
    from hpsearch.study.definition import Study

    study = Study.load(args.file, args.overrides, _ClusterEnvironment(os.environ))
    buffer_library_logs()
    from hpsearch.workers.pools.ray import jobs

    job = jobs.submit(study, args.overrides, args.address)
    follow, stop = (f"ray job {verb} {job.number} --address {args.address}" for verb in ("logs --follow", "stop"))
    sent: dict[str, object] = {"study": study.study.name, "job": job.number, "address": args.address}
    if job.left_out:
        sent["left_out"] = list(job.left_out)
        sys.stderr.write(f"note: not sent to the cluster: {', '.join(job.left_out)}\n")
    if not args.follow:
        text = f"{study.study.name} runs as job {job.number}\n  follow  {follow}\n  stop    {stop}"
        yield Answer(sent, lambda: text)
        return
    try:
        for text in job.output():
            sys.stderr.write(printable(text))
    except KeyboardInterrupt:
        raise Stopped(signal.SIGINT, f"the job continues\n  follow  {follow}\n  stop    {stop}") from None
    code, state = job.exit_code(), job.state()
    yield Answer({**sent, "state": state, "exit_code": code}, lambda: f"job {job.number}: {state}", code)
