"""`hpsearch submit`: the same run, as a job on a Ray cluster."""

import sys
from argparse import Namespace
from collections.abc import Iterator

from hpsearch.commands import Answer
from hpsearch.log import quiet
from hpsearch.study import load


def submit(args: Namespace) -> Iterator[Answer]:
    study = load(args.file, args.overrides)
    quiet(study.home / "hpsearch.log")
    from hpsearch.pools import ray_jobs

    job = ray_jobs.submit(study, args.overrides, args.address)
    again = f"ray job logs --follow {job.number} --address {args.address}"
    sent = {"study": study.study.name, "job": job.number, "address": args.address}
    if not args.follow:
        yield Answer(sent, lambda: f"{study.study.name} runs as job {job.number}\n  follow  {again}")
        return
    for text in job.output():
        sys.stderr.write(text)
    code = job.exit_code()
    done = {**sent, "state": job.state(), "exit_code": code}
    yield Answer(done, lambda: f"job {job.number}: {done['state']}", code)
