"""study.objectives: two or three goals, and what cannot be beside them."""

import pytest

from hpsearch.core.goals import Goal
from hpsearch.study.definition import Study
from tests.support.study_text import RANDOM, ROUNDS, make_study, study_file_errors

ONE = 'metric = "val_loss"\ngoal = "minimize"'
A, B = '{ metric = "a", goal = "maximize" }', '{ metric = "b", goal = "minimize" }'
TWO = (ONE, f"objectives = [{A}, {B}]")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_first_goal_is_the_metric_of_the_study():
    study = make_study(TWO)
    assert (study.objective.metric, study.objective.goal) == ("a", "maximize")
    assert study.objective.others == (Goal("b", "minimize"),)
    assert Study.from_dict(study.spec()).objective == study.objective
    assert not study.is_paired


def test_a_study_with_one_goal_is_recorded_as_before():
    assert not {"objectives", "require"} & set(make_study().spec()["study"])


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("[]", ["study.objectives"]),
        (f"[{A}]", ["study.objectives"]),
        (f"[{A}, {B}, {A}, {B}]", ["study.objectives", "study.objectives.2.metric", "study.objectives.3.metric"]),
        ('"a"', ["study.objectives"]),
        (f"[{A}, {A}]", ["study.objectives.1.metric"]),
        (f"[3, {B}]", ["study.objectives.0"]),
        (f'[{{ metric = "a", goal = "max" }}, {B}]', ["study.objectives.0.goal"]),
        (f'[{A}, {{ metrc = "b", goal = "minimize" }}]', ["study.objectives.1.metric", "study.objectives.1.metrc"]),
    ],
)
def test_faults(value, keys):
    found = study_file_errors((ONE, f"objectives = {value}"))
    assert sorted(one.split(" ")[1].rstrip(":") for one in found) == sorted(keys)
    assert all(one.startswith("study.toml:3 ") for one in found)


def test_metric_and_goal_beside_it_are_refused():
    (found,) = study_file_errors((ONE, f"{ONE}\n{TWO[1]}"))
    assert found.startswith("study.toml:5 study.objectives:")


@pytest.mark.parametrize(
    "search",
    [
        RANDOM,
        '"grid"',
        '"bayesian"\ntrials = 5\nsampler = "tpe"',
        '"bayesian"\ntrials = 5\nsampler = "gp"',
        '"bayesian"\ntrials = 5\nsampler = "nsga2"',
    ],
)
def test_methods_that_take_several_goals(search):
    points = ("log = true }", "log = true, points = 2 }")
    assert make_study(TWO, (RANDOM, search), points).search.traits.several_goals


@pytest.mark.parametrize(
    "search",
    [
        f"{ROUNDS}[{{ trials = 4, epochs = 3 }}]",
        '"recipe"\nbudget = { epochs = 500 }',
        '"bayesian"\ntrials = 5\nsampler = "cmaes"',
        '"bayesian"\ntrials = 5\nsampler = "freeze-thaw"',
    ],
)
def test_methods_that_know_one_metric_are_refused(search):
    (found,) = study_file_errors(TWO, (RANDOM, search))
    assert " search:" in found
    assert "nsga2" in found


def test_pruners_and_a_target_are_refused_all_at_once():
    more = '[prune]\nmethod = "median"\n[limits]\ntarget = 0.9\n'
    found = study_file_errors(TWO, ("", more))
    assert [one.split(" ")[1] for one in found] == ["prune:", "limits.target:"]


@pytest.mark.parametrize("prune", ['method = "halving"', 'method = "hyperband"', 'use = "mine:Pruner"'])
def test_pruners_that_compare_several_goals(prune):
    assert make_study(TWO, ("", f"[prune]\n{prune}\n")).prune is not None


def test_an_own_sampler_is_allowed():
    own = make_study(TWO, ('method = "random"\ntrials = 5', 'use = "mine:Sampler"'))
    assert own.search.traits.several_goals
