"""FAULTS row 1: SIGKILL to the driver, at any moment. `run` again comes to what it would have come to unbroken."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.chaos.scenario import AHEAD, Scenario, Scenarios, add_summary, schema
from tests.cli.cli_runner import content

EPOCH = "pace = 0.021"
"""Longer than a worker's slice, so that every epoch is reported by itself and no kill may cost more than one."""

SPACE = "x = { low = 0.0, high = 1.0 }\nkind = [1, 2]\ndrift = { low = 0.1, high = 0.5, when = { kind = 1 } }"
SEARCH = {
    "grid": 'method = "grid"',
    "random": 'method = "random"\ntrials = 30',
    "bayesian": 'method = "bayesian"\ntrials = 26\nstartup_trials = 6',
    "coarse-to-fine": (
        'method = "coarse-to-fine"\nrounds = [{ trials = 16, epochs = 1 }, { trials = 10, epochs = 2 },'
        " { trials = 6, epochs = 4 }]"
    ),
    "recipe": 'method = "recipe"\nbudget = { epochs = 60 }\npreflight = false',
}
BUDGET = {"grid": 24, "random": 30, "bayesian": 26, "coarse-to-fine": 32, "recipe": 60}
"""Trials at most."""

SHORT = 'method = "random"\ntrials = 3'
HALVING = '[prune]\nmethod = "halving"\n'

MOMENTS = ("before", "after")
OFTEN = ("commit", "write", "order", "file", "rename", "prune")
ONCE = ("acquire", "update_spec")
"""See driver.py."""


def written(
    scenario: Scenario, method: str, *, seed: int = 3, workers: int = 1, epochs: int = 4, more: str = ""
) -> int:
    """Write the study file; the trials that it may have."""
    if scenario.url.startswith("postgres"):
        scenario.variables["HPSEARCH_DATABASE_URL"] = scenario.url
        more += '[journal]\nurl = "${env:HPSEARCH_DATABASE_URL}"\n'
    grid = "x = { low = 0.0, high = 1.0, points = 12 }\nkind = [1, 2]"
    scenario.cli.study(
        SEARCH.get(method, method),
        space=grid if method == "grid" else SPACE,
        options=EPOCH,
        epochs=epochs,
        more=HALVING + more,
    )
    scenario.cli.change(("seed = 3", f"seed = {seed}"), ('address = "none"', f'address = "none"\nworkers = {workers}'))
    return BUDGET.get(method, 3)


def result(document: dict[str, Any]) -> Any:
    """What must be the same however often a study was broken off: all but times, and notes on what a kill has cost."""
    decisions = [(one["trial"], one["step"], one["kind"], one["reason"]) for one in document["decisions"]]
    return content(document), [one for one in decisions if one[2] != "note"]


def unbroken(scenario: Scenario) -> Any:
    """The result of the same study when nobody disturbs it."""
    url = f"sqlite:///{scenario.folder}/unbroken/journal.db"
    own = {**scenario.env(), "HPSEARCH_HOME": str(scenario.folder / "unbroken")}
    words = ("run", "study.toml", "--set", f'journal.url="{url}"')
    answer = scenario.start(*words, env=own).ended()
    assert answer.code == 0, answer.err
    scenario.cli.epoch_log.unlink()
    return result(scenario.export(url=url))


@dataclass
class Count:
    """What a chain of kills has come to."""

    studies: int = 0
    kills: int = 0
    watched: int = 0
    retrained: int = 0
    most: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.studies + other.studies,
            self.kills + other.kills,
            self.watched + other.watched,
            self.retrained + other.retrained,
            max(self.most, other.most),
        )

    def tell(self, what: str) -> None:
        add_summary(
            "1",
            f"SIGKILL to the driver: {what}",
            kills=self.kills,
            studies=self.studies,
            results_watched=self.watched,
            lost=0,
            doubled=0,
            epochs_redone=self.retrained,
            most_for_one_kill=self.most,
        )


