"""Trains the corpus and keeps its curves: `python -m tests.corpus.record [TRAINER…]`, about 20 minutes on one core.

Numbers have four digits. A training ends with its first loss that is not finite, as the loop ends such a trial.
"""

import gzip
import json
import math
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from tests.corpus.planted import FAULTS, SOUND, Planted
from tests.corpus.trainers import TRAINERS, Trainer

FOLDER = Path(__file__).parent / "assets"
SEEDS = {SOUND: 6}
"""Other faults have two seeds each."""


def curve(trainer: Trainer, planted: Planted, seed: int) -> list[dict[str, float]]:
    torch.manual_seed(seed)
    rows = []
    try:
        for metrics in trainer.train(planted, seed):
            rows.append(metrics)
            if not all(map(math.isfinite, metrics.values())):
                break
    except ValueError:  # what a metric of scikit-learn raises for predictions that are not finite
        rows.append(dict.fromkeys(rows[0] if rows else [trainer.objective.metric], math.nan))
    return rows


def recorded(trainer: Trainer) -> Iterator[dict[str, Any]]:
    for fault, planted in FAULTS.items():
        for seed in range(SEEDS.get(fault, 2)):
            rows = curve(trainer, planted, seed)
            columns = {name: [float(f"{row[name]:.4g}") for row in rows] for name in rows[0]}
            yield {"fault": fault, "seed": seed, "lr": trainer.lr * planted.rate, "curve": columns}


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    for trainer in TRAINERS:
        if not names or trainer.name in names:
            text = json.dumps(list(recorded(trainer)))
            with gzip.GzipFile(FOLDER / f"{trainer.name}.json.gz", "wb", mtime=0) as file:
                file.write(text.encode())
            print(trainer.name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
