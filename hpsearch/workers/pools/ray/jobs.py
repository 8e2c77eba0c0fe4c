"""A study as a Ray job: its folder is uploaded to the cluster, and `hpsearch run` is called there."""

import asyncio
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.exceptions import RayError
from ray.job_submission import JobStatus, JobSubmissionClient

from hpsearch.core.errors import PoolError
from hpsearch.provenance.module_search import is_installed
from hpsearch.study.definition import Study
from hpsearch.study.file.prune_sections import OwnPrune
from hpsearch.study.file.search_sections import Own
from hpsearch.trainer.contract import sources_of_trainer
from hpsearch.workers.pools.ray.cluster import redirect_ray_logs
from hpsearch.workers.pools.ray.packages import packages, runtime_env
from hpsearch.workers.pools.ray.upload import left_out

HOME = 'HPSEARCH_HOME="${HPSEARCH_HOME:-$HOME/.hpsearch}"'
"""Ray removes a job's working directory after the job, so the journal is in the home folder of the head node."""

AGENT_TIMEOUT = 60.0
"""Seconds until the agents of a new cluster must be ready."""


@dataclass
class Job:
    """A submitted study. number: Ray's submission id. left_out: names in the study's folder that were not sent."""

    client: JobSubmissionClient
    number: str
    left_out: Sequence[str] = ()

    def output(self) -> Iterator[str]:
        """The job's output as it is printed, until the job ends."""
        lines = self.client.tail_job_logs(self.number)

        async def following() -> str | None:
            return await anext(lines, None)

        with asyncio.Runner() as runner:
            while (text := runner.run(following())) is not None:
                yield text

    def exit_code(self) -> int:
        """The exit code of `hpsearch run` on the cluster; 5 where the job ended without one."""
        details = self.client.get_job_info(self.number)
        if details.status == JobStatus.SUCCEEDED:
            return 0
        return details.driver_exit_code or PoolError.exit_code

    def state(self) -> str:
        return str(self.client.get_job_status(self.number).value)


def entrypoint(study: Study, overrides: Sequence[str]) -> str:
    """The shell command of the job: the same study, on the cluster that the job runs on."""
    assert study.path is not None, "what is submitted was read from a file"
    changes = [*overrides, 'resources.address="auto"']
    words = ["python", "-m", "hpsearch", "run", study.path.name]
    words += [word for change in changes for word in ("--set", change)]
    return f"{HOME} {shlex.join(words)}"


def job_environment(study: Study) -> dict[str, Any]:
    """The runtime_env of the job: the workers' runtime_env with the packages of the user's own sampler and pruner."""
    environment = runtime_env(study.trainer.use, study.folder, sources_of_trainer(study).files)
    for section in (study.search, study.prune):
        if isinstance(section, Own | OwnPrune):
            own = [path for path in packages(section.use, study.folder) if not is_installed(Path(path))]
            environment["py_modules"] = list(dict.fromkeys([*environment["py_modules"], *own]))
    return environment


def submit(study: Study, overrides: Sequence[str], address: str) -> Job:
    """PoolError where the cluster does not answer or refuses the job. BadInput where a folder is too large to be sent.

    `${env:NAME}` in the study is read from the cluster's environment, and not sent: Ray's Jobs API shows the
    environment of a job to every client.
    """
    environment = job_environment(study)
    redirect_ray_logs()
    try:
        client = JobSubmissionClient(address)
        number = _submitted(client, entrypoint(study, overrides), environment)
    except (RuntimeError, ConnectionError, ValueError, RayError) as problem:
        raise PoolError(f"the cluster at {address} did not accept the job: {problem}") from None
    return Job(client, number, left_out(study.folder))


def _submitted(client: JobSubmissionClient, command: str, environment: dict[str, Any]) -> str:
    """Ray's submission id. Repeated while a cluster that has just started has no agent yet."""
    deadline = time.monotonic() + AGENT_TIMEOUT
    while True:
        try:
            return client.submit_job(entrypoint=command, runtime_env=environment)
        except RuntimeError as problem:
            if "No available agent" not in str(problem) or time.monotonic() > deadline:
                raise
        time.sleep(1.0)