def killed_once(scenario: Scenario, chance: random.Random) -> bool:
    """Start it and kill it at a moment drawn at random; False where it ended before."""
    kind = chance.random()
    if kind < 0.6:
        return scenario.start(fail=point(chance)).ended().code == -9
    driver = scenario.start()
    if kind < 0.9:
        epochs = scenario.trained() + chance.randint(1, 3)
        while scenario.trained() < epochs and driver.popen.poll() is None:
            time.sleep(0.002)
        time.sleep(chance.uniform(0.0, 0.06))
    else:
        time.sleep(chance.uniform(0.1, 1.2))  # while it imports, opens the journal, takes the lease
    driver.kill()
    return driver.popen.returncode == -9


def point(chance: random.Random) -> str:
    """One that is passed again and again, or one that every run passes once."""
    name = chance.choice((*OFTEN, ""))
    if not name:
        return f"{chance.choice(MOMENTS)}-{chance.choice(ONCE)}:1"
    when = "half" if name == "file" and chance.random() < 0.5 else chance.choice(MOMENTS)
    return f"{when}-{name}:{chance.randint(1, 4)}"


def kill_until_done(scenario: Scenario, chance: random.Random, most: int, workers: int = 1) -> Count:
    """Kill it again and again until it is done, or `most` times."""
    finished_results, count = scenario.finished_results(), Count(studies=1)
    before = 0
    while count.kills < most and killed_once(scenario, chance):
        count.kills += 1
        finished_results.check_unchanged()
        if finished_results.rows:
            scenario.check(stopped_cleanly=False)
        retrained = scenario.retrained()
        count.most = max(count.most, retrained - before)
        assert retrained - before <= workers, f"{retrained - before} epochs trained again after one kill"
        before = retrained
    scenario.finish()
    finished_results.check_unchanged()
    count.watched, count.retrained = len(finished_results.rows), scenario.retrained()
    return count


def killed(make: Callable[[], Scenario], method: str, seed: int, kills: int, *, workers: int = 1) -> Count:
    """Studies that are killed until each is done, until there were so many kills in all."""
    chance, total = random.Random(f"{method} {seed}"), Count()
    while total.kills < kills:
        scenario = make()
        budget = written(scenario, method, seed=chance.randint(0, 10**6), workers=workers)
        whole = unbroken(scenario) if workers == 1 else None
        total += kill_until_done(scenario, chance, kills - total.kills, workers)
        scenario.check(budget=budget, kills=total.kills, concurrency=workers)
        if whole is not None:
            assert result(scenario.export()) == whole
    return total


def at_once(jobs: Iterable[Callable[[], Count]]) -> Count:
    """Two at a time, as there are two cores."""
    with ThreadPoolExecutor(2) as pool:
        return sum((job.result() for job in [pool.submit(job) for job in jobs]), Count())


@pytest.mark.chaos
def test_killed_again_and_again(scenarios: Scenarios) -> None:
    """A seeded sample of what `make chaos` does five hundred times."""
    count = at_once(partial(killed, scenarios, method, 1, 10) for method in ("random", "coarse-to-fine"))
    assert count.kills == 20
    count.tell("CI's sample, one worker")


