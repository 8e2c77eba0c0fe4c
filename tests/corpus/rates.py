"""The best learning rate of each trainer, by full trainings over eight decades: `python -m tests.corpus.rates [NAME…]`.

It takes about half an hour on one core. The results are in assets/rates.json, so that range tests can be scored.
"""

import json
import math
import sys
import warnings

import torch

from tests.corpus.planted import Planted
from tests.corpus.record import FOLDER, curve
from tests.corpus.trainers import TRAINERS, Trainer

FILE = FOLDER / "rates.json"

RATES = [10 ** (-7 + step / 3) for step in range(25)]
"""From 1e-7 to 10, three for each decade."""


def result(trainer: Trainer, rate: float) -> float | None:
    """At the best epoch, smaller is better; None where no epoch has a finite one."""
    objective = trainer.objective
    rows = curve(trainer, Planted(rate=rate / trainer.lr), seed=0)
    sign = 1 if objective.goal == "minimize" else -1
    found = [sign * row[objective.metric] for row in rows if math.isfinite(row.get(objective.metric, math.nan))]
    return float(f"{min(found):.5g}") if found else None


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    for trainer in TRAINERS:
        if names and trainer.name not in names:
            continue
        known[trainer.name] = [result(trainer, rate) for rate in RATES]
        FILE.write_text(json.dumps(known, indent=1) + "\n")
        print(trainer.name, known[trainer.name], flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
