"""The states of torch's own objects come back from a checkpoint bit for bit, and the training goes on as before."""

from typing import Any

import numpy as np
import pytest
import torch

from hpsearch.trainer import state
from tests.support.same_bits import bits


def made(kind: str) -> tuple[Any, Any]:
    """An object of torch's whose state is restored, and its optimizer."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1))
    optim, schedules = torch.optim, torch.optim.lr_scheduler
    if hasattr(optim, kind):
        optimizer = getattr(optim, kind)(model.parameters(), lr=0.01)
        return model, optimizer
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    match kind:
        case "ReduceLROnPlateau":
            return model, schedules.ReduceLROnPlateau(optimizer, patience=0)
        case "OneCycleLR":
            return model, schedules.OneCycleLR(optimizer, max_lr=0.1, total_steps=50)
        case "CosineAnnealingWarmRestarts":
            return model, schedules.CosineAnnealingWarmRestarts(optimizer, 3)
        case "SequentialLR":
            parts = [schedules.ConstantLR(optimizer, 0.1, 2), schedules.ExponentialLR(optimizer, 0.9)]
            return model, schedules.SequentialLR(optimizer, parts, [2])
        case "LambdaLR":
            return model, schedules.LambdaLR(optimizer, lambda epoch: 0.9**epoch)
        case "StepLR with a NumPy step":
            return model, schedules.StepLR(optimizer, np.int64(2))  # type: ignore[arg-type]
        case "GradScaler":
            return model, torch.amp.GradScaler("cpu", init_scale=8.0)
        case "AveragedModel":
            return model, optim.swa_utils.AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.9))
        case "SWALR":
            return model, optim.swa_utils.SWALR(optimizer, swa_lr=0.05)
    raise ValueError(kind)


OPTIMIZERS = ["SGD", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "ASGD"]
SCHEDULES = [
    "ReduceLROnPlateau",
    "OneCycleLR",
    "CosineAnnealingWarmRestarts",
    "SequentialLR",
    "LambdaLR",
    "StepLR with a NumPy step",
    "SWALR",
]


@pytest.mark.parametrize("kind", [*OPTIMIZERS, "LBFGS", *SCHEDULES, "GradScaler", "AveragedModel"])
def test_the_states_of_torch_come_back(kind: str) -> None:
    torch.manual_seed(0)
    model, thing = made(kind)

    def step(model: Any, thing: Any) -> float:
        loss = model(torch.arange(8.0).reshape(4, 2)).square().mean()
        if isinstance(thing, torch.optim.LBFGS):
            thing.step(lambda: closure(model, thing))
        elif isinstance(thing, torch.optim.Optimizer):
            thing.zero_grad()
            loss.backward()
            thing.step()
        elif kind in SCHEDULES:
            getattr(thing, "optimizer", None).step()  # type: ignore[union-attr]
            thing.step(*([np.float64(1.0)] if kind == "ReduceLROnPlateau" else []))
        elif kind == "AveragedModel":
            thing.update_parameters(model)
        else:
            thing.scale(loss)
            thing.update(4.0)
        return float(loss.detach())

    def closure(model: Any, optimizer: Any) -> Any:
        optimizer.zero_grad()
        loss = model(torch.arange(8.0).reshape(4, 2)).square().mean()
        loss.backward()
        return loss

    for _ in range(3):
        step(model, thing)
    stored = state.unpack(state.pack(state.take_snapshot("study/0", 3, 0.0, {"model": model, "thing": thing})))
    again, other = made(kind)
    state.restore(again, stored.object_state("model"))
    state.restore(other, stored.object_state("thing"))
    assert bits(state.state_of(other)) == bits(state.state_of(thing))
    if isinstance(thing, torch.optim.Optimizer):
        assert [step(again, other) for _ in range(3)] == [step(model, thing) for _ in range(3)]
