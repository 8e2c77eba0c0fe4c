"""The command of a job, its exit code, and a cluster whose agents are not up yet."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from ray.job_submission import JobDetails, JobStatus, JobType

from hpsearch.study.definition import Study
from hpsearch.workers.pools.ray import jobs
from hpsearch.workers.pools.ray.jobs import Job, entrypoint, job_environment
from tests.support.study_text import make_study


class Client:
    """Answers in place of a cluster: `refusals` first, one for each try."""

    def __init__(self, *refusals: str, status: JobStatus = JobStatus.SUCCEEDED, code: int | None = None):
        self.refusals, self.status, self.code = list(refusals), status, code

    def submit_job(self, **_: Any) -> str:
        if self.refusals:
            raise RuntimeError(self.refusals.pop(0))
        return "raysubmit_1"

    def get_job_info(self, _: str) -> JobDetails:
        return JobDetails(type=JobType.SUBMISSION, entrypoint="", status=self.status, driver_exit_code=self.code)


def test_a_job_runs_the_study_with_its_changes_on_the_cluster_that_it_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = entrypoint(make_study(), ['study.name="a b"'])
    assert command.startswith(f"{jobs.HOME} ")
    assert shlex.split(command.removeprefix(jobs.HOME)) == [
        *("python", "-m", "hpsearch", "run", "study.toml"),
        *("--set", 'study.name="a b"', "--set", 'resources.address="auto"'),
    ]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (JobStatus.SUCCEEDED, 0, 0),
        (JobStatus.FAILED, 3, 3),
        (JobStatus.FAILED, None, 5),
        (JobStatus.STOPPED, None, 5),
    ],
)
def test_the_exit_code_is_that_of_the_run(status: JobStatus, code: int | None, expected: int) -> None:
    client: Any = Client(status=status, code=code)
    assert Job(client, "raysubmit_1").exit_code() == expected


def test_a_cluster_whose_agents_are_not_up_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.time, "sleep", lambda _: None)
    client: Any = Client("No available agent to submit job", "No available agent to submit job")
    assert jobs._submitted(client, "true", {}) == "raysubmit_1"


def test_another_refusal_is_raised_at_once() -> None:
    client: Any = Client("runtime_env is too large")
    with pytest.raises(RuntimeError, match="too large"):
        jobs._submitted(client, "true", {})
    assert client.refusals == []


def test_the_package_of_a_sampler_from_outside_travels_and_an_installed_one_does_not(tmp_path: Path) -> None:
    def packages_with(use: str) -> list[str]:
        sections = {
            "study": {"name": "toy", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": "trainers.digits:train", "epochs": 3},
            "space": {"x": {"low": 0.0, "high": 1.0}},
            "search": {"use": use},
        }
        return [Path(path).name for path in job_environment(Study.from_dict(sections, folder=tmp_path))["py_modules"]]

    assert packages_with("tests.support.studies:Listed") == ["hpsearch", "trainers", "tests"]
    assert packages_with("optuna.samplers:QMCSampler") == ["hpsearch", "trainers"]
