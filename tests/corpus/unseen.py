"""Seven more trainers of kinds that the corpus did not have, scored once before anything was changed for them."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn, optim
from torch.nn import functional

from tests.corpus import pictures
from tests.corpus.planted import Planted, batches
from tests.corpus.tables import split

Metrics = Iterator[dict[str, float]]


def triplet(planted: Planted, seed: int) -> Metrics:
    """A siamese network with a triplet margin loss: `Loss/train`, `Loss/eval`, and `recall@1` in percent."""
    x, y, vx, vy = pictures.split(seed, train=700, validation=300)
    known, known_y = x / 16, y
    x, y = planted.data(x / 16, y)
    vx = vx / 16
    units = planted.hidden(64)
    model = nn.Sequential(nn.Linear(64, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, 16))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=6e-4)

    def loss_of(inputs: Tensor, classes: Tensor) -> Tensor:
        """The farthest example of the same class and the nearest of another one, in the batch."""
        points = functional.normalize(model(inputs))
        apart = (points[:, None] - points[None]).square().sum(2).clamp_min(1e-12).sqrt()
        same = classes[:, None] == classes[None]
        positive = apart.masked_fill(~same, 0.0).amax(1)
        negative = apart.masked_fill(same, 10.0).amin(1)
        return functional.relu(positive - negative + 0.5).mean()

    for _ in planted.epochs(20):
        optimizer.next_epoch()
        losses = []
        for rows in batches(len(x), 48):
            loss = loss_of(x[rows], y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            held = loss_of(vx, vy).item()
            near = torch.cdist(functional.normalize(model(vx)), functional.normalize(model(known))).argmin(1)
        recall = 100 * (known_y[near] == vy).float().mean().item()
        yield {"Loss/train": float(np.mean(losses)), "Loss/eval": held, "recall@1": recall}


class UNet(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU())
        self.inner = nn.Sequential(
            *(nn.MaxPool2d(2), nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU()),
            nn.ConvTranspose2d(2 * channels, channels, 2, stride=2),
        )
        self.up = nn.Sequential(nn.Conv2d(2 * channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        wide = self.down(x)
        return self.up(torch.cat([wide, self.inner(wide)], 1))


def discs(seed: int) -> tuple[Tensor, Tensor]:
    """Noisy pictures of 16 x 16 with one bright disc, whose pixels are the target, and one bright line."""
    draw = torch.Generator().manual_seed(300 + seed)
    places = torch.arange(16.0)
    middle, size = 3 + 10 * torch.rand(260, 2, generator=draw), 2 + 2 * torch.rand(260, 1, 1, generator=draw)
    apart = (places[None, :, None] - middle[:, :1, None]) ** 2 + (places[None, None] - middle[:, 1:, None]) ** 2
    masks = (apart < size**2).float()
    lines = (places[None] == torch.randint(0, 16, (260, 1), generator=draw)).float()[:, :, None].expand(-1, -1, 16)
    images = torch.maximum(masks, lines) + 0.5 * torch.randn(260, 16, 16, generator=draw)
    return images.unsqueeze(1), masks.unsqueeze(1)


def segmentation(planted: Planted, seed: int) -> Metrics:
    """A U-Net with a dice loss: fastai's `train_loss`, `valid_loss`, and `dice`."""
    images, masks = discs(seed)
    vx, vy, (x, y) = images[180:], masks[180:], planted.data(images[:180], masks[:180])
    model = UNet(planted.hidden(8))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=1e-2)

    def dice_loss(out: Tensor, wanted: Tensor) -> Tensor:
        found = out.sigmoid()
        both = (found * wanted).sum((1, 2, 3))
        return 1 - ((2 * both + 1) / (found.sum((1, 2, 3)) + wanted.sum((1, 2, 3)) + 1)).mean()

    for _ in planted.epochs(14):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 20):
            optimizer.zero_grad()
            loss = dice_loss(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            out = model(vx)
        found = (out > 0).float()
        dice = (2 * (found * vy).sum() / (found.sum() + vy.sum())).item()
        yield {"train_loss": total / len(x), "valid_loss": dice_loss(out, vy).item(), "dice": dice}


class Letters(nn.Module):
    def __init__(self, letters: int, units: int, length: int) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, units), nn.Embedding(length, units)
        block = nn.TransformerEncoderLayer(units, 2, 2 * units, 0.0, batch_first=True, norm_first=True)
        self.blocks, self.norm = nn.TransformerEncoder(block, 2, enable_nested_tensor=False), nn.LayerNorm(units)
        self.out = nn.Linear(units, letters)

    def forward(self, text: Tensor) -> Tensor:
        length = text.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.letters(text) + self.places(torch.arange(length))
        return self.out(self.norm(self.blocks(x, mask=mask, is_causal=True)))


