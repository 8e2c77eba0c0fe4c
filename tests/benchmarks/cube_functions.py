"""Test functions of global optimisation, over the unit cube."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hpsearch.core.trial import Params
from hpsearch.study.priors import Prior, Weight
from hpsearch.study.space import Float, Space


@dataclass(frozen=True)
class Function:
    """Of a point of the unit cube. optimum: the point with the value `best`. wrong: the far end of each axis."""

    name: str
    value: Callable[[Sequence[float]], float]
    optimum: tuple[float, ...]
    best: float

    @property
    def wrong(self) -> list[float]:
        return [0.0 if u > 0.5 else 1.0 for u in self.optimum]

    def space(self, at: Sequence[float] | None, weight: Weight) -> Space:
        """at: the priors' values; None: without priors."""
        priors = [None] * len(self.optimum) if at is None else [Prior(u, weight) for u in at]
        return Space(tuple(Float(f"x{i}", 0.0, 1.0, prior=one, short=False) for i, one in enumerate(priors)))

    def loss(self, params: Params) -> float:
        return self.value([float(params[f"x{i}"]) for i in range(len(self.optimum))]) - self.best  # type: ignore[arg-type]


def branin(u: Sequence[float]) -> float:
    x, y = 15 * u[0] - 5, 15 * u[1]
    inner = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return inner**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


_A3 = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_P3 = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])


def hartmann(u: Sequence[float]) -> float:
    return -float(_ALPHA @ np.exp(-(_A * (np.array(u) - _P) ** 2).sum(1)))


def rosenbrock(u: Sequence[float]) -> float:
    x = [4 * one - 2 for one in u]
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def levy(u: Sequence[float]) -> float:
    w = 1 + (20 * np.array(u) - 11) / 4
    inner = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)).sum()
    return float(np.sin(np.pi * w[0]) ** 2 + inner + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2))


def ackley(u: Sequence[float]) -> float:
    x = 40 * np.array(u) - 15
    return float(20 + math.e - 20 * np.exp(-0.2 * np.sqrt((x**2).mean())) - np.exp(np.cos(2 * np.pi * x).mean()))


def styblinski_tang(u: Sequence[float]) -> float:
    x = 10 * np.array(u) - 5
    return float((x**4 - 16 * x**2 + 5 * x).sum() / 2)


_BETA = np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5]) / 10
_EVEN, _ODD = (4, 1, 8, 6, 3, 2, 5, 8, 6, 7), (4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6)
_CENTRES = np.array([_EVEN, _ODD, _EVEN, _ODD])


def shekel(u: Sequence[float]) -> float:
    squares = ((10 * np.array(u)[:, None] - _CENTRES) ** 2).sum(0)
    return -float((1 / (squares + _BETA)).sum())


def griewank(u: Sequence[float]) -> float:
    """With 30 times its quadratic part, from -7 to 13."""
    x = 20 * np.array(u) - 7
    return float(1 + 30 * (x**2).sum() / 4000 - np.cos(x / np.sqrt(np.arange(1, len(x) + 1))).prod())


def rastrigin(u: Sequence[float]) -> float:
    x = 10.24 * np.array(u) - 4
    return float(10 * len(x) + (x**2 - 10 * np.cos(2 * np.pi * x)).sum())


def michalewicz(u: Sequence[float]) -> float:
    x = np.pi * np.array(u)
    return -float((np.sin(x) * np.sin(np.arange(1, len(x) + 1) * x**2 / np.pi) ** 20).sum())


def powell(u: Sequence[float]) -> float:
    a, b, c, d = (9 * one - 4 for one in u)
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


def dixon_price(u: Sequence[float]) -> float:
    x = 20 * np.array(u) - 10
    return float((x[0] - 1) ** 2 + (np.arange(2, len(x) + 1) * (2 * x[1:] ** 2 - x[:-1]) ** 2).sum())


def zakharov(u: Sequence[float]) -> float:
    x = 15 * np.array(u) - 5
    weighted = float((0.5 * np.arange(1, len(x) + 1) * x).sum())
    return float((x**2).sum()) + weighted**2 + weighted**4


def bukin(u: Sequence[float]) -> float:
    x, y = 10 * u[0] - 15, 6 * u[1] - 3
    return 100 * math.sqrt(abs(y - 0.01 * x * x)) + 0.01 * abs(x + 10)


def six_hump_camel(u: Sequence[float]) -> float:
    x, y = 6 * u[0] - 3, 4 * u[1] - 2
    return (4 - 2.1 * x * x + x**4 / 3) * x * x + x * y + (4 * y * y - 4) * y * y


