"""FAULTS rows 2, 6, 7, 15, 16, 17, 30: what may happen to a trial's process, on a Ray of the study's own."""

import json
import time
from typing import Any

import pytest

from tests.chaos.ray_nodes import undisturbed
from tests.chaos.scenario import Scenario, add_summary

FATES = {
    "fine": ("COMPLETE", 1, "done"),
    "once SIGKILL": ("COMPLETE", 2, "done"),
    "once os._exit": ("COMPLETE", 2, "done"),
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
    crashed = scenario.invoke("show", "toy", 3, "--journal", scenario.url)
    assert "_cause_fault" in crashed.out
    scenario.check(budget=len(FATES))
    add_summary("2, 15, 16, 17, 30", "each fate once, in one study", fates=len(FATES), results_lost=0, counted_twice=0)
