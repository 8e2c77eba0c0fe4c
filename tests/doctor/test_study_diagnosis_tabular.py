"""Tabular data on which the best rates are in the upper half of the range: no advice contradicts them."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

import hpsearch
from hpsearch import Run, Study
from hpsearch.core.trial import Objective, State, Trial
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import diagnose_study, direction_of
from tests.doctor import diabetes

LOSS = Objective("val_loss", "minimize")

# Of a sweep with 4, 16 and 64 hidden units, the best of 15 epochs: 0.78 to 0.62 at a rate of 0.001, 0.65 to 0.49 at
# 0.004, 0.54 to 0.47 at 0.01, 0.53 to 0.46 from 0.04 to 0.15, and not finite from 0.3 (64 units) or 1 on.
BEST, GOOD = (0.03, 0.2), 0.5


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trial(number: int, lr: float, hidden: int) -> Trial:
    torch.manual_seed(0)
    run = Run.local(8, device="cpu")
    curve = []
    for report in diabetes.train(diabetes.Params(lr, hidden), run):
        curve.append(report)
        if not math.isfinite(report.metrics["val_loss"]):
            break
    state = State.PRUNED if len(curve) < 8 else State.COMPLETE
    return Trial(number, {"lr": lr, "hidden": hidden}, 0, 8, curve=tuple(curve), state=state)


def test_the_doctor_advises_no_lower_rates_where_the_best_are_high() -> None:
    rates = (1e-3, 3e-3, 1e-2, 0.03, 0.06, 0.1, 0.15, 0.3, 1.0)
    trials = [trial(number, lr, (4, 16)[number % 2]) for number, lr in enumerate(rates)]
    found = diagnose_study(trials, LOSS)
    assert all(BEST[0] <= trials[number].params["lr"] <= 0.3 for number in found.best)
    assert not any(direction_of(one) < 0 and not one.against for one in found.advice)
    for number in found.best:
        assert not {Label.LR_TOO_HIGH, Label.DIVERGED} & {one.label for one in found.findings[number]}


@pytest.mark.slow
@pytest.mark.parametrize(("method", "amount"), [("random", {"trials": 24}), ("recipe", {"budget": {"epochs": 280}})])
def test_a_study_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, amount: dict[str, Any]) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    sections: dict[str, Any] = {
        "study": {"name": method, "metric": "val_loss", "goal": "minimize"},
        "trainer": {"use": "tests.doctor.diabetes:train", "epochs": 15},
        "space": {
            "lr": {"low": 1e-3, "high": 1.0, "log": True},
            "hidden": {"low": 4, "high": 64, "log": True},
        },
        "search": {"method": method, **amount},
        "resources": {"address": "none"},
        "tracking": {"mlflow": "none"},
    }
    result = hpsearch.run(Study.from_dict(sections, folder=tmp_path), progress=False)
    assert result.best.value < GOOD
    recorded = hpsearch.load(method)
    advice = recorded.doctor().advice
    assert not any(direction_of(one) < 0 and not one.against for one in advice)
    if method == "recipe":  # its last trials are where the best ones are
        assert BEST[0] < math.prod(recorded.trials["lr"][-3:]) ** (1 / 3) < 2 * BEST[1]
