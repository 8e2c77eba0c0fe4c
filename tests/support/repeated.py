"""Trainers whose repeats do not all do the same: what they do follows from their seed."""

import math
import random
from collections.abc import Iterator

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.support.toys import Weight


def ends(params: Params, run: Run) -> Iterator[Report]:
    """Trains so many epochs as the last digit of its seed says."""
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        if epoch > run.seed % 10:
            return
        weight.value += random.random()
        yield Report(epoch, {"val_loss": weight.value})


def one_of_them(params: Params, run: Run) -> Iterator[Report]:
    """What params["how"] says happens in epoch 2 where the seed is params["seed"]."""
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        weight.value += random.random()
        metrics = {"val_loss": weight.value, "size": 1.0}
        if epoch == 2 and run.seed == params["seed"]:
            match params["how"]:
                case "raises":
                    raise ValueError("no such optimizer")
                case "leaves the metric out":
                    del metrics["val_loss"]
                case "leaves another out":
                    del metrics["size"]
                case "is no number":
                    metrics["val_loss"] = math.nan
                case "is infinite":
                    metrics["size"] = math.inf
        elif epoch == 2 and params["how"] == "is infinite":
            metrics["size"] = -math.inf
        yield Report(epoch, metrics)
