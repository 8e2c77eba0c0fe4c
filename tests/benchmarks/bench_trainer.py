"""What an epoch of the trainer kit costs, beside the loop that one would write by hand.

Both train the same network on the same digits in one process on one thread, epoch by epoch in turn, so that whatever
else the machine does hits both. The time is the process's own (CPU seconds); the ratio is the median of the pairs'.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from torch import nn, optim
from torch.nn.functional import cross_entropy

from hpsearch import Run
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table
from trainers import digits
from trainers.digits import Params

EPOCHS = 200

Optimizer = Callable[[nn.Module], optim.Optimizer]


def by_hand(params: Params, make: Optimizer, epochs: int) -> Iterator[tuple[float, float]]:
    """Trains and validates, without further measurements."""
    torch.manual_seed(0)
    data = digits.load()
    inputs, targets = data.train.inputs, data.train.targets
    model = digits.build(params)
    optimizer = make(model)
    for _ in range(epochs):
        model.train()
        for batch in torch.split(torch.randperm(len(inputs)), params.batch_size):
            optimizer.zero_grad()
            loss = cross_entropy(model(inputs[batch]), targets[batch])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(data.validation.inputs)
            val_loss = cross_entropy(logits, data.validation.targets).item()
            val_accuracy = (logits.argmax(1) == data.validation.targets).float().mean().item()
        yield val_loss, val_accuracy


def seconds(steps: Iterator[object]) -> float:
    began = time.process_time()
    next(steps)
    return time.process_time() - began


def in_turn(kit: Iterator[object], bare: Iterator[object], swap: bool) -> tuple[float, float]:
    """One epoch of each; who goes first changes, since the second finds the caches warm."""
    if swap:
        theirs, ours = seconds(bare), seconds(kit)
    else:
        ours, theirs = seconds(kit), seconds(bare)
    return ours, theirs


CASES: list[tuple[str, Params, Optimizer]] = [
    ("MLP, Adam (fused, as the kit's)", Params(), lambda m: optim.Adam(m.parameters(), 1e-2, fused=True)),
    ("MLP, Adam (torch's default)", Params(), lambda m: optim.Adam(m.parameters(), 1e-2)),
    ("MLP, SGD", Params(optimizer="momentum"), lambda m: optim.SGD(m.parameters(), 1e-2, momentum=0.9)),
    ("CNN, Adam (fused)", Params(model="cnn"), lambda m: optim.Adam(m.parameters(), 1e-2, fused=True)),
]


def tables() -> Iterator[Table]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = [_row(*case) for case in CASES]
    torch.set_num_threads(threads)
    columns = ("digits, batches of 64", "kit, ms an epoch", "by hand, ms an epoch", "ratio")
    yield Table(
        "Trainer kit", columns, rows, "CPU time on one thread, in turn; median, and median of the pairs' ratios"
    )


def _row(name: str, params: Params, make: Optimizer) -> Row:
    progress(name)
    epochs = EPOCHS // 4 if params.model == "cnn" else EPOCHS
    kit, bare = digits.train(params, Run.local(epochs, device="cpu")), by_hand(params, make, epochs)
    pairs = [in_turn(kit, bare, swap=bool(epoch % 2)) for epoch in range(epochs)][5:]
    ours, theirs = (1e3 * median(times) for times in zip(*pairs, strict=True))
    return name, ours, theirs, median(a / b for a, b in pairs)
