"""The trainer of the studies in `assets/`: journals that earlier versions of hpsearch have left behind."""

import random
import time
from collections.abc import Iterator

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.support.toys import Weight


def train(params: Params, run: Run) -> Iterator[Report]:
    """Raises in its second epoch where x > 0.85, diverges there where x < 0.1; `pace` seconds an epoch."""
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        time.sleep(float(params["pace"]))
        weight.value += random.random() - float(params.get("drift", 0.3))
        if epoch == 2 and float(params["x"]) > 0.85:
            raise ValueError(f"x = {params['x']} is too much — größer als erlaubt")
        loss = float("nan") if epoch == 2 and float(params["x"]) < 0.1 else abs(weight.value - float(params["x"]))
        yield Report(epoch, {"val_loss": loss, "weight norm": float("inf") if epoch == 1 else weight.value})