def characters(planted: Planted, seed: int) -> Metrics:
    """The next letter of English text, by a transformer: `train_ppl` and `valid_ppl`, with warm-up and decay."""
    text = "".join(load().DESCR for load in (datasets.load_wine, datasets.load_breast_cancer, datasets.load_diabetes))
    kept = " ".join("".join(one if one.isalpha() else " " for one in text.lower()).split())
    codes = torch.tensor([" abcdefghijklmnopqrstuvwxyz".find(one) for one in kept]).clamp_min(0)
    parts = codes[: len(codes) // 25 * 25].view(-1, 25)
    parts = parts[torch.randperm(len(parts), generator=torch.Generator().manual_seed(seed))]
    cut = round(0.8 * len(parts))
    x, y = planted.data(parts[:cut, :-1], parts[:cut, 1:])
    model = Letters(27, 2 * planted.hidden(16), 24)
    planted.init(model)
    optimizer = planted.optimizer(optim.AdamW, model.parameters(), lr=5e-3)
    epochs = planted.epochs(12)
    for epoch in epochs:
        optimizer.next_epoch(min(1.0, epoch / 2, 1.1 - epoch / len(epochs)))
        total = 0.0
        for rows in batches(len(x), 32):
            loss = functional.cross_entropy(model(x[rows]).flatten(0, 1), y[rows].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            held = functional.cross_entropy(model(parts[cut:, :-1]).flatten(0, 1), parts[cut:, 1:].flatten()).item()
        yield {"train_ppl": math.exp(min(total / len(x), 50.0)), "valid_ppl": math.exp(min(held, 50.0))}


def quantiles(planted: Planted, seed: int) -> Metrics:
    """A regression of three quantiles: `train_pinball`, `val_pinball` and `val_coverage`, whose best value is 0.8."""
    draw = np.random.default_rng(70)
    inputs = draw.uniform(-2, 2, (900, 4))
    targets = 50 + 20 * np.sin(2 * inputs[:, 0]) + (2 + 4 * np.abs(inputs[:, 1])) * draw.normal(size=900)
    x, y, vx, vy = split(inputs, targets.astype(np.float32), seed)
    x, y = planted.data(x, y)
    units = planted.hidden(48)
    model = nn.Sequential(nn.Linear(4, units), nn.ELU(), nn.Linear(units, units), nn.ELU(), nn.Linear(units, 3))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adamax, model.parameters(), lr=6e-2)
    shares = torch.tensor([0.1, 0.5, 0.9])

    def pinball(out: Tensor, wanted: Tensor) -> Tensor:
        off = wanted[:, None] - out
        return torch.maximum(shares * off, (shares - 1) * off).mean()

    for _ in planted.epochs(30):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 32):
            optimizer.zero_grad()
            loss = pinball(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            out = model(vx)
        inside = ((vy >= out[:, 0]) & (vy <= out[:, 2])).float().mean().item()
        yield {"train_pinball": total / len(x), "val_pinball": pinball(out, vy).item(), "val_coverage": inside}


class TwoHeads(nn.Module):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, units), nn.ReLU(), nn.Dropout(0.1))
        self.digit, self.ink = nn.Linear(units, 10), nn.Linear(units, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return self.digit(features), self.ink(features)[:, 0]


def two_tasks(planted: Planted, seed: int) -> Metrics:
    """The digit and its amount of ink: `loss/train/total`, `loss/val/digit`, …, and `val/digit_error`, which falls."""
    x, y, vx, vy = pictures.split(seed, train=900)
    vink, x, vx = vx.mean(1) / 2 - 2, x / 16, vx / 16
    x, both = planted.data(x, torch.stack([y.float(), 8 * x.mean(1) - 2], 1))
    model = TwoHeads(planted.hidden(48))
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=0.1, momentum=0.9)
    for _ in planted.epochs(18):
        optimizer.next_epoch()
        model.train()
        totals = np.zeros(2)
        for rows in batches(len(x), 40):
            out, ink = model(x[rows])
            digits, amounts = both[rows].unbind(1)
            losses = functional.cross_entropy(out, digits.long()), functional.mse_loss(ink, amounts)
            optimizer.zero_grad()
            (losses[0] + 0.5 * losses[1]).backward()
            optimizer.step()
            totals += len(rows) * np.array([one.item() for one in losses])
        model.eval()
        with torch.no_grad():
            out, ink = model(vx)
        digit, amount = totals / len(x)
        held = functional.cross_entropy(out, vy).item(), functional.mse_loss(ink, vink).item()
        yield {
            **{"loss/train/digit": digit, "loss/train/ink": amount, "loss/train/total": digit + 0.5 * amount},
            **{"loss/val/digit": held[0], "loss/val/ink": held[1], "loss/val/total": held[0] + 0.5 * held[1]},
            "val/digit_error": (out.argmax(1) != vy).float().mean().item(),
        }


