import csv
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from trainers.kit.cleveland import CATEGORIES, COLUMNS, LOCAL


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two torch threads on a core that is shared are tens of times slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def patients(n: int, seed: int = 0) -> list[list[str]]:
    """Made-up rows in the columns of the Cleveland table; the sick are older, so there is something to learn."""
    draw = random.Random(seed)
    rows = []
    for _ in range(n):
        sick = draw.random() < 0.46
        numbers = {
            "age": draw.gauss(60 if sick else 50, 6),
            "trestbps": draw.gauss(130, 15),
            "chol": draw.gauss(240, 40),
            "thalach": draw.gauss(140 if sick else 160, 15),
            "oldpeak": abs(draw.gauss(1, 1)),
        }
        categories = {name: draw.choice(values) for name, values in CATEGORIES.items()}
        values = {**numbers, **categories, "target": int(sick)}
        rows.append([f"{values[name]:.1f}" if name in numbers else str(values[name]) for name in COLUMNS])
    return rows


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An HPSEARCH_DATA with 200 made-up patients, two of whom have a value missing."""
    rows = patients(200)
    rows[3][COLUMNS.index("ca")] = "?"
    rows[7][COLUMNS.index("thal")] = "?"
    path = tmp_path / "data" / LOCAL
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return tmp_path / "data"