ONE_WORKER = [("grid", 30), ("random", 30), ("coarse-to-fine", 30), ("recipe", 30), ("bayesian", 22)]


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("method", "kills"), ONE_WORKER)
def test_one_worker(scenarios: Scenarios, method: str, kills: int) -> None:
    """The same parameters, curves, states and decisions as unbroken."""
    count = at_once(partial(killed, scenarios, method, seed, kills) for seed in (11, 12))
    assert count.kills == 2 * kills
    count.tell(f"{method}, one worker, the same result as unbroken")


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("workers", [2, 4])
def test_several_workers(scenarios: Scenarios, workers: int) -> None:
    methods = ("random", "coarse-to-fine", "recipe", "bayesian", "grid")
    count = at_once(partial(killed, scenarios, method, 20 + workers, 13, workers=workers) for method in methods)
    assert count.kills == 65
    count.tell(f"all methods, {workers} workers")


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_on_postgres(scenarios: Scenarios, postgres_server: str) -> None:
    def make() -> Scenario:
        return scenarios(url=schema(postgres_server))

    count = at_once(partial(killed, make, method, 31, 14) for method in ("random", "coarse-to-fine", "bayesian"))
    assert count.kills == 42
    count.tell("three methods, PostgreSQL, the same result as unbroken")


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_at_every_point(scenarios: Scenarios) -> None:
    """Every transaction, file and order of a small study: each is once the last that a driver does."""
    first = scenarios()
    written(first, SHORT, epochs=2)
    whole = unbroken(first)
    names = first.folder / "points"
    assert first.start(chaos=["--points", names]).ended().code == 0
    passed = Counter(names.read_text().split())
    assert {f"after-{name}" for name in (*OFTEN, *ONCE)} - set(passed) == {"after-update_spec"}, (
        "a first run changes no spec"
    )
    # Before a point is after the one before it; but what lies between them may be a transaction that is not committed.
    every = [point for point in passed if point.startswith("after-") or point in ("half-file", "before-commit")]
    count = at_once(partial(killed_at, scenarios, f"{at}:{n + 1}", whole) for at in every for n in range(passed[at]))
    assert count.kills == sum(passed[point] for point in every)
    count.tell("at every point of a small study")


def killed_at(scenarios: Scenarios, point: str, whole: Any) -> Count:
    scenario = scenarios()
    written(scenario, SHORT, epochs=2)
    assert scenario.start(fail=point).ended().code == -9, point
    finished_results = scenario.finished_results()
    finished_results.check_unchanged()
    assert scenario.retrained() == 0
    scenario.finish(most=1)
    finished_results.check_unchanged()
    scenario.check(budget=3)
    assert scenario.retrained() <= 1, f"killed at {point}, {scenario.retrained()} epochs were trained again"
    assert result(scenario.export()) == whole, point
    return Count(1, 1, len(finished_results.rows), scenario.retrained(), scenario.retrained())


# While the database is away: what was reported is in the spool ────────────────────────────────────

AWAY = ["before-spool:1", "after-spool:1", "before-spool:3", "after-spool:3", "before-unspool:1", "after-unspool:1"]


@pytest.mark.chaos
def test_while_the_journal_is_away(scenarios: Scenarios) -> None:
    first = scenarios()
    written(first, SHORT)
    whole = unbroken(first)
    count = at_once(partial(killed_while_away, scenarios, point, whole) for point in AWAY)
    assert count.kills == len(AWAY) + 4
    count.tell("while the journal is locked, around the spool, and again as it is brought over")


