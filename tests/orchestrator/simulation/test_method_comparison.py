"""Search methods side by side on virtual workers."""

import math
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.trial import Params
from hpsearch.orchestrator.simulation.method_comparison import (
    METHODS,
    OWN,
    MethodComparison,
    compare_methods,
    with_method,
)
from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import Random, Recipe
from hpsearch.workers.pools.simulated.played_curves import FunctionCurves


def loss(params: Params, epoch: int) -> float:
    return float((math.log10(params["lr"]) + 2) ** 2 + 1 / epoch)


def study(**others: Any) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "compared", "metric": "val_loss", "goal": "minimize", "seed": 3},
            "trainer": {"use": "not_there:train", "epochs": 5},
            "space": {"lr": {"low": 1e-5, "high": 1.0, "log": True}},
            "search": {"method": "grid"},
            "tracking": {"mlflow": "none"},
            **others,
        }
        | {"space": {"lr": {"low": 1e-5, "high": 1.0, "log": True, "points": 6}}}
    )


def compared(**settings: Any) -> MethodComparison:
    return compare_methods(study(), FunctionCurves(loss, "val_loss"), budget=30, **settings)


def test_every_method_has_the_same_epochs_and_seeds() -> None:
    found = compared(methods=["random", "random+halving"], workers=[1, 2], seeds=2)
    assert [(one.method, one.workers) for one in found.results] == [
        ("random", 1),
        ("random+halving", 1),
        ("random", 2),
        ("random+halving", 2),
    ]
    assert all(one.epochs <= 30 and len(one.values) == 2 for one in found.results)
    document = found.document()
    assert (document["epochs"], document["seeds"], len(document["searches"])) == (30, 2, 4)
    assert document["best"].keys() == {"1", "2"}


@pytest.mark.parametrize(
    "more",
    [
        {"metric": "val_loss", "goal": "minimize", "require": ["ms <= 20"]},
        {"objectives": [{"metric": "val_loss", "goal": "minimize"}, {"metric": "ms", "goal": "minimize"}]},
    ],
)
def test_what_curves_of_one_metric_cannot_show_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"study\.require"):
        compare_methods(study(study={"name": "compared", **more}), FunctionCurves(loss, "val_loss"), budget=30)


def test_the_best_and_the_methods_that_are_as_good() -> None:
    found = compared(methods=["random"], seeds=3)
    one = found.results[0]
    values = [(0.5, 0.3, 0.2), (0.5, 0.3, 0.3), (0.5, 0.3, 0.4)]
    far, near = [(1.0, 1.0, last + 1) for *_, last in values], [(1.0, 1.0, 0.3), (1.0, 1.0, 0.2), (1.0, 1.0, 0.45)]
    results = [
        replace(one, method=name, values=tuple(own)) for name, own in zip("abc", (values, far, near), strict=True)
    ]
    found = replace(found, results=tuple(results))
    best = found.best(1)
    assert best is not None
    assert (best.method, found.as_good(best)) == ("a", ["c"])
    assert results[0].mean() == pytest.approx(0.3)
    assert results[0].error() == pytest.approx(0.1 / math.sqrt(3))


def test_a_method_without_a_value_is_never_the_best() -> None:
    one = compared(methods=["random"], seeds=1).results[0]
    found = replace(compared(methods=["random"], seeds=1), results=(replace(one, values=((None, None, None),)),))
    assert found.best(1) is None


@pytest.mark.parametrize("method", [one for one in METHODS if one != OWN])
def test_limits_other_than_epochs_are_dropped(method: str) -> None:
    limited = study(limits={"trials": 2, "study": "1m", "target": 0.1})
    changed = with_method(limited, method, 40)
    assert (changed.limits.epochs, changed.limits.trials, changed.limits.study, changed.limits.target) == (40,) + (
        None,
    ) * 3
    assert isinstance(changed.search, Random) == method.startswith("random")
    assert isinstance(changed.search, Recipe) == method.startswith("recipe")


def test_a_budget_that_is_too_small_for_the_recipe() -> None:
    curves = FunctionCurves(loss, "val_loss")
    with pytest.raises(BadInput):
        compare_methods(study(), curves, methods=["recipe"], budget=2)
    assert "recipe" not in {one.method for one in compare_methods(study(), curves, budget=2, seeds=1).results}


def test_lost_workers_cost_time_and_no_results() -> None:
    given = {"methods": ["random"], "seeds": 1, "budget": 30}
    calm, lossy = (
        compare_methods(study(limits={"retries": 50}), FunctionCurves(loss, "val_loss"), failures=share, **given)  # type: ignore[arg-type]
        for share in (0.0, 0.2)
    )
    assert lossy.results[0].values == calm.results[0].values
    assert lossy.results[0].seconds > calm.results[0].seconds
    assert (calm.document()["failures"], lossy.document()["failures"]) == (0.0, 0.2)