def words(seed: int) -> tuple[Tensor, Tensor]:
    """Sentences of 12 of 200 words in five classes, each with words that it prefers."""
    draw = torch.Generator().manual_seed(77)
    classes = torch.randint(0, 5, (1000,), generator=draw)
    habits = torch.softmax(1.2 * torch.randn(5, 200, generator=draw), 1)
    text = torch.multinomial(habits[classes], 12, replacement=True, generator=draw)
    rows = torch.randperm(1000, generator=torch.Generator().manual_seed(seed))
    return text[rows], classes[rows]


def bag_of_words(planted: Planted, seed: int) -> Metrics:
    """fastText: the mean of word vectors, then one layer; `avg.loss` of the training and `P@1`, nothing else."""
    x, y = words(seed)
    vx, vy, (x, y) = x[700:], y[700:], planted.data(x[:700], y[:700])
    units = planted.hidden(10)
    model = nn.Sequential(nn.EmbeddingBag(200, units), nn.Linear(units, 5))
    planted.init(model)
    optimizer = planted.optimizer(optim.SGD, model.parameters(), lr=1.0)
    epochs = planted.epochs(20)
    for epoch in epochs:
        optimizer.next_epoch(1 - (epoch - 1) / len(epochs))
        total = seen = 0.0
        for rows in batches(len(x), 8):
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, seen = total + loss.item(), seen + 1
        with torch.no_grad():
            right = (model(vx).argmax(1) == vy).float().mean().item()
        yield {"avg.loss": total / seen, "P@1": right}


class Flow(nn.Module):
    """Four coupling layers in two dimensions (Dinh et al., arXiv 1605.08803)."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Sequential(nn.Linear(1, units), nn.Tanh(), nn.Linear(units, units), nn.Tanh(), nn.Linear(units, 2))
            for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The logarithm of the density of each point."""
        grown = x.new_zeros(len(x))
        for place, part in enumerate(self.parts):
            kept, other = x[:, place % 2 : place % 2 + 1], x[:, 1 - place % 2]
            scale, shift = part(kept).unbind(1)
            scale = 2 * torch.tanh(scale / 2)
            other, grown = other * scale.exp() + shift, grown + scale
            x = torch.stack([kept[:, 0], other] if place % 2 == 0 else [other, kept[:, 0]], 1)
        return grown - (x**2).sum(1) / 2 - math.log(2 * math.pi)


def flow(planted: Planted, seed: int) -> Metrics:
    """A normalising flow: `train/log_prob` and `val/log_prob`, both negative and rising."""
    points, _ = datasets.make_moons(900, noise=0.06, random_state=17)
    x, y, vx, _ = split(points, points[:, 0].astype(np.float32), seed)
    x, _ = planted.data(x, y)
    model = Flow(planted.hidden(32))
    planted.init(model)
    optimizer = planted.optimizer(optim.Adam, model.parameters(), lr=5e-3)
    for _ in planted.epochs(20):
        optimizer.next_epoch()
        total = 0.0
        for rows in batches(len(x), 64):
            loss = -model(x[rows]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total -= loss.item() * len(rows)
        with torch.no_grad():
            yield {"train/log_prob": total / len(x), "val/log_prob": model(vx).mean().item()}
