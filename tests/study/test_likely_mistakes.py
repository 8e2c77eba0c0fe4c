"""What a study file may say and is probably not meant."""

from typing import Any

import pytest

from hpsearch.study.definition import Study
from hpsearch.study.likely_mistakes import likely_mistakes

RANGE = {"low": 0.1, "high": 1.0}


def keys(**sections: Any) -> list[str]:
    study = {
        "study": {"name": "s", "metric": "val_loss", "goal": "minimize"} | sections.pop("study", {}),
        "trainer": {"use": "trainer:train", "epochs": 10},
        "space": {"x": RANGE},
        "search": {"method": "random", "trials": 20},
    }
    return [".".join(map(str, path)) for path, _ in likely_mistakes(Study.from_dict(study | sections))]


@pytest.mark.parametrize(
    ("metric", "goal"),
    [
        ("val_accuracy", "minimize"),
        ("valAcc", "minimize"),
        ("eval/F1", "minimize"),
        ("metrics/mAP50-95(B)", "minimize"),
        ("auroc", "minimize"),
        ("val_loss", "maximize"),
        ("eval/RMSE", "maximize"),
        ("errorRate", "maximize"),
    ],
)
def test_a_goal_that_is_the_wrong_way_round(metric: str, goal: str) -> None:
    other = {"minimize": "maximize", "maximize": "minimize"}[goal]
    assert keys(study={"metric": metric, "goal": goal}) == ["study.goal"]
    assert keys(study={"metric": metric, "goal": other}) == []


@pytest.mark.parametrize("metric", ["latency", "accuracy_loss", "lossless", "elbo", "mapping", "score"])
def test_a_metric_whose_direction_is_not_known(metric: str) -> None:
    assert keys(study={"metric": metric, "goal": "minimize"}) == []
    assert keys(study={"metric": metric, "goal": "maximize"}) == []


@pytest.mark.parametrize(
    "parameter",
    [
        [1e-4, 1e-1],
        [16, 1024],
        {"values": [1.0, 0.01]},
        {"low": 1e-4, "high": 1e-1},
        {"low": 16, "high": 2048},
        ["None", 0.5],
        ["null", 3, 5],
    ],
)
def test_a_parameter(parameter: Any) -> None:
    assert keys(space={"x": parameter}, search={"method": "random", "trials": 1}) == ["space.x"]


@pytest.mark.parametrize(
    "parameter",
    [
        [16, 512],
        [0.0, 0.5],
        [0.1, 0.01, 0.001],
        ["a", "b"],
        [True, False],
        ["none", 0.5, 1, True],
        {"low": 1e-4, "high": 1e-1, "log": True},
        {"low": 0.0, "high": 0.9},
        {"low": 16, "high": 128},
        {"low": 100, "high": 10_000, "step": 100},
    ],
)
def test_a_parameter_that_is_meant(parameter: Any) -> None:
    assert keys(space={"x": parameter}, search={"method": "random", "trials": 1}) == []


def test_comparisons_that_are_alternatives() -> None:
    def found(*allowed: str) -> list[str]:
        space = {"d": {"low": 1, "high": 6}, "x": {"low": 0.0, "high": 1.0, "when": {"d": list(allowed)}}}
        return keys(space=space, search={"method": "random", "trials": 1})

    assert found(">= 2", "<= 4") == ["space.x.when.d"]
    assert found(">= 4", "<= 2") == []
    assert found(">= 2 and <= 4") == []


@pytest.mark.parametrize("values", [["none", "batch"], [0.5, 1, True]])
def test_none_that_is_a_text(values: Any) -> None:
    assert keys(space={"x": values}, search={"method": "random", "trials": 1}) == []
    assert keys(space={"x": {"values": ["none", 2, 3], "none": True}}, search={"method": "random", "trials": 1}) == []


@pytest.mark.parametrize("values", [[16, 32, 64, 128], [1, 2, 4, 8, 16], [256, 64, 128, 32]])
def test_powers_of_two_one_by_one(values: list[int]) -> None:
    assert keys(space={"x": values}, search={"method": "random", "trials": 1}) == ["space.x"]
    assert keys(space={"x": values}, search={"method": "grid"}) == []
    family = {"n": {"low": 1, "high": 3}, "x": {"count": "n", "values": values}}
    assert keys(space=family, search={"method": "random", "trials": 1}) == ["space.x"]
    power = {"low": min(values), "high": max(values), "powers_of": 2}
    assert keys(space={"x": power}, search={"method": "random", "trials": 1}) == []


@pytest.mark.parametrize(
    "values", [[16, 32], [16, 512], [32, 64, 128], [16, 64, 128, 256], [3, 6, 12, 24], [16, 32, 64, "all"]]
)
def test_other_lists_of_numbers(values: list[Any]) -> None:
    assert keys(space={"x": values}, search={"method": "random", "trials": 1}) == []


@pytest.mark.parametrize("metric", ["train_loss", "trainAcc", "training/f1", "test_loss", "accuracy_test"])
def test_a_metric_of_the_training_or_test_data(metric: str) -> None:
    goal = "minimize" if "loss" in metric else "maximize"
    assert keys(study={"metric": metric, "goal": goal}) == ["study.metric"]


