"""The peer: `ray.tune.Tuner` with two workers, and a scheduler that sees every report.

    python -m tests.benchmarks.peers.tune TRIALS EPOCHS default|none reuse|fresh

`none` switches its loggers off (JSON, CSV, TensorBoard). reuse: an actor trains one trial after the other; fresh: each
trial has an actor, which is a process, of its own. A class as the trainable is no faster than a function.
"""

import json
import os
import sys
import tempfile
import time
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler

from tests.benchmarks.peers.local_ray import local_ray
from tests.benchmarks.processes import rate


def noop(config: dict[str, Any]) -> None:
    for epoch in range(1, config["epochs"] + 1):
        tune.report({"val_loss": 1.0 / epoch})


class Clock(tune.Callback):
    def __init__(self) -> None:
        self.reports: list[float] = []
        self.trials: list[float] = []

    def on_trial_result(self, *_: object, **__: object) -> None:
        self.reports.append(time.perf_counter())

    def on_trial_complete(self, *_: object, **__: object) -> None:
        self.trials.append(time.perf_counter())


def fit(trials: int, epochs: int, folder: str, reuse: bool) -> Clock:
    clock = Clock()
    scheduler = ASHAScheduler(metric="val_loss", mode="min", max_t=epochs) if epochs > 1 else None
    results = tune.Tuner(
        noop,
        param_space={"lr": tune.loguniform(1e-5, 1.0), "epochs": epochs},
        tune_config=tune.TuneConfig(
            num_samples=trials, max_concurrent_trials=2, reuse_actors=reuse, scheduler=scheduler
        ),
        run_config=tune.RunConfig(storage_path=folder, verbose=0, callbacks=[clock]),
    ).fit()
    if results.errors:
        raise results.errors[0]
    assert (len(clock.trials), len(clock.reports)) == (trials, trials * epochs)
    return clock


if __name__ == "__main__":
    if sys.argv[3] == "none":
        os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    with tempfile.TemporaryDirectory() as storage, local_ray():
        timed = fit(int(sys.argv[1]), int(sys.argv[2]), storage, reuse=sys.argv[4] == "reuse")
    print(json.dumps({"trials": rate(timed.trials), "reports": rate(timed.reports)}))
