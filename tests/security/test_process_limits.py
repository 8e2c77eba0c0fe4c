"""A user who may have few processes (`ulimit -u`, which does not hold for root)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.scenario import Scenario, Scenarios
from tests.security.conftest import OtherUser

pytestmark = [pytest.mark.chaos, pytest.mark.xdist_group("ray")]


@pytest.fixture
def scenario(other_user: OtherUser, open_folder: Path) -> Iterator[Scenario]:
    """A folder of the other user. No process of it may be left at its end."""
    with Scenarios(open_folder, HOME=str(open_folder)) as scenarios:
        made = scenarios()
        for folder in open_folder, made.folder:
            os.chown(folder, other_user.uid, other_user.gid)
        yield made


def limited(user: OtherUser, processes: int) -> list[str]:
    return user.command("prlimit", f"--nproc={processes}:{processes}")


def study(scenario: Scenario, trainer: str, options: str = "") -> None:
    scenario.cli.study('method = "random"\ntrials = 2', trainer=trainer, epochs=1, options=options)
    scenario.cli.change(('address = "none"', "workers = 2"))


def test_too_few_for_ray(scenario: Scenario, other_user: OtherUser) -> None:
    study(scenario, "tests.support.toys:noop")
    answer = scenario.start(within=limited(other_user, 80)).ended(200)
    assert answer.code == 5
    assert "ulimit -u" in answer.err
    assert not (scenario.folder / ".hpsearch" / "journal.db").exists()
    scenario.alone()
    scenario.cli.change(("workers = 2", 'address = "none"'))
    assert scenario.start(within=limited(other_user, 80)).ended().code == 0
    scenario.check(budget=2)


def test_a_trainer_that_starts_processes_without_end(scenario: Scenario, other_user: OtherUser) -> None:
    study(scenario, "tests.chaos.verbose_trainers:starts_processes")
    answer = scenario.start(within=limited(other_user, 700)).ended(200)
    assert answer.code == 3, answer
    assert [(trial["state"], trial["cause"]) for trial in scenario.export()["trials"]] == [
        ("FAILED", "trainer_raised")
    ] * 2
    scenario.check(budget=2)


def test_one_that_does_not_fail_when_it_may_start_no_more(scenario: Scenario, other_user: OtherUser) -> None:
    study(scenario, "tests.chaos.verbose_trainers:starts_processes", "stubborn = true")
    scenario.cli.change(("[resources]", '[limits]\nstall = "5s"\nretries = 0\n[resources]'))
    answer = scenario.start(within=limited(other_user, 700)).ended(200)
    assert answer.code == 3, answer
    assert [(trial["state"], trial["cause"]) for trial in scenario.export()["trials"]] == [("FAILED", "stalled")] * 2
    scenario.check(budget=2)
