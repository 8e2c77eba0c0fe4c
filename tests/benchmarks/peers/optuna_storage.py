"""Optuna's own record on SQLite: `report` and `should_prune` for every epoch, in one process without any worker.

python -m tests.benchmarks.peers.optuna_storage TRIALS EPOCHS
"""

import json
import sys
import tempfile
import time

import optuna

from tests.benchmarks.processes import rate


def moments(url: str, trials: int, epochs: int) -> list[float]:
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    study = optuna.create_study(storage=url, pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=0))
    reported = []
    for _ in range(trials):
        trial = study.ask()
        trial.suggest_float("lr", 1e-5, 1.0, log=True)
        for epoch in range(1, epochs + 1):
            trial.report(1.0 / epoch, epoch)
            trial.should_prune()
            reported.append(time.perf_counter())
        study.tell(trial, 1.0 / epochs)
    return reported


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(rate(moments(f"sqlite:///{folder}/optuna.db", int(sys.argv[1]), int(sys.argv[2])))))
