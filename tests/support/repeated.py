"""Trainers whose repeats behave differently, depending on their seed."""

import math
import random
from collections.abc import Iterator

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.support.toys import Weight


def ends(params: Params, run: Run) -> Iterator[Report]:
    """Trains as many epochs as the last digit of its seed."""
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        if epoch > run.seed % 10:
            return
        weight.value += random.random()
        yield Report(epoch, {"val_loss": weight.value})


def one_repeat_differs(params: Params, run: Run) -> Iterator[Report]:
    """Behaves as params["how"] in epoch 2 of the repeat with seed params["seed"]."""
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
                case "is not a number":
                    metrics["val_loss"] = math.nan
                case "is infinite":
                    metrics["size"] = math.inf
        elif epoch == 2 and params["how"] == "is infinite":
            metrics["size"] = -math.inf
        yield Report(epoch, metrics)