def killed_while_away(scenarios: Scenarios, point: str, whole: Any) -> Count:
    scenario, count = scenarios(), Count(studies=1)
    written(scenario, SHORT)
    driver, finished_results = scenario.start(fail=point), scenario.finished_results()
    scenario.until(lambda: scenario.trained() >= 2, driver)
    finished_results.check_unchanged()
    with closing(sqlite3.connect(scenario.folder / ".hpsearch" / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        spooled = "-spool" in point
        if spooled:
            assert driver.ended().code == -9
        else:
            scenario.until(lambda: "training continues for up to" in driver.err.read_text(), driver)
    if not spooled:
        assert driver.ended().code == -9
    count.kills += 1
    if spooled and point != AWAY[0]:  # there is something to bring over: killed as it is written, and when it is
        for again in ("before-unspool:1", "after-unspool:1")[: 2 if point == "after-spool:3" else 1]:
            assert scenario.start(fail=again).ended().code == -9
            count.kills += 1
            finished_results.check_unchanged()
    scenario.finish(most=1)
    finished_results.check_unchanged()
    scenario.check(budget=3, kills=1)
    assert result(scenario.export()) == whole, point
    count.watched, count.retrained, count.most = len(finished_results.rows), scenario.retrained(), scenario.retrained()
    return count


# With Ray: workers of their own, which outlive the driver for a moment ─────────────────────────────

RAY_WORKERS = 2


@pytest.mark.xdist_group("ray")
def test_with_ray(scenarios: Scenarios) -> None:
    count = killed_with_ray(scenarios(), seed=1, kills=1, mlflow=False)
    count.tell("CI's sample, Ray, 2 workers")


@pytest.mark.xdist_group("ray")
@pytest.mark.chaos
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("mlflow", "kills"), [(False, 30), (True, 12)])
def test_with_ray_again_and_again(scenarios: Scenarios, mlflow: bool, kills: int) -> None:
    total, seed = Count(), 41
    while total.kills < kills:
        total += killed_with_ray(scenarios(), seed, min(10, kills - total.kills), mlflow)
        seed += 1
    total.tell(f"Ray, 2 workers, real networks{', MLflow' * mlflow}, the same curves as unbroken")


def killed_with_ray(scenario: Scenario, seed: int, kills: int, mlflow: bool) -> Count:
    chance, count, finished_results = random.Random(seed), Count(studies=1), scenario.finished_results()
    trials, epochs = 4 + kills // 2, 6
    written_for_ray(scenario, seed, trials, epochs, mlflow)
    whole = content(unbroken_here(scenario))
    while count.kills < kills and killed_with_ray_once(scenario, chance):
        count.kills += 1
        finished_results.check_unchanged()
        if finished_results.rows:
            scenario.check(stopped_cleanly=False)
    scenario.finish(most=1)
    finished_results.check_unchanged()
    count.watched, count.retrained = len(finished_results.rows), scenario.retrained()
    assert scenario.trained() - scenario.retrained() == trials * epochs
    assert content(scenario.export()) == whole
    store = f"sqlite:///{scenario.folder}/.hpsearch/mlflow.db" if mlflow else ""
    assert not mlflow or scenario.invoke("sync", "study.toml").code == 0
    scenario.check(budget=trials, kills=count.kills, concurrency=RAY_WORKERS * AHEAD, mlflow=store)
    return count


def written_for_ray(scenario: Scenario, seed: int, trials: int, epochs: int, mlflow: bool) -> None:
    scenario.cli.study(
        f'method = "random"\ntrials = {trials}',
        trainer="tests.cli.trainers:torch_learner",
        options="pace = 0.1",
        space="lr = { low = 1e-4, high = 1e-1, log = true }",
        epochs=epochs,
    )
    scenario.cli.change(("seed = 3", f"seed = {seed}"), ('address = "none"', f"workers = {RAY_WORKERS}"))
    if mlflow:
        scenario.cli.change(('[tracking]\nmlflow = "none"\n', ""))


def unbroken_here(scenario: Scenario) -> Any:
    """The same study in one process: a trial's curve depends on nothing but its parameters and its seed."""
    own = {**scenario.env(), "HPSEARCH_HOME": str(scenario.folder / "unbroken")}
    sets = ("--set", 'resources.address="none"', "--set", 'tracking.mlflow="none"')
    answer = scenario.start("run", "study.toml", *sets, env=own).ended()
    assert answer.code == 0, answer.err
    scenario.cli.epoch_log.unlink()
    return scenario.export(url=f"sqlite:///{scenario.folder}/unbroken/journal.db")


def killed_with_ray_once(scenario: Scenario, chance: random.Random) -> bool:
    """While Ray starts, at a point, or while networks are trained; False where it ended before."""
    kind = chance.random()
    if kind < 0.4:
        name = chance.choice(("commit", "write", "order"))
        return scenario.start(fail=f"{chance.choice(MOMENTS)}-{name}:{chance.randint(1, 8)}").ended().code == -9
    driver = scenario.start()
    epochs = scenario.trained() + chance.randint(1, 8)
    began, patience = time.monotonic(), 60.0 if kind < 0.9 else chance.uniform(0.5, 5.0)
    while scenario.trained() < epochs and driver.popen.poll() is None and time.monotonic() - began < patience:
        time.sleep(0.002)
    time.sleep(chance.uniform(0.0, 0.2))
    driver.kill()
    return driver.popen.returncode == -9
