"""Trainers whose models predict: what an evaluation must come to follows from their weights alone.

A model is one number, `weight`. On validation it predicts its targets plus `weight`, on the test set plus `weight` + 1,
so its loss (the mean square) is weight² and (weight + 1)².
"""

import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from hpsearch.trainer.predictions import Part, Predictions
from hpsearch.trainer.seal import check_unsealed
from tests.cli import trainers
from tests.support.toys import Weight

TARGETS = np.array([1.0, 2.0, 4.0])


def train(params: Params, run: Run) -> Iterator[Report]:
    """The weight is x and a little luck of the seed's, another in each epoch."""
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        weight.value = float(params["x"]) + random.uniform(-0.1, 0.1)
        _note(params, f"{run.seed} {epoch}")
        time.sleep(float(params.get("pace", 0.0)))
        trainers.mind(Path(str(params["epoch_log"])))
        yield Report(epoch, {"val_loss": weight.value**2, "weight": weight.value})


def predict(params: Params, run: Run, part: Part, *, augmented: int = 0) -> Predictions:
    """With `tta` in the parameters an augmented model errs by half as much. A file "hold validation" or "hold test"
    beside the epoch_log makes it write "waits", and wait until that is gone."""
    _wait(Path(str(params["epoch_log"])), part)
    weight = Weight()
    run.track(weight=weight)
    if part == "test":
        check_unsealed()
        _note(params, "test")
        trainers.mind(Path(str(params["epoch_log"])))
    error = weight.value + (part == "test")
    return Predictions(TARGETS + error / (2 if augmented and params.get("tta") else 1), TARGETS)


def score(predictions: Predictions) -> Mapping[str, float]:
    return {"loss": float(((predictions.outputs - predictions.targets) ** 2).mean()), "size": len(predictions)}


def snapshots(params: Params, run: Run, part: Part) -> list[Predictions]:
    """With `cycles`, so many, of which each errs by a tenth of the model's error."""
    whole = predict(params, run, part)
    one = Predictions(TARGETS + (whole.outputs - TARGETS) / 10, TARGETS)
    return [one] * int(params.get("cycles", 0))


def _wait(epoch_log: Path, part: Part) -> None:
    hold = epoch_log.with_name(f"hold {part}")
    while hold.exists():
        epoch_log.with_name("waits").touch()
        time.sleep(0.01)


def _note(params: Params, text: str) -> None:
    with Path(str(params["epoch_log"])).open("a", encoding="utf-8") as epoch_log:
        epoch_log.write(f"{text}\n")
