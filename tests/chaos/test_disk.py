"""Row 14: a disk that is full, fails, or may not be written ends the run with a word on it, and takes nothing away."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.disks import MountDisk, bad_disk, check_checkpoints, check_told, mounting
from tests.chaos.kit import Scene
from tests.cli.desk import content
from tests.journal import old_journals

PACE = "pace = 0.021"
"""Longer than a worker's slice: every epoch is reported by itself."""

LEARNER, UNTRACKED = "tests.cli.trainers:learner", "tests.support.toys:untracked"
"""Of one a checkpoint finds no room first, of the other, which keeps none, the journal."""


@pytest.fixture
def mount(scene: Scene) -> Iterator[MountDisk]:
    with mounting(scene.folder) as mount:
        yield mount
        scene.close()


def home(scene: Scene, folder: Path) -> None:
    """Where everything of the study goes from now on."""
    scene.variables["HPSEARCH_HOME"] = str(folder)
    scene.url = f"sqlite:///{folder}/journal.db"


def unbroken(scene: Scene) -> list[dict[str, Any]]:
    """The trials of the same study where there is room for all."""
    quickly = ["--set", "trainer.options.pace=0.0"]
    driver = scene.start(
        "run", "study.toml", *quickly, env=scene.env() | {"HPSEARCH_HOME": str(scene.folder / "roomy")}
    )
    assert driver.ended().code == 0
    scene.desk.diary.unlink()
    return content(scene.hp("export", "toy", "--journal", f"sqlite:///{scene.folder}/roomy/journal.db").data)


def check_goes_on(scene: Scene, budget: int, whole: list[dict[str, Any]], lost: int = 1) -> None:
    """To the end, as if nothing had been; `lost` epochs may have been under way."""
    witness = scene.witness()
    witness.look()
    scene.finish()
    witness.look()
    scene.check(budget=budget, kills=1, concurrency=lost)
    assert content(scene.export()) == whole


@pytest.mark.parametrize(
    ("trainer", "size", "lost"),
    [(LEARNER, "400k", 1), pytest.param(UNTRACKED, "240k", 6, marks=pytest.mark.chaos)],
)
def test_full(scene: Scene, mount: MountDisk, trainer: str, size: str, lost: int) -> None:
    """Without checkpoints a trial, and here a slice of many epochs, begins anew."""
    disk = mount("home", size)
    scene.desk.study('method = "random"\ntrials = 8', trainer=trainer, epochs=6, options=PACE)
    whole = unbroken(scene)
    home(scene, disk.at)
    answer = scene.start().ended()
    assert answer.code == 5
    check_told(answer.err, disk.at)
    assert (check_checkpoints(disk.at) > 0) == (trainer == LEARNER)
    assert scene.hp("status", "toy").code == 0
    again = scene.start().ended()
    assert again.code == 5
    check_told(again.err, disk.at)
    disk.resize("40m")
    check_goes_on(scene, 8, whole, 2 * lost)


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ("EIO", "journal.db"),
        *(
            pytest.param(fault, place, marks=pytest.mark.chaos)
            for fault in ("EIO", "ENOSPC", "EROFS", "EDQUOT")
            for place in ("", "journal.db", "studies")
        ),
    ],
)
def test_failing(scene: Scene, fault: str, place: str) -> None:
    """In the midst of the study: all of its disk, or that of the journal, or that of the checkpoints."""
    scene.desk.study('method = "random"\ntrials = 4', epochs=6, options=PACE)
    whole = unbroken(scene)
    folder = scene.folder / "home"
    home(scene, folder)
    disk = bad_disk(str(folder / place), scene.folder)
    driver = scene.start("run", "study.toml", env={**scene.env(), **disk.variables})
    scene.until(lambda: scene.trained() >= 8, driver)
    disk.fail(fault)
    answer = driver.ended()
    assert answer.code == 5
    check_told(answer.err, folder)
    check_checkpoints(folder)
    still = scene.start("run", "study.toml", env={**scene.env(), **disk.variables}).ended()
    assert still.code == 5
    check_told(still.err, folder)
    disk.recover()
    check_goes_on(scene, 4, whole, 2)