def hartmann_3(u: Sequence[float]) -> float:
    return -float(_ALPHA @ np.exp(-(_A3 * (np.array(u) - _P3) ** 2).sum(1)))


def log_goldstein_price(u: Sequence[float]) -> float:
    x, y = 4 * u[0] - 2, 4 * u[1] - 2
    one = 1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x * x - 14 * y + 6 * x * y + 3 * y * y)
    other = 30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x * x + 48 * y - 36 * x * y + 27 * y * y)
    return math.log(one * other)


def schwefel(u: Sequence[float]) -> float:
    x = 1000 * np.array(u) - 500
    return float(418.982887 * len(x) - (x * np.sin(np.sqrt(np.abs(x)))).sum())


def alpine(u: Sequence[float]) -> float:
    x = 20 * np.array(u) - 8
    return float(np.abs(x * np.sin(x) + 0.1 * x).sum())


def colville(u: Sequence[float]) -> float:
    a, b, c, d = (20 * one - 10 for one in u)
    first = 100 * (a * a - b) ** 2 + (a - 1) ** 2 + (c - 1) ** 2 + 90 * (c * c - d) ** 2
    return first + 10.1 * ((b - 1) ** 2 + (d - 1) ** 2) + 19.8 * (b - 1) * (d - 1)


def trid(u: Sequence[float]) -> float:
    x = 2 * len(u) ** 2 * np.array(u) - len(u) ** 2
    return float(((x - 1) ** 2).sum() - (x[1:] * x[:-1]).sum())


def salomon(u: Sequence[float]) -> float:
    length = 200 * math.dist(u, [0.4] * len(u))
    return 1 - math.cos(2 * math.pi * length) + 0.1 * length


def _dixon_price_optimum(dimensions: int) -> tuple[float, ...]:
    return tuple((2 ** -(1 - 2.0 ** (1 - i)) + 10) / 20 for i in range(1, dimensions + 1))


_MICHALEWICZ_5 = tuple(one / math.pi for one in (2.202906, 1.570796, 1.284992, 1.923058, 1.720470))

FUNCTIONS = (
    Function("Rosenbrock 4", rosenbrock, (0.75, 0.75, 0.75, 0.75), 0.0),
    Function("Levy 4", levy, (0.55, 0.55, 0.55, 0.55), 0.0),
    Function("Branin", branin, ((math.pi + 5) / 15, 2.275 / 15), 0.397887),
    Function("Hartmann 6", hartmann, (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573), -3.32237),
    Function("Ackley 5", ackley, (0.375, 0.375, 0.375, 0.375, 0.375), 0.0),
    Function("Styblinski-Tang 5", styblinski_tang, (0.2096466,) * 5, -39.16617 * 5),
    Function("Shekel 4", shekel, (0.4,) * 4, shekel((0.4,) * 4)),
    Function("Griewank 6", griewank, (0.35,) * 6, 0.0),
    Function("Rastrigin 4", rastrigin, (4 / 10.24,) * 4, 0.0),
    Function("Michalewicz 2", michalewicz, (2.202906 / math.pi, 0.5), -1.801303),
    Function("Powell 4", powell, (4 / 9,) * 4, 0.0),
    Function("Dixon-Price 4", dixon_price, _dixon_price_optimum(4), 0.0),
    Function("Zakharov 4", zakharov, (1 / 3,) * 4, 0.0),
    Function("Bukin 6", bukin, (0.5, 2 / 3), 0.0),
    Function("six-hump camel", six_hump_camel, ((0.0898 + 3) / 6, (-0.7126 + 2) / 4), -1.031628),
    Function("Michalewicz 5", michalewicz, _MICHALEWICZ_5, -4.687658),
    Function("Hartmann 3", hartmann_3, (0.114614, 0.555649, 0.852547), -3.86278),
    Function("Goldstein-Price, log", log_goldstein_price, (0.5, 0.25), math.log(3)),
    Function("Schwefel 4", schwefel, (0.9209687,) * 4, 0.0),
    Function("Alpine 4", alpine, (0.4,) * 4, 0.0),
    Function("Colville", colville, (0.55,) * 4, 0.0),
    Function("Trid 4", trid, (0.625, 0.6875, 0.6875, 0.625), -16.0),
    Function("Salomon 4", salomon, (0.4,) * 4, 0.0),
)
"""Of Surjanovic and Bingham, Virtual Library of Simulation Experiments (sfu.ca/~ssurjano), and Alpine and Salomon of
Jamil and Yang 2013 (arXiv 1308.4008). Where the optimum is in the middle of the range there, the range is moved.

The lowest density of `study.priors` was chosen on the first two, the use of `trust` by models on the first five, and
its use by random draws and the replaced startup trials of TPE on the first eight. Nothing was chosen on the others."""
