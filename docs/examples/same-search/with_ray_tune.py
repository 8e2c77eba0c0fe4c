import re
import subprocess
import sys
from pathlib import Path

from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

EPOCHS = 9
FOLDER = Path(__file__).parent.resolve()


def train(config):
    words = [sys.executable, "-u", "main.py", "--epochs", str(EPOCHS)]
    words += ["--lr", str(config["lr"]), "--gamma", str(config["gamma"])]
    process = subprocess.Popen(words, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            if found := re.search(r"Average loss: (\S+),", line):
                tune.report({"val_loss": float(found[1])})
        if process.wait() != 0:
            raise RuntimeError(f"main.py ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()


tuner = tune.Tuner(
    tune.with_resources(train, {"cpu": 1}),
    param_space={"lr": tune.loguniform(1e-2, 10.0), "gamma": tune.uniform(0.3, 1.0)},
    tune_config=tune.TuneConfig(
        metric="val_loss",
        mode="min",
        num_samples=20,
        max_concurrent_trials=2,
        search_alg=OptunaSearch(seed=0),
        scheduler=ASHAScheduler(max_t=EPOCHS, grace_period=1, reduction_factor=3),
    ),
    run_config=tune.RunConfig(name="mnist"),
)
print(tuner.fit().get_best_result(scope="all").config)
