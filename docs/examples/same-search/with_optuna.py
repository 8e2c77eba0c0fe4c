import re
import subprocess
import sys

import optuna

EPOCHS = 9


def objective(trial):
    words = [sys.executable, "-u", "main.py", "--epochs", str(EPOCHS)]
    words += ["--lr", str(trial.suggest_float("lr", 1e-2, 10.0, log=True))]
    words += ["--gamma", str(trial.suggest_float("gamma", 0.3, 1.0))]
    losses = []
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            if found := re.search(r"Average loss: (\S+),", line):
                losses.append(float(found[1]))
                trial.report(losses[-1], len(losses))
                if trial.should_prune():
                    raise optuna.TrialPruned
        if process.wait() != 0 or not losses:
            raise RuntimeError(f"main.py ended with {process.returncode}")
        return min(losses)
    finally:
        process.kill()
        process.wait()


study = optuna.create_study(
    study_name="mnist",
    storage="sqlite:///optuna.db",
    load_if_exists=True,
    direction="minimize",
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
)
study.optimize(objective, n_trials=20, n_jobs=2, catch=(RuntimeError,))
print(study.best_trial)
