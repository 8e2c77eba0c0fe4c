"""Row 24: killed, and what it left on the disk damaged, it goes on to the same curves, and executes nothing."""

from pathlib import Path
from typing import Any

import pytest

from tests.chaos.invariants import reading
from tests.chaos.scenario import Scenario
from tests.cli.cli_runner import content
from tests.support.damage import DAMAGES, MALICIOUS, Damage, Payload, sign

SAMPLE = ["bit flipped in its middle", "torch file", "both"]


def bomb(evil: str, marker: Path) -> Damage:
    def damage(path: Path) -> None:
        path.write_bytes(MALICIOUS[evil](Payload(marker)))
        sign(path)

    return damage


def damages(marker: Path) -> dict[str, Damage]:
    """All there are; "both" spoils the one before as well, so that nothing is left but scratch.

    A folder in its place is not among them: no disk does that, and it ends the run, which says where it is.
    """
    disk = {name: damage for name, damage in DAMAGES.items() if name != "a folder"}
    return {**disk, **{evil: bomb(evil, marker) for evil in MALICIOUS}, "both": DAMAGES["empty"]}


def unbroken(scenario: Scenario) -> list[dict[str, Any]]:
    """The trials of the same study where nothing happens to it."""
    home = scenario.folder / "unbroken"
    quickly = ["--set", "trainer.options.pace=0.0"]
    driver = scenario.start("run", "study.toml", *quickly, env=scenario.env() | {"HPSEARCH_HOME": str(home)})
    assert driver.ended().code == 0
    scenario.cli.epoch_log.unlink()
    return content(scenario.invoke("export", "toy", "--journal", f"sqlite:///{home}/journal.db").data)


def newest(scenario: Scenario) -> list[Path]:
    """The checkpoints to go on from, of the trial that is being trained: the newest first."""
    files = scenario.folder.glob(".hpsearch/studies/*/checkpoints/*/epoch-*.pt")
    return sorted((path for path in files if path.with_name(f"{path.name}.sha256").exists()), reverse=True)


def far_enough(scenario: Scenario, before: Path | None) -> bool:
    found = newest(scenario)
    return len(found) >= 2 and (before is None or found[0] > before)


def recorded_past(scenario: Scenario, path: Path) -> int:
    """How many epochs after that of this checkpoint the journal has; where it is below 0, it is thrown away unread."""
    with reading(scenario.url) as connection:
        epoch = connection.exec_driver_sql(f"SELECT epoch FROM hpsearch_trials WHERE number = {int(path.parent.name)}")
        return int(epoch.scalar_one()) - int(path.stem[6:])


def notes(scenario: Scenario) -> list[str]:
    return [one["reason"] for one in scenario.export()["decisions"] if one["kind"] == "note"]


@pytest.mark.parametrize(
    ("trainer", "kinds"),
    [
        pytest.param("learner", "sample", marks=pytest.mark.chaos),
        pytest.param("torch_learner", "all", marks=[pytest.mark.chaos, pytest.mark.timeout(900)]),
    ],
)
def test_damaged_after_every_kill(scenario: Scenario, trainer: str, kinds: str) -> None:
    marker = scenario.folder / "executed"
    todo = [(name, damage) for name, damage in damages(marker).items() if kinds == "all" or name in SAMPLE]
    space = "x = { low = 0.0, high = 1.0 }" if trainer == "learner" else "lr = { low = 1e-3, high = 0.1, log = true }"
    search = f'method = "random"\ntrials = {len(todo)}'
    scenario.cli.study(search, trainer=f"tests.cli.trainers:{trainer}", epochs=6, options="pace = 0.05", space=space)
    whole, spoilt, damaged = unbroken(scenario), dict[str, Path](), None
    finished_results = scenario.finished_results()
    for name, damage in todo:
        driver = scenario.start()
        scenario.until(lambda: far_enough(scenario, damaged), driver)  # noqa: B023 -- asked at once
        driver.kill()
        finished_results.check_unchanged()
        # Killed before it reported an epoch, the run has not reported either what it found.
        spoilt = {one: path for one, path in spoilt.items() if path != damaged or recorded_past(scenario, path) > 0}
        found = newest(scenario)
        if len(found) < 2:  # its trial ended meanwhile
            continue
        damaged = found[0]
        for path in found if name == "both" else found[:1]:
            damage(path)
        if recorded_past(scenario, damaged) >= 0:
            spoilt[name] = damaged
    scenario.finish()
    finished_results.check_unchanged()
    # A slice is of two epochs where its order came late (worker.LATE): the kill costs one, the damage another.
    scenario.check(budget=len(todo), kills=4 * len(todo) + 6)
    assert content(scenario.export()) == whole
    assert not marker.exists()
    found = notes(scenario)
    for name, path in spoilt.items():
        assert name == "gone" or any(f"{path} is not used" in note for note in found), f"{name}: no note"
    print(f"\n{len(spoilt)} checkpoints damaged, {scenario.retrained()} epochs trained again, curves as unbroken")
    assert spoilt
