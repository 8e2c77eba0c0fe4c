"""Three trainers of kinds that the corpus did not have: mixture densities, a knowledge graph, accumulated gradients."""

import math
from collections.abc import Iterator

import torch
from sklearn import datasets
from torch import Tensor, nn, optim
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from tests.corpus.planted import Planted, batches

Metrics = Iterator[dict[str, float]]


def mixture_density(planted: Planted, seed: int) -> Metrics:
    """The inverse of a noisy sine by five normal densities (Bishop, 1994): `nll` and `dev/nll`, by Adagrad."""
    draw = torch.Generator().manual_seed(900 + seed)
    places = torch.rand(1300, 1, generator=draw)
    values = places + 0.3 * torch.sin(2 * math.pi * places) + 0.03 * torch.randn(1300, 1, generator=draw)
    held, held_y, (x, y) = values[900:], places[900:], planted.data(values[:900], places[:900])
    units = planted.hidden(40)
    model = nn.Sequential(nn.Linear(1, units), nn.Tanh(), nn.Linear(units, units), nn.Tanh(), nn.Linear(units, 15))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adagrad, model.parameters(), lr=2e-2)

    def nll(inputs: Tensor, wanted: Tensor) -> Tensor:
        weights, means, widths = model(inputs).chunk(3, 1)
        parts = torch.distributions.Normal(means, functional.softplus(widths) + 1e-3, validate_args=False)
        return -torch.logsumexp(weights.log_softmax(1) + parts.log_prob(wanted), 1).mean()

    for _ in planted.epochs(40):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 30):
            loss = nll(x[rows], y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            yield {"nll": total / len(x), "dev/nll": nll(held, held_y).item()}


def facts(seed: int) -> Tensor:
    """Triples (head, relation, tail) of 80 entities on a circle, where a relation is a shift; one in ten is wrong."""
    draw = torch.Generator().manual_seed(1000 + seed)
    heads = torch.arange(80).repeat_interleave(8)
    relations = torch.arange(8).repeat(80)
    tails = (heads + torch.tensor([1, 3, 7, 12, 20, 31, 40, 57])[relations]) % 80
    wrong = torch.rand(len(heads), generator=draw) < 0.1
    tails = torch.where(wrong, torch.randint(0, 80, tails.shape, generator=draw), tails)
    return torch.stack([heads, relations, tails], 1)[torch.randperm(len(heads), generator=draw)]


def knowledge_graph(planted: Planted, seed: int) -> Metrics:
    """Embeddings that relations rotate (RotatE), against drawn tails: `avg_loss`, `MRR` and `hits@10`, no more."""
    known = facts(seed)
    held, (x, y) = known[540:], planted.data(known[:540, :2].float(), known[:540, 2])
    x, size = x.long(), planted.hidden(12)
    model = nn.ModuleDict({"entity": nn.Embedding(80, 2 * size), "relation": nn.Embedding(8, size)})
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=6e-2)

    def distances(pairs: Tensor) -> Tensor:
        """(pairs, entities)"""
        real, imaginary = model["entity"](pairs[:, 0]).chunk(2, 1)
        angle = model["relation"](pairs[:, 1])
        turned = torch.cat(
            [real * angle.cos() - imaginary * angle.sin(), real * angle.sin() + imaginary * angle.cos()], 1
        )
        return torch.cdist(turned, model["entity"].weight)

    for _ in planted.epochs(30):
        optimizer.next_epoch()
        total = seen = 0.0
        for rows in batches(len(x), 36):
            apart = distances(x[rows])
            right = apart.gather(1, y[rows][:, None])
            drawn = apart.gather(1, torch.randint(0, 80, (len(rows), 8)))
            loss = -functional.logsigmoid(4 - right).mean() - functional.logsigmoid(drawn - 4).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, seen = total + loss.item(), seen + 1
        with torch.no_grad():
            apart = distances(held[:, :2])
        ranks = (apart < apart.gather(1, held[:, 2:])).sum(1) + 1
        yield {
            "avg_loss": total / seen,
            "MRR": (1 / ranks).mean().item(),
            "hits@10": (ranks <= 10).float().mean().item(),
        }


def accumulated(planted: Planted, seed: int) -> Metrics:
    """Spectral norms, gradients of four batches a step, warm-up and a cosine; the last batch's `loss` and `Prec@1`."""
    digits = datasets.load_digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(1100 + seed))
    images = torch.tensor(digits.data, dtype=torch.float32)[order] / 8 - 1
    classes = torch.tensor(digits.target)[order]
    held, held_y, (x, y) = images[1200:], classes[1200:], planted.data(images[:1200], classes[:1200])
    units = planted.hidden(64)
    model = nn.Sequential(nn.Linear(64, units), nn.LeakyReLU(0.1), nn.Linear(units, units), nn.LeakyReLU(0.1))
    model.append(nn.Linear(units, 10))
    planted.init(model)
    for layer in (model[0], model[2]):
        spectral_norm(layer)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.4, momentum=0.9, weight_decay=1e-4)
    epochs = planted.epochs(20)
    for epoch in epochs:
        rate = optimizer.next_epoch(min(1.0, epoch / 3) * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / len(epochs))))
        model.train()
        optimizer.zero_grad()
        parts = list(batches(len(x), 16))
        for number, rows in enumerate(parts, start=1):
            out = model(x[rows])
            loss = functional.cross_entropy(out, y[rows], label_smoothing=0.1)
            (loss / 4).backward()
            if number % 4 == 0 or number == len(parts):
                optimizer.step()
                optimizer.zero_grad()
        right = (out.argmax(1) == y[rows]).float().mean().item()
        model.eval()
        with torch.no_grad():
            found = model(held)
        yield {
            "loss": loss.item(),
            "Prec@1": 100 * right,
            "test_loss": functional.cross_entropy(found, held_y).item(),
            "test_Prec@1": 100 * (found.argmax(1) == held_y).float().mean().item(),
            "learning_rate": rate,
        }
