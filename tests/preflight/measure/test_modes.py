"""Which mode a model is in where it is trained, and where it is evaluated."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from hpsearch.preflight.judge.learning_checks import eval_mode
from hpsearch.preflight.measure.epochs import train_epochs
from hpsearch.preflight.measurements import FirstSteps, Measurements, TrainedEpochs
from tests.preflight.measure.helpers import SCORE, under_test


def switching(params: Params, run: Run) -> Iterator[Report]:
    """params: `layer`; `train`, `eval`: whether the mode is set."""
    layers = {"dropout": nn.Dropout(0.2), "norm": nn.BatchNorm1d(4), "tanh": nn.Tanh()}
    model = nn.Sequential(nn.Linear(3, 4), layers[str(params["layer"])], nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        if params["train"]:
            model.train()
        for inputs in torch.randn(20, 3).split(5):
            optimizer.zero_grad()
            model(inputs).square().mean().backward()
            optimizer.step()
        if params["eval"]:
            model.eval()
        with torch.no_grad():
            held = model(torch.randn(8, 3)).square().mean().item()
        yield Report(epoch, {"val_score": held})


def trained(**params: str | bool) -> TrainedEpochs:
    return train_epochs(under_test(switching, params=params), 3, 1.0, float("inf"))


@pytest.mark.parametrize("layer", ["dropout", "norm"])
@pytest.mark.parametrize(
    ("train", "evaluate", "counts", "outcome"),
    [
        (True, True, (0, 3, 0, 12), "passed"),
        (True, False, (3, 3, 0, 12), "failed"),
        (False, True, (0, 3, 8, 12), "failed"),
        (False, False, (3, 3, 0, 12), "failed"),
    ],
)
def test_a_forgotten_mode(layer: str, train: bool, evaluate: bool, counts: tuple[int, ...], outcome: str) -> None:
    found = trained(layer=layer, train=train, eval=evaluate)
    assert (found.in_training, found.evaluated, found.in_evaluation, found.trained) == counts
    check = eval_mode(Measurements(FirstSteps(models=1), trained=found), SCORE)
    assert (check.outcome, check.stops) == (outcome, False)
    if outcome == "failed":
        assert ("model.train()" if evaluate else "model.eval()") in check.says


def test_a_model_that_is_the_same_in_both_modes() -> None:
    found = trained(layer="tanh", train=True, eval=False)
    assert (found.evaluated, found.trained) == (0, 0)
    assert eval_mode(Measurements(FirstSteps(models=1), trained=found), SCORE).outcome == "passed"
    assert eval_mode(Measurements(trained=found), SCORE).outcome == "skipped"
