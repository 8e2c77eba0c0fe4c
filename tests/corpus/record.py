"""Trains the corpus and keeps its curves: `python -m tests.corpus.record [TRAINER…]`, about 20 minutes on one core.

Numbers have four digits, weight norms seven. A training ends with its first loss that is not finite, as the loop ends
such a trial. Steps are measured as those of every trial are.
"""

import gzip
import json
import math
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from hpsearch.trainer.measurements.step_measurements import StepMeasurements
from tests.corpus.planted import FAULTS, SOUND, Planted
from tests.corpus.trainers import TRAINERS, Part, Trainer

FOLDER = Path(__file__).parent / "assets"
SEEDS = {part: (6, 2) if part in (Part.DEVELOPED, Part.HELD_BACK) else (4, 1) for part in Part}
"""Of sound trainings, and of each fault."""


def curve(trainer: Trainer, planted: Planted, seed: int) -> list[dict[str, float]]:
    torch.manual_seed(seed)
    measurements = StepMeasurements()
    rows: list[dict[str, float]] = []
    try:
        for metrics in trainer.train(replace(planted, measurements=measurements), seed):
            rows.append(metrics | measurements.take(len(rows) + 1))
            if not all(map(math.isfinite, metrics.values())):
                break
    except ValueError:  # what a metric of scikit-learn raises for predictions that are not finite
        rows.append(dict.fromkeys(rows[0] if rows else [trainer.objective.metric], math.nan))
    return rows


def columns(rows: list[dict[str, float]]) -> dict[str, list[float | None]]:
    """None where a report does not have the metric."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [_rounded(name, row[name]) if name in row else None for row in rows] for name in names}


def _rounded(name: str, value: float) -> float:
    return float(f"{value:.7g}" if name.endswith("_norm") else f"{value:.4g}")


def recorded(trainer: Trainer) -> Iterator[dict[str, Any]]:
    sound, faulty = SEEDS[trainer.part]
    for fault, planted in FAULTS.items():
        for seed in range(sound if fault == SOUND else faulty):
            rows = curve(trainer, planted, seed)
            yield {"fault": fault, "seed": seed, "lr": trainer.lr * planted.rate, "curve": columns(rows)}


def write(name: str, trainings: list[dict[str, Any]]) -> None:
    with gzip.GzipFile(FOLDER / f"{name}.json.gz", "wb", mtime=0) as file:
        file.write(json.dumps(trainings).encode())


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    for trainer in TRAINERS:
        if not names or trainer.name in names:
            write(trainer.name, list(recorded(trainer)))
            print(trainer.name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
