"""Row 14: a disk that is full, fails, or may not be written ends the run with a word on it, and takes nothing away."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.disks import MountDisk, bad_disk, check_checkpoints, check_told, mounting
from tests.chaos.scenario import Scenario
from tests.cli.cli_runner import content
from tests.journal import old_journals

PACE = "pace = 0.021"
"""Longer than a worker's slice: every epoch is reported by itself."""

LEARNER, UNTRACKED = "tests.cli.trainers:learner", "tests.support.toys:untracked"
"""Of one a checkpoint finds no room first, of the other, which keeps none, the journal."""


@pytest.fixture
def mount(scenario: Scenario) -> Iterator[MountDisk]:
    with mounting(scenario.folder) as mount:
        yield mount
        scenario.close()


def home(scenario: Scenario, folder: Path) -> None:
    """Where everything of the study goes from now on."""
    scenario.variables["HPSEARCH_HOME"] = str(folder)
    scenario.url = f"sqlite:///{folder}/journal.db"


def unbroken(scenario: Scenario) -> list[dict[str, Any]]:
    """The trials of the same study where there is room for all."""
    quickly = ["--set", "trainer.options.pace=0.0"]
    driver = scenario.start(
        "run", "study.toml", *quickly, env=scenario.env() | {"HPSEARCH_HOME": str(scenario.folder / "roomy")}
    )
    assert driver.ended().code == 0
    scenario.cli.epoch_log.unlink()
    return content(scenario.invoke("export", "toy", "--journal", f"sqlite:///{scenario.folder}/roomy/journal.db").data)


def check_goes_on(scenario: Scenario, budget: int, whole: list[dict[str, Any]], lost: int = 1) -> None:
    """To the end, as if nothing had been; `lost` epochs may have been under way."""
    finished_results = scenario.finished_results()
    finished_results.check_unchanged()
    scenario.finish()
    finished_results.check_unchanged()
    scenario.check(budget=budget, kills=1, concurrency=lost)
    assert content(scenario.export()) == whole


@pytest.mark.parametrize(
    ("trainer", "size", "lost"),
    [(LEARNER, "400k", 1), pytest.param(UNTRACKED, "240k", 6, marks=pytest.mark.chaos)],
)
def test_full(scenario: Scenario, mount: MountDisk, trainer: str, size: str, lost: int) -> None:
    """Without checkpoints a trial, and here a slice of many epochs, begins anew."""
    disk = mount("home", size)
    scenario.cli.study('method = "random"\ntrials = 8', trainer=trainer, epochs=6, options=PACE)
    whole = unbroken(scenario)
    home(scenario, disk.at)
    answer = scenario.start().ended()
    assert answer.code == 5
    check_told(answer.err, disk.at)
    assert (check_checkpoints(disk.at) > 0) == (trainer == LEARNER)
    assert scenario.invoke("status", "toy").code == 0
    again = scenario.start().ended()
    assert again.code == 5
    check_told(again.err, disk.at)
    disk.resize("40m")
    check_goes_on(scenario, 8, whole, 2 * lost)


@pytest.mark.chaos
def test_twenty_megabytes(scenario: Scenario, mount: MountDisk) -> None:
    """The home of a study with checkpoints of 4 MiB."""
    disk = mount("home", "20m")
    scenario.cli.study(
        'method = "random"\ntrials = 4', trainer="tests.chaos.verbose_trainers:large_checkpoints", epochs=3
    )
    home(scenario, disk.at)
    answer = scenario.start().ended()
    assert answer.code == 5
    check_told(answer.err, disk.at)
    assert check_checkpoints(disk.at) > 0
    finished_results = scenario.finished_results()
    disk.resize("100m")
    scenario.finish()
    finished_results.check_unchanged()
    scenario.check(budget=4)


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        *(
            pytest.param(fault, place, marks=pytest.mark.chaos)
            for fault in ("EIO", "ENOSPC", "EROFS", "EDQUOT")
            for place in ("", "journal.db", "studies")
        ),
    ],
)
def test_failing(scenario: Scenario, fault: str, place: str) -> None:
    """In the midst of the study: all of its disk, or that of the journal, or that of the checkpoints."""
    scenario.cli.study('method = "random"\ntrials = 4', epochs=6, options=PACE)
    whole = unbroken(scenario)
    folder = scenario.folder / "home"
    home(scenario, folder)
    disk = bad_disk(str(folder / place), scenario.folder)
    driver = scenario.start("run", "study.toml", env={**scenario.env(), **disk.variables})
    scenario.until(lambda: scenario.trained() >= 8, driver)
    disk.fail(fault)
    answer = driver.ended()
    assert answer.code == 5
    check_told(answer.err, folder)
    check_checkpoints(folder)
    still = scenario.start("run", "study.toml", env={**scenario.env(), **disk.variables}).ended()
    assert still.code == 5
    check_told(still.err, folder)
    disk.recover()
    check_goes_on(scenario, 4, whole, 2)


