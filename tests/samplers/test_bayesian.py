import json
import logging
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Params, Report, State, Trial
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.random import Random, key
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS, Simulation

SAMPLERS = ("tpe", "gp", "cmaes")
LINE = Space((Float("x", 0.0, 1.0),))
SMOOTH = Space((Float("lr", 1e-5, 1.0, log=True), Float("dropout", 0.0, 0.6), Int("hidden", 16, 256, log=True)))
CONDITIONAL = Space(
    (
        Float("lr", 1e-5, 1.0, log=True),
        Choice("optimizer", ("sgd", "adam")),
        Float("momentum", 0.0, 0.99, when={"optimizer": ("sgd",)}),
    )
)


def smooth(params: Params, epoch: int) -> float:
    """Best, 0, at lr = 0.005, dropout = 0.2, hidden = 90."""
    lr, hidden = math.log10(float(params["lr"]) / 0.005), math.log2(int(params["hidden"]) / 90)
    return 0.3 * lr**2 + 4 * (float(params["dropout"]) - 0.2) ** 2 + 0.2 * hidden**2


def by_lr(params: Params, epoch: int) -> float:
    return float(params["lr"])


def by_layers(params: Params, epoch: int) -> float:
    return float(params["layers"])


def corner(params: Params, epoch: int) -> float:
    """Best at x = 0.7, and layers = 8 where there are any."""
    return abs(int(params.get("layers", 8)) - 8) + abs(float(params["x"]) - 0.7)


def best_of(sampler: Sampler, parallel: int = 1) -> float:
    history = Simulation(sampler, smooth, epochs=1, parallel=parallel).run().history
    return min(history.loss(trial) for trial in history)


def history_of(xs: Sequence[float], losses: Sequence[float], running: Sequence[float] = ()) -> History:
    """Ended trials on the line, then running ones. NaN: it diverged."""
    history = History(LOSS)
    for number, (x, loss) in enumerate(zip(xs, losses, strict=True)):
        state, cause = (State.PRUNED, Cause.DIVERGED) if math.isnan(loss) else (State.COMPLETE, Cause.DONE)
        curve = (Report(1, {"val_loss": loss}),)
        history.put(Trial(number, {"x": x}, 0, 1, state, curve=curve, cause=cause, ended=number + 1))
    for x in running:
        history.put(Trial(len(history), {"x": x}, 0, 1, State.RUNNING))
    return history


def asked(sampler: str, history: History, seeds: int) -> list[float]:
    """What samplers of so many seeds propose next on the line."""
    found = [Bayesian(LINE, seed, 1000, 1, sampler, 2).ask(history) for seed in range(seeds)]
    return [float(proposal.params["x"]) for proposal in found if proposal is not None]


@pytest.mark.parametrize(
    ("sampler", "trials", "seeds"),
    [("tpe", 40, 7), ("cmaes", 60, 7), pytest.param("gp", 12, 3, marks=pytest.mark.slow)],
    ids=["tpe", "cmaes", "gp"],
)
def test_it_beats_random_at_equal_trials(sampler: str, trials: int, seeds: int) -> None:
    guided = median(best_of(Bayesian(SMOOTH, seed, trials, 1, sampler, 8)) for seed in range(seeds))
    blind = median(best_of(Random(SMOOTH, seed, trials, 1)) for seed in range(seeds))
    assert guided < blind / 2


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_it_beats_random_with_six_trials_at_once(sampler: str) -> None:
    guided = median(best_of(Bayesian(SMOOTH, seed, 40, 1, sampler, 8), parallel=6) for seed in range(5))
    assert guided < median(best_of(Random(SMOOTH, seed, 40, 1), parallel=6) for seed in range(5))


def test_it_starts_as_random_does() -> None:
    history = Simulation(Bayesian(CONDITIONAL, 5, 12, 1, "tpe", 10), by_lr, epochs=1).run().history
    random = Simulation(Random(CONDITIONAL, 5, 12, 1), by_lr, epochs=1).run().history
    assert [t.params for t in history][:10] == [t.params for t in random][:10]
    assert history[10].params != random[10].params
    assert history[2].origin == "random startup trial 3 of 10"
    assert history[10].origin == "tpe fitted to 10 finished trials, 0 running"


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_it_draws_at_random_while_no_trial_has_ended(sampler: str) -> None:
    proposal = Bayesian(LINE, 0, 100, 1, sampler, 2).ask(history_of([], [], running=[0.1, 0.2, 0.3]))
    assert proposal is not None
    assert proposal.reason.startswith("random")


SCRIPT = """
import json
from tests.samplers.test_bayesian import CONDITIONAL, SAMPLERS, proposal_of
print(json.dumps([proposal_of(sampler) for sampler in SAMPLERS]))
"""


def proposal_of(sampler: str) -> Params:
    random = Simulation(Random(CONDITIONAL, 1, 12, 1), by_lr, epochs=1).run()
    proposal = Bayesian(CONDITIONAL, 1, 20, 1, sampler, 8).ask(random.history)
    assert isinstance(proposal, New)
    return proposal.params