@pytest.mark.chaos
@pytest.mark.parametrize("when", [1, 5, 12, 30, 60])
def test_what_is_not_known_to_be_on_the_disk(scene: Scene, when: int) -> None:
    """fdatasync fails from some call on: what was asked to last may not."""
    if (strace := shutil.which("strace")) is None:
        pytest.skip("needs strace")
    scene.desk.study('method = "random"\ntrials = 10', epochs=6, options=PACE)
    whole = unbroken(scene)
    home(scene, scene.folder / "home")
    inject = ["-e", "trace=fdatasync", "-e", f"inject=fdatasync:error=EIO:when={when}+"]
    answer = scene.start(within=[strace, "-f", "-qq", "-o", "/dev/null", *inject]).ended()
    if "ptrace" in answer.err:
        pytest.skip("strace may not be used here")
    assert answer.code == 5
    check_told(answer.err, scene.folder / "home")
    check_goes_on(scene, 10, whole)


@pytest.mark.chaos
def test_read_only_from_the_beginning(scene: Scene, mount: MountDisk) -> None:
    disk = mount("home", "10m")
    scene.desk.study('method = "random"\ntrials = 2', options=PACE)
    whole = unbroken(scene)
    home(scene, disk.at)
    disk.read_only()
    answer = scene.start().ended()
    assert answer.code == 5
    assert str(disk.at) in answer.err
    assert disk.remount("rw")
    assert list(disk.at.iterdir()) == []
    check_goes_on(scene, 2, whole)


@pytest.mark.chaos
def test_checkpoints_turn_read_only(scene: Scene, mount: MountDisk) -> None:
    disk = mount("home/studies", "10m")
    scene.desk.study('method = "random"\ntrials = 4', epochs=6, options=PACE)
    whole = unbroken(scene)
    home(scene, disk.at.parent)
    driver = scene.start()
    scene.until(lambda: scene.trained() >= 8, driver)
    disk.read_only()
    answer = driver.ended()
    assert answer.code == 5
    check_told(answer.err, disk.at)
    assert scene.start().ended().code == 5
    assert disk.remount("rw")
    check_checkpoints(disk.at)
    check_goes_on(scene, 4, whole, 2)


def test_no_room_for_an_upgrade(scene: Scene, mount: MountDisk) -> None:
    """Of an old journal: no copy, no change."""
    disk = mount("home", "400k")
    (disk.at / "elsewhere").mkdir()
    old = old_journals.VERSIONS[0]
    url = old_journals.lay_down(old, disk.at / "elsewhere")
    disk.fill(leave=40_000)
    answer = scene.hp("db", "upgrade", "--journal", url)
    assert answer.code == 5
    check_told(answer.err, disk.at)
    assert list(disk.at.rglob("*.backup*")) == []
    assert scene.hp("db", "version", "--journal", url).out == f"schema version {old}\n"
    disk.resize("4m")
    assert scene.hp("db", "upgrade", "--journal", url).code == 0
    for study, document in old_journals.exported(old).items():
        assert old_journals.lost(document, scene.hp("export", study, "--journal", url).data) == []


@pytest.mark.chaos
@pytest.mark.parametrize("size", ["100k", "1500k"])
def test_no_room_for_mlflow(scene: Scene, mount: MountDisk, size: str) -> None:
    """Not for its store, or not for all that goes into it: that costs the training nothing, and is made up for."""
    disk = mount("tracking", size)
    uri = f"sqlite:///{disk.at}/mlflow.db"
    scene.desk.study('method = "random"\ntrials = 60', epochs=40, options="pace = 0.0")
    scene.desk.change(('mlflow = "none"', f'mlflow = "{uri}"'))
    answer = scene.start().ended(150)
    assert answer.code == 0
    assert "events are not in MLflow yet" in answer.out
    assert answer.err.count("note: MLflow at") <= 1  # it may have been found only at the end
    scene.check(budget=60, kills=0)
    pending = scene.hp("sync", "study.toml")
    assert pending.code == 5
    disk.resize("80m")
    assert scene.hp("sync", "study.toml").code == 0
    scene.check(budget=60, kills=0, mlflow=uri)