@pytest.mark.chaos
@pytest.mark.parametrize("when", [1, 5, 12, 30, 60])
def test_what_is_not_known_to_be_on_the_disk(scenario: Scenario, when: int) -> None:
    """fdatasync fails from some call on: what was asked to last may not."""
    if (strace := shutil.which("strace")) is None:
        pytest.skip("needs strace")
    scenario.cli.study('method = "random"\ntrials = 10', epochs=6, options=PACE)
    whole = unbroken(scenario)
    home(scenario, scenario.folder / "home")
    inject = ["-e", "trace=fdatasync", "-e", f"inject=fdatasync:error=EIO:when={when}+"]
    answer = scenario.start(within=[strace, "-f", "-qq", "-o", "/dev/null", *inject]).ended()
    if "ptrace" in answer.err:
        pytest.skip("strace may not be used here")
    assert answer.code == 5
    check_told(answer.err, scenario.folder / "home")
    check_goes_on(scenario, 10, whole)


@pytest.mark.chaos
def test_read_only_from_the_beginning(scenario: Scenario, mount: MountDisk) -> None:
    disk = mount("home", "10m")
    scenario.cli.study('method = "random"\ntrials = 2', options=PACE)
    whole = unbroken(scenario)
    home(scenario, disk.at)
    disk.read_only()
    answer = scenario.start().ended()
    assert answer.code == 5
    assert str(disk.at) in answer.err
    assert disk.remount("rw")
    assert list(disk.at.iterdir()) == []
    check_goes_on(scenario, 2, whole)


@pytest.mark.chaos
def test_checkpoints_turn_read_only(scenario: Scenario, mount: MountDisk) -> None:
    disk = mount("home/studies", "10m")
    scenario.cli.study('method = "random"\ntrials = 4', epochs=6, options=PACE)
    whole = unbroken(scenario)
    home(scenario, disk.at.parent)
    driver = scenario.start()
    scenario.until(lambda: scenario.trained() >= 8, driver)
    disk.read_only()
    answer = driver.ended()
    assert answer.code == 5
    check_told(answer.err, disk.at)
    assert scenario.start().ended().code == 5
    assert disk.remount("rw")
    check_checkpoints(disk.at)
    check_goes_on(scenario, 4, whole, 2)


def test_no_room_for_an_upgrade(scenario: Scenario, mount: MountDisk) -> None:
    """Of an old journal: no copy, no change."""
    disk = mount("home", "400k")
    (disk.at / "elsewhere").mkdir()
    old = old_journals.VERSIONS[0]
    url = old_journals.lay_down(old, disk.at / "elsewhere")
    disk.fill(leave=40_000)
    answer = scenario.invoke("db", "upgrade", "--journal", url)
    assert answer.code == 5
    check_told(answer.err, disk.at)
    assert list(disk.at.rglob("*.backup*")) == []
    assert scenario.invoke("db", "version", "--journal", url).out == f"schema version {old}\n"
    disk.resize("4m")
    assert scenario.invoke("db", "upgrade", "--journal", url).code == 0
    for study, document in old_journals.exported(old).items():
        assert old_journals.lost(document, scenario.invoke("export", study, "--journal", url).data) == []


@pytest.mark.chaos
@pytest.mark.parametrize("size", ["100k", "1500k"])
def test_no_room_for_mlflow(scenario: Scenario, mount: MountDisk, size: str) -> None:
    """Not for its store, or not for all that goes into it: that costs the training nothing, and is sent later."""
    disk = mount("tracking", size)
    uri = f"sqlite:///{disk.at}/mlflow.db"
    scenario.cli.study('method = "random"\ntrials = 60', epochs=40, options="pace = 0.0")
    scenario.cli.change(('mlflow = "none"', f'mlflow = "{uri}"'))
    answer = scenario.start().ended(150)
    assert answer.code == 0
    assert "`hpsearch sync toy`" in answer.out
    assert answer.err.count("note: MLflow at") <= 1  # it may have been found only at the end
    scenario.check(budget=60, kills=0)
    pending = scenario.invoke("sync", "study.toml")
    assert pending.code == 5
    disk.resize("80m")
    assert scenario.invoke("sync", "study.toml").code == 0
    scenario.check(budget=60, kills=0, mlflow=uri)