@pytest.mark.slow
def test_another_process_proposes_the_same() -> None:
    run, salted = [sys.executable, "-c", SCRIPT], {**os.environ, "PYTHONHASHSEED": "1"}
    out = subprocess.run(run, env=salted, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == [proposal_of(sampler) for sampler in SAMPLERS]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_it_avoids_points_that_diverged(sampler: str) -> None:
    xs = [(number + 0.5) / 16 for number in range(16)]
    history = history_of(xs, [math.nan if x > 0.5 else (x - 0.4) ** 2 for x in xs])
    proposed = asked(sampler, history, seeds=5)
    assert median(proposed) < 0.5, proposed


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_pruned_trial_counts_as_bad_for_any_loss(sampler: str) -> None:
    xs = [(number + 0.5) / 16 for number in range(16)]
    history = history_of(xs, [abs(x - 0.2) for x in xs])
    for number in range(8, 16):
        curve = (Report(1, {"val_loss": -1.0}),)
        history.put(Trial(number, {"x": xs[number]}, 0, 9, State.PRUNED, curve=curve, ended=number + 1))
    proposed = asked(sampler, history, seeds=5)
    assert median(proposed) < 0.5, proposed


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_it_avoids_the_points_of_running_trials(sampler: str) -> None:
    xs = [(number + 0.5) / 12 for number in range(12)]
    crowded = history_of(xs, [abs(x - 0.3) for x in xs], running=[0.28, 0.29, 0.3, 0.31, 0.32] * 3)
    alone = History(LOSS, [trial for trial in crowded if not trial.state.is_active])
    near, far = asked(sampler, alone, seeds=4), asked(sampler, crowded, seeds=4)
    assert median(abs(x - 0.3) for x in far) > median(abs(x - 0.3) for x in near) + 0.05


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_of_the_forked_study_replace_startup_trials(sampler: str) -> None:
    xs = [(number + 0.5) / 12 for number in range(12)]
    evidence = list(history_of(xs, [abs(x - 0.3) for x in xs]))
    elsewhere = Trial(12, {"x": 7.0}, 0, 1, State.COMPLETE, curve=(Report(1, {"val_loss": -9.0}),), ended=13)
    proposal = Bayesian(LINE, 0, 100, 1, sampler, 12).ask(History(LOSS, evidence=[*evidence, elsewhere]))
    assert proposal is not None
    assert proposal.reason.startswith(sampler)
    assert abs(float(proposal.params["x"]) - 0.3) < 0.35


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("state", [State.FAILED, State.INFEASIBLE])
def test_the_search_leaves_a_region_without_results(sampler: str, state: State) -> None:
    """The loss falls up to its border, at 0.6."""
    xs = [(7 * number % 20 + 0.5) / 20 for number in range(20)]
    history = History(LOSS)
    for number, x in enumerate(xs):
        curve = (Report(1, {"val_loss": 1.0 - x}),) if x < 0.6 else ()
        ended = State.COMPLETE if x < 0.6 else state
        history.put(Trial(number, {"x": x}, 0, 1, ended, curve=curve, ended=number + 1))
    assert median(asked(sampler, history, seeds=5)) < 0.75


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_no_point_of_a_discrete_space_twice_until_all_were_tried(sampler: str) -> None:
    space = Space((Int("layers", 1, 4), Choice("norm", (True, False, 1))))
    search = Simulation(Bayesian(space, 0, 20, 1, sampler, 3), by_layers, epochs=1, parallel=2)
    points = [key(space, trial.params) for trial in search.run().history]
    assert len(set(points[:12])) == 12


def test_cma_es_leaves_its_first_discrete_value() -> None:
    space = Space((Int("layers", 1, 9), Float("x", 0.0, 1.0)))
    search = Simulation(
        Bayesian(space, 0, 120, 1, "cmaes", 4),
        corner,
        epochs=1,
    )
    last = list(search.run().history)[-20:]
    assert sum(trial.params["layers"] == 8 for trial in last) >= 10


def test_cma_es_reaches_other_discrete_values() -> None:
    space = Space((Float("x", 0.0, 1.0), Int("layers", 1, 4)))
    history = Simulation(Random(LINE, 0, 80, 1), corner, epochs=1).run().history
    known = [replace(trial, params={**trial.params, "layers": 2}) for trial in history]
    found = [Bayesian(space, seed, 100, 1, "cmaes", 4).ask(History(LOSS, known)) for seed in range(20)]
    assert {proposal.params["layers"] for proposal in found if proposal is not None} >= {1, 2, 3}


def test_cma_es_converges_and_restarts() -> None:
    search = Simulation(Bayesian(LINE, 0, 250, 1, "cmaes", 4), corner, epochs=1).run()
    xs = [float(trial.params["x"]) for trial in search.history]
    assert max(abs(x - 0.7) for x in xs[72:80]) < 0.05
    assert max(abs(x - 0.7) for x in xs[200:]) > 0.1


def test_only_the_gaussian_process_is_slow() -> None:
    assert [Bayesian(LINE, 0, 1, 1, sampler).slow for sampler in SAMPLERS] == [False, True, False]


def test_it_leaves_warnings_and_logging_as_they_were(capfd: pytest.CaptureFixture[str]) -> None:
    filters, level = list(warnings.filters), logging.getLogger("optuna").level
    for sampler in SAMPLERS:
        proposal_of(sampler)
    assert list(warnings.filters) == filters
    assert logging.getLogger("optuna").level == level
    assert capfd.readouterr() == ("", "")
