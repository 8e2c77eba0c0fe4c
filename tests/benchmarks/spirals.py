"""A trainer that depends much on its seed: two spirals of 100 noisy points each, and a small network."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from hpsearch import Report, Run


@dataclass(frozen=True)
class Params:
    lr: float = 1e-2
    hidden: int = 16
    dropout: float = 0.0
    weight_decay: float = 1e-4
    batch_size: int = 40


def train(params: Params, run: Run) -> Iterator[Report]:
    (inputs, targets), validation = _points(1), _points(2)
    network = nn.Sequential(
        nn.Linear(2, params.hidden), nn.Tanh(), nn.Dropout(params.dropout), nn.Linear(params.hidden, 1)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=params.lr, weight_decay=params.weight_decay)
    run.track(network=network, optimizer=optimizer)
    for epoch in run.epochs():
        network.train()
        for rows in torch.randperm(len(inputs)).split(params.batch_size):
            optimizer.zero_grad()
            _loss(network, inputs[rows], targets[rows]).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_loss": _loss(network, *validation).item()})


def _points(seed: int) -> tuple[Tensor, Tensor]:
    """The same for every trial."""
    generator = torch.Generator().manual_seed(seed)
    angle = 0.5 + 5 * torch.rand(100, generator=generator).sqrt()
    arm = angle[:, None] / 5 * torch.stack([angle.cos(), angle.sin()], 1)
    noise = 0.08 * torch.randn(200, 2, generator=generator)
    return torch.cat([arm, -arm]) + noise, torch.cat([torch.zeros(100, 1), torch.ones(100, 1)])


def _loss(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(network(inputs), targets)
