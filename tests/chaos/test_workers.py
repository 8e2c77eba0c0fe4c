"""FAULTS rows 2, 6, 7, 15, 16, 17, 30: what may happen to a trial's process, on a Ray of the study's own."""

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.misbehaving_trainers import pids
from tests.chaos.ray_nodes import undisturbed
from tests.chaos.scenario import Driver, Process, Scenario, Scenarios, add_summary

FATES = {
    "fine": ("COMPLETE", 1, "done"),
    "once SIGKILL": ("COMPLETE", 2, "done"),
    "once os._exit": ("COMPLETE", 2, "done"),
    "once SIGTERM": ("COMPLETE", 1, "done"),
    "SIGSEGV": ("FAILED", 2, "worker_lost"),
    "raise": ("FAILED", 1, "trainer_raised"),
    "once memory": ("COMPLETE", 1, "done"),
    "memory": ("FAILED", 1, "out_of_memory"),
    "cuda memory": ("FAILED", 1, "out_of_memory"),
    "nan": ("PRUNED", 1, "diverged"),
}
"""What a trial meets in its second epoch -> its state, its attempts, and the cause of its end."""


def written(scenario: Scenario, fates: list[str], limits: str, *, pace: float = 0.05, epochs: int = 4) -> None:
    """A study on two workers of a Ray of its own, a trial for each fate."""
    scenario.cli.study(
        'method = "grid"',
        trainer="tests.chaos.misbehaving_trainers:failing",
        epochs=epochs,
        options=f"pace = {pace}",
        space=f"how = {json.dumps(fates)}",
        more=f"[limits]\nmax_failures = 99\n{limits}\n",
    )
    scenario.cli.change(('address = "none"', "workers = 2"))


def watched(scenario: Scenario, timeout: float = 300.0) -> dict[str, Any]:
    """Run it to its end, with an eye on what is written; its export."""
    finished_results, driver = scenario.finished_results(), scenario.start()
    deadline = time.monotonic() + timeout
    while driver.popen.poll() is None and time.monotonic() < deadline:
        finished_results.check_unchanged()
        time.sleep(0.5)
    answer = driver.ended(timeout=1.0)
    assert answer.code == 0, answer.err
    finished_results.check_unchanged()
    return scenario.export()


@pytest.mark.xdist_group("ray")
@pytest.mark.chaos
def test_every_way_to_lose_a_worker(scenario: Scenario) -> None:
    """One study in which each trial meets another fate; what is not fatal leaves no trace in the curves."""
    written(scenario, list(FATES), "retries = 1")
    trials = watched(scenario)["trials"]
    for trial, (how, end) in zip(trials, FATES.items(), strict=True):
        assert (trial["state"], trial["attempts"], trial["cause"]) == end, (how, trial["reason"])
    calm = [f"fine {number}" for number in range(len(FATES))]
    for trial, whole in zip(trials, undisturbed(scenario, f"space.how={json.dumps(calm)}"), strict=True):
        good = 4 if trial["state"] == "COMPLETE" else 1
        assert trial["curve"][:good] == whole[:good], trial["params"]
    best = scenario.invoke("best", "toy", "--journal", scenario.url, "--json").data
    assert trials[best["number"]]["value"] == min(trial["value"] for trial in trials if trial["value"] is not None)
    crashed = scenario.invoke("show", "toy", list(FATES).index("SIGSEGV"), "--journal", scenario.url)
    assert "_cause_fault" in crashed.out
    scenario.check(budget=len(FATES))
    add_summary("2, 15, 16, 17, 30", "each fate once, in one study", fates=len(FATES), results_lost=0, counted_twice=0)


# Killed again and again: a trial's process, the one that waits for the next trial, their template, their worker ──────

KILLS = int(os.environ.get("HPSEARCH_TEST_KILLS", "450"))
TRIALS, EPOCHS = 12, 8

PARTS = {"trial": 0.8, "waiting": 0.08, "template": 0.06, "worker": 0.06}
"""What is killed, and how often: a template or a worker takes seconds to come up again."""


@pytest.mark.xdist_group("ray")
@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_killed_again_and_again(scenarios: Scenarios) -> None:
    chance, kills, studies, curves = random.Random(7), dict.fromkeys(PARTS, 0), 0, None
    while sum(kills.values()) < KILLS:
        scenario = scenarios()
        network_study(scenario)
        finished_results, driver = scenario.finished_results(), scenario.start()
        while driver.popen.poll() is None:
            time.sleep(chance.uniform(0.05, 0.4))
            may_kill = (
                scenario.trained() > 0 and sum(kills.values()) < KILLS
            )  # where no worker came up, it exits with 5
            if may_kill and (part := killed_part(driver, scenario, chance)):
                kills[part] += 1
            finished_results.check_unchanged()
        assert driver.ended(timeout=1.0).code == 0, driver.said()
        finished_results.check_unchanged()
        trials = scenario.export()["trials"]
        assert [trial["state"] for trial in trials] == ["COMPLETE"] * TRIALS
        curves = curves or undisturbed(scenario)
        assert [trial["curve"] for trial in trials] == curves
        scenario.check(budget=TRIALS)
        scenario.alone()
        studies += 1
    add_summary(
        "2, 15", "SIGKILL to parts of a worker, Ray, real networks", studies=studies, **kills, lost=0, doubled=0
    )


def network_study(scenario: Scenario) -> None:
    scenario.cli.study(
        f'method = "random"\ntrials = {TRIALS}',
        trainer="tests.chaos.misbehaving_trainers:network",
        epochs=EPOCHS,
        options="pace = 0.1",
        space="lr = { low = 1e-4, high = 1e-1, log = true }",
        more="[limits]\nretries = 1_000\n",
    )
    scenario.cli.change(('address = "none"', "workers = 2"))


def killed_part(driver: Driver, scenario: Scenario, chance: random.Random) -> str:
    """Kill one process of a kind drawn at random; its kind, or "" where there is none of it now."""
    (kind,) = chance.choices(list(PARTS), list(PARTS.values()))
    parts = parts_of(driver, {pid for _, _, pid, _ in pids(scenario.cli.epoch_log)})
    if not parts[kind]:
        return ""
    chance.choice(parts[kind]).kill()
    return kind


def parts_of(driver: Driver, trained: set[int]) -> dict[str, list[Process]]:
    """The driver's living processes by kind; a template that still imports, and its worker, are not among them: where
    these are killed again and again the trainer counts as the cause. trained: pids that have trained an epoch."""
    tree = {one.pid: one for one in driver.process_tree()}
    templates = {pid for pid in tree if b"isolation import template" in _file(pid, "cmdline")}
    parents = {pid: int(_file(pid, "stat").rpartition(b")")[2].split()[1:2][0] or 0) for pid in templates}
    parts: dict[str, list[Process]] = {kind: [] for kind in PARTS}
    for pid, parent in parents.items():
        if parent in templates:
            parts["trial" if pid in trained else "waiting"].append(tree[pid])
        elif parent in tree and pid in parents.values():
            parts["template"].append(tree[pid])
            parts["worker"].append(tree[parent])
    return parts


def _file(pid: int, name: str) -> bytes:
    try:
        return (Path("/proc") / str(pid) / name).read_bytes()
    except OSError:  # it has ended
        return b") X 0"
