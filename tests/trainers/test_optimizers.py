from dataclasses import replace

import pytest
import torch
from torch import nn, optim

from trainers.kit import optimizers
from trainers.kit.optimizers import Settings


def trained(make) -> torch.Tensor:
    """Weights after five steps down bowls of different widths."""
    weights = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    optimizer = make([weights])
    for step in range(1, 6):
        optimizer.zero_grad()
        torch.autograd.backward((weights**2 * torch.tensor([1.0, 2.0, 5.0])).sum() / step)
        optimizer.step()
    return weights.detach()


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        (Settings("sgd"), lambda p: optim.SGD(p, 0.1)),
        (Settings("sgd", momentum=0.5), lambda p: optim.SGD(p, 0.1, momentum=0.5)),
        (Settings("momentum"), lambda p: optim.SGD(p, 0.1, momentum=0.9)),
        (Settings("momentum", momentum=0.5), lambda p: optim.SGD(p, 0.1, momentum=0.5)),
        (Settings("nesterov"), lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True)),
        (Settings("nesterov", momentum=0.0), lambda p: optim.SGD(p, 0.1)),
        (Settings("adagrad"), lambda p: optim.Adagrad(p, 0.1)),
        (Settings("adagrad", eps=0.1), lambda p: optim.Adagrad(p, 0.1, eps=0.1)),
        (Settings("adadelta"), lambda p: optim.Adadelta(p, 0.1)),
        (Settings("adadelta", rho=0.5, eps=1e-3), lambda p: optim.Adadelta(p, 0.1, rho=0.5, eps=1e-3)),
        (Settings("rmsprop"), lambda p: optim.RMSprop(p, 0.1)),
        (Settings("rmsprop", rho=0.5, eps=0.1, momentum=0.8), lambda p: optim.RMSprop(p, 0.1, 0.5, 0.1, momentum=0.8)),
        (Settings("adam"), lambda p: optim.Adam(p, 0.1)),
        (Settings("adam", beta1=0.5, beta2=0.9, eps=0.1), lambda p: optim.Adam(p, 0.1, (0.5, 0.9), 0.1)),
        (Settings("adamw"), lambda p: optim.AdamW(p, 0.1, weight_decay=0)),
    ],
    ids=lambda given: str(given) if isinstance(given, Settings) else "",
)
def test_an_optimizer_steps_as_torchs_own(settings, own):
    ours = trained(lambda p: optimizers.build(replace(settings, lr=0.1), p))
    assert torch.allclose(ours, trained(own), rtol=1e-6)


def test_no_two_of_the_eight_are_the_same_but_adam_and_adamw_which_differ_in_their_decay():
    names = ["sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam"]
    results = {
        tuple(trained(lambda p, name=name: optimizers.build(Settings(name, lr=0.1), p)).tolist()) for name in names
    }
    assert len(results) == 7


def test_the_linear_rule_multiplies_the_rate_as_the_batch():
    assert optimizers.rate(Settings(lr=0.1, batch_size=256)) == 0.1
    assert optimizers.rate(Settings(lr=0.1, batch_size=256, lr_for_batch=64)) == 0.4
    assert optimizers.rate(Settings(lr=0.1, batch_size=16, lr_for_batch=64)) == 0.025
    built = optimizers.build(Settings(lr=0.1, batch_size=256, lr_for_batch=64), [nn.Parameter(torch.zeros(1))])
    assert built.param_groups[0]["lr"] == 0.4