@pytest.mark.parametrize("metric", ["loss", "val_loss_test", "valid/train_size", "latest_loss", "pretrained_loss"])
def test_a_metric_of_validation_data_or_unknown_ones(metric: str) -> None:
    assert keys(study={"metric": metric, "goal": "minimize"}) == []


def test_a_set_that_is_listed_twice() -> None:
    sets = [{"params": {"x": value}} for value in (0.1, 0.2, 0.1)]
    assert keys(search={"method": "list", "sets": sets}) == ["search.sets.2"]


def test_more_trials_than_points() -> None:
    space = {"a": ["x", "y"], "b": {"low": 1, "high": 3}}
    assert keys(space=space, search={"method": "random", "trials": 7}) == ["search.trials"]
    assert keys(space=space, search={"method": "random", "trials": 6}) == []
    assert keys(space=space, search={"method": "bayesian", "trials": 7}) == ["search.trials"]
    assert keys(space={**space, "c": RANGE}, search={"method": "random", "trials": 7}) == []
    rounds = [{"trials": 7, "epochs": 1}, {"trials": 6, "epochs": 2}]
    for method in ("coarse-to-fine", "recipe"):
        assert "search.rounds.0.trials" in keys(space=space, search={"method": method, "rounds": rounds})


@pytest.mark.parametrize(
    ("key", "sections"),
    [
        ("early_stopping.patience", {"early_stopping": {"patience": 10}}),
        ("prune.patience", {"prune": {"method": "patience", "patience": 10}}),
        ("limits.gpu_hours", {"limits": {"gpu_hours": 3}}),
        ("limits.trials", {"limits": {"trials": 21}}),
        ("limits.stall", {"limits": {"stall": "1h", "trial": "30m"}}),
        ("limits.trial", {"limits": {"trial": "1h", "study": "30m"}}),
        ("limits.max_failures", {"limits": {"max_failures": 21}}),
        ("search.startup_trials", {"search": {"method": "bayesian", "trials": 20, "startup_trials": 20}}),
        ("limits.epochs", {"limits": {"epochs": 201}}),
        ("limits.epochs", {"limits": {"epochs": 9}}),
        ("prune", {"prune": {"method": "halving", "eta": 21}}),
        ("prune", {"prune": {"method": "median", "startup_trials": 20}}),
    ],
)
def test_a_setting_that_can_never_act(key: str, sections: dict[str, Any]) -> None:
    assert keys(**sections) == [key]


@pytest.mark.parametrize(
    "sections",
    [
        {"early_stopping": {"patience": 9}},
        {"prune": {"method": "patience", "patience": 9}},
        {"limits": {"gpu_hours": 3}, "resources": {"per_trial": {"gpus": 1}}},
        {"limits": {"trials": 20, "epochs": 200}},
        {"limits": {"stall": "1m", "trial": "30m", "study": "6h", "max_failures": 20}},
        {"search": {"method": "bayesian", "trials": 20, "startup_trials": 19}},
        {"limits": {"epochs": 10}},
        {"prune": {"method": "halving", "eta": 20}},
        {"prune": {"method": "median", "startup_trials": 19}},
        {"prune": {"method": "never"}, "search": {"method": "random", "trials": 1}},
    ],
)
def test_a_setting_that_can_act(sections: dict[str, Any]) -> None:
    assert keys(**sections) == []


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ({"workers": 21}, ["resources.workers"]),
        ({"workers": 20}, []),
        ({"address": "none", "workers": 2}, ["resources.workers"]),
        ({"address": "none", "workers": 1, "per_trial": {"memory": "1GiB"}}, ["resources.per_trial.memory"]),
        ({"address": "none", "isolation": "process"}, ["resources.isolation"]),
        ({"address": "none", "isolation": "none"}, []),
        ({"per_trial": {"memory": "1GiB"}, "isolation": "process"}, []),
    ],
)
def test_resources_without_effect(resources: dict[str, Any], found: list[str]) -> None:
    assert keys(resources=resources) == found


PRIOR = {"low": 0.1, "high": 1.0, "points": 3, "prior": {"value": 0.5}}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"method": "grid"}, ["space.x.prior"]),
        ({"method": "bayesian", "sampler": "nsga2", "trials": 12}, ["space.x.prior"]),
        ({"method": "random", "trials": 2}, []),
        ({"method": "bayesian", "trials": 12}, []),
    ],
)
def test_a_prior_that_the_search_does_not_use(search: Any, found: list[str]) -> None:
    assert keys(space={"x": PRIOR}, search=search) == found


def test_the_limit_that_auto_writes_is_no_mistake() -> None:
    """A grid needs fewer epochs than the budget."""
    grid = {"x": {"low": 0.1, "high": 1.0, "points": 3}}
    assert keys(space=grid, search={"method": "auto", "budget": {"epochs": 100}}) == []
    assert keys(space=grid, search={"method": "grid"}, limits={"epochs": 100}) == ["limits.epochs"]


def test_a_range_of_real_numbers_that_is_written_in_whole_numbers() -> None:
    search = {"method": "grid"}
    assert keys(space={"dropout": {"low": 0, "high": 1}}, search=search) == ["space.dropout"]
    for parameter in ({"low": 0.0, "high": 1.0, "step": 0.5}, {"low": 0, "high": 2}, [0, 1]):
        assert keys(space={"dropout": parameter}, search=search) == []
