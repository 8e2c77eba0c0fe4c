"""Searches in scripts and notebooks, in forms that public repositories have."""

import json
from pathlib import Path

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.study.space import Choice, Float, Int
from tests.study.translation.test_translate import parameters, read

WANDB = """
import math, numpy as np, wandb
config = {"method": "random"}
metric = {"name": "loss", "goal": "minimize"}
config["metric"] = metric
ranges = {"optimizer": {"values": ["adam", "sgd"]}, "layers": {"values": [[4] + 2 * [h] for h in (8, 16)]}}
config["parameters"] = ranges
ranges.update({"epochs": {"value": 3}})
ranges["lr"] = {"distribution": "log_uniform", "min": math.log(1e-4), "max": np.log(1e-1)}
ranges["dropout"] = {"values": list(np.arange(0.1, 0.5, 0.1))}
ranges["width"] = {"values": [2 ** i for i in range(4, 7)]}
ranges["init"] = {"values": [Init.ZERO, "he"]}
wandb.agent(wandb.sweep(config, project="demo"), train, count=5)
"""


def test_a_sweep_that_is_put_together(tmp_path: Path) -> None:
    draft, table = read(tmp_path, WANDB, "sweep.py")
    assert (table["study"]["metric"], table["trainer"]["epochs"]) == ("loss", 3)
    assert parameters(table) == {
        "optimizer": Choice("optimizer", ("adam", "sgd")),
        "layers": Choice("layers", ([4, 8, 8], [4, 16, 16])),
        "lr": Float("lr", 1e-4, 0.1, log=True),
        "dropout": Choice("dropout", (0.1, 0.2, 0.3, 0.4)),
        "width": Choice("width", (16, 32, 64)),
    }
    assert [one for one in draft.comments if one.startswith("init") and "Init.ZERO" in one]


def test_a_sweep_in_a_text_of_a_script(tmp_path: Path) -> None:
    text = 'S = """\nmethod: bayes\nparameters:\n  lr: {min: 0.001, max: 0.1}\n"""\nwandb.sweep(yaml.safe_load(S))\n'
    _, table = read(tmp_path, text, "sweep.py")
    assert parameters(table) == {"lr": Float("lr", 0.001, 0.1)}


def test_a_metric_that_is_no_literal_is_left_out(tmp_path: Path) -> None:
    text = (
        'c = {"method": "grid", "metric": {"name": BEST, "goal": "maximize"}, "parameters": {"a": {"values": [1, 2]}}}'
    )
    _, table = read(tmp_path, text, "sweep.py")
    assert table["study"]["goal"] == "maximize"
    assert table["study"]["metric"] == "val_accuracy"


OPTUNA = """
import optuna
def objective(trial):
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    for name in ["a", "b"]:
        trial.suggest_float(f"w_{name}", 0, 1)
    return 1.0, 2.0
study = optuna.create_study(directions=["maximize", "minimize"], sampler=optuna.samplers.NSGAIISampler())
study.set_metric_names(["acc", "latency"])
study.enqueue_trial({"lr": 1e-3, "w_a": 0.5, "w_b": 0.5})
study.enqueue_trial({"lr": 1e-3})
study.optimize(func=lambda trial: objective(trial), n_trials=30)
"""


def test_several_directions_and_enqueued_trials_of_optuna(tmp_path: Path) -> None:
    draft, table = read(tmp_path, OPTUNA, "tune.py")
    goals = [{"metric": "acc", "goal": "maximize"}, {"metric": "latency", "goal": "minimize"}]
    assert table["study"] == {"name": "my-study", "objectives": goals}
    assert table["search"] == {
        "method": "bayesian",
        "sampler": "nsga2",
        "trials": 30,
        "first": [{"lr": 0.001, "w_a": 0.5, "w_b": 0.5}],
    }
    assert [one for one in draft.comments if "{ lr = 0.001 }" in one]
    assert not [one for one in draft.comments if one.startswith("w_a")]


def test_an_objective_that_is_a_class(tmp_path: Path) -> None:
    text = "class Objective:\n  def __call__(self, trial):\n    return trial.suggest_float('x', 0, 1)\n"
    _, table = read(tmp_path, f"{text}optuna.create_study().optimize(Objective(), n_trials=3)\n", "tune.py")
    assert table["trainer"]["use"] == "train.py"


def test_hyperparameter_search_of_transformers(tmp_path: Path) -> None:
    text = """
def hp_space(trial):
    return {"learning_rate": trial.suggest_float("learning_rate", 1e-6, 1e-4, log=True)}
trainer.hyperparameter_search(direction=["minimize", "maximize"], backend="optuna", hp_space=hp_space, n_trials=20)
"""
    _, table = read(tmp_path, text, "tune.py")
    assert [one["goal"] for one in table["study"]["objectives"]] == ["minimize", "maximize"]
    assert (table["search"]["trials"], table["trainer"]["use"]) == (20, "train.py")


RAY = """
from ray import tune
from ray.tune import choice
space = dict(act=choice(["elu", "tanh"]), lr=tune.loguniform(1e-5, 1e-2))
space["decay"] = tune.uniform(0.0, 0.1)
search = tune.TuneConfig(num_samples=20, search_alg=OptunaSearch(
    metric=["loss", "latency"], mode=["min", "min"], points_to_evaluate=[{"lr": 1e-3, "act": "elu", "decay": 0.0}]))
"""


def test_other_forms_of_ray_tune(tmp_path: Path) -> None:
    _, table = read(tmp_path, RAY, "tune.py")
    assert parameters(table) == {
        "act": Choice("act", ("elu", "tanh")),
        "lr": Float("lr", 1e-5, 1e-2, log=True),
        "decay": Float("decay", 0.0, 0.1),
    }
    assert [one["metric"] for one in table["study"]["objectives"]] == ["loss", "latency"]
    assert table["search"]["first"] == [{"lr": 0.001, "act": "elu", "decay": 0.0}]


SAMPLED = """
import random
import numpy as np
from ray import tune
from ray.tune.schedulers import ASHAScheduler

def main(num_samples=10, max_num_epochs=20):
    config = {
        "l1": tune.sample_from(lambda _: 2 ** np.random.randint(2, 9)),
        "depth": tune.sample_from(lambda spec: random.randint(1, 4)),
        "lr": tune.sample_from(lambda _: 10 ** np.random.uniform(-4, -1)),
        "act": tune.sample_from(lambda _: random.choice(["relu", "gelu"])),
        "own": tune.sample_from(lambda spec: spec.config.l1 * 2),
    }
    scheduler = ASHAScheduler(metric="loss", mode="min", max_t=max_num_epochs)
    tune.run(partial(train, data=None), config=config, num_samples=num_samples, scheduler=scheduler)
"""


def test_samples_of_ray_tune_and_defaults_of_functions(tmp_path: Path) -> None:
    draft, table = read(tmp_path, SAMPLED, "tune.py")
    assert parameters(table) == {
        "l1": Int("l1", 4, 256, log=True, powers_of=2),
        "depth": Int("depth", 1, 4),
        "lr": Float("lr", 1e-4, 0.1, log=True),
        "act": Choice("act", ("relu", "gelu")),
    }
    assert (table["search"]["trials"], table["trainer"]["epochs"], table["trainer"]["use"]) == (10, 20, "tune.py:train")
    assert (table["study"]["metric"], table["study"]["goal"]) == ("loss", "minimize")
    assert any(comment.startswith("own") for comment in draft.comments)


def test_objects_of_ray_tune_that_have_names(tmp_path: Path) -> None:
    text = """
scheduler = ASHAScheduler(grace_period=2, reduction_factor=3)
search = OptunaSearch(metric="score", mode="max")
config = PPOConfig().training(lr=tune.grid_search([0.001, 0.0001]), gamma=tune.uniform(0.9, 0.99), clip_param=0.2)
tuner = tune.Tuner(tune.with_resources(train_ppo, {"gpu": 1}), param_space=config,
    tune_config=tune.TuneConfig(num_samples=9, scheduler=scheduler, search_alg=search),
    run_config=tune.RunConfig(stop={"training_iteration": 40}))
"""
    _, table = read(tmp_path, text, "tune.py")
    assert table["prune"] == {"method": "halving", "min_epochs": 2, "eta": 3}
    assert table["study"] == {"name": "my-study", "metric": "score", "goal": "maximize"}
    assert table["search"] == {"method": "bayesian", "sampler": "tpe", "trials": 9}
    assert table["trainer"] == {"use": "tune.py:train_ppo", "epochs": 40}
    assert table["resources"] == {"per_trial": {"gpus": 1}}
    assert parameters(table) == {"lr": Choice("lr", (0.001, 0.0001)), "gamma": Float("gamma", 0.9, 0.99)}


def test_an_experiment_of_nni_in_python(tmp_path: Path) -> None:
    text = """
space = {"lr": {"_type": "loguniform", "_value": [1e-4, 0.1]}}
SCRIPT = "hyper"
experiment.config.trial_command = f"python {SCRIPT}.py"
experiment.config.search_space = space
experiment.config.tuner.name = "TPE"
experiment.config.tuner.class_args["optimize_mode"] = "maximize"
experiment.config.max_trial_number = 10
experiment.config.trial_concurrency = workers
"""
    _, table = read(tmp_path, text, "run.py")
    assert (table["study"]["goal"], table["trainer"]["use"]) == ("maximize", "hyper.py")
    assert table["search"] == {"method": "bayesian", "sampler": "tpe", "trials": 10}
    assert parameters(table) == {"lr": Float("lr", 1e-4, 0.1, log=True)}


def test_the_client_of_katib(tmp_path: Path) -> None:
    text = """
parameters = {"a": katib.search.int(min=10, max=20), "b": katib.search.double(min=0.1, max=0.2),
              "c": katib.search.categorical(["x", "y"])}
client.tune(name="t", objective=objective, parameters=parameters, objective_metric_name="result",
            objective_type="minimize", algorithm_name="tpe", max_trial_count=12, parallel_trial_count=2)
"""
    _, table = read(tmp_path, text, "run.py")
    assert table["study"] == {"name": "t", "metric": "result", "goal": "minimize"}
    assert table["trainer"]["use"] == "run.py:objective"
    assert (table["search"]["trials"], table["resources"]["workers"]) == (12, 2)
    assert parameters(table) == {"a": Int("a", 10, 20), "b": Float("b", 0.1, 0.2), "c": Choice("c", ("x", "y"))}


AX = """
ax.create_experiment(name="x", parameters=[
    {"name": "lr", "type": "range", "bounds": [1e-6, 0.4], "log_scale": True},
    {"name": "n", "type": "range", "bounds": [1, 8]},
    {"name": "opt", "type": "choice", "values": ["a", "b"]}, {"name": "k", "type": "fixed", "value": 3}],
    objectives={"acc": ObjectiveProperties(minimize=False), "latency": ObjectiveProperties(minimize=True)},
    parameter_constraints=["n <= 6"], outcome_constraints=["size <= 1.5"])
ax.attach_trial({"lr": 0.1, "n": 2, "opt": "a"})
"""
AX_CLIENT = """
parameters = [RangeParameterConfig(name="lr", parameter_type="float", bounds=(1e-6, 0.4), scaling="log"),
              RangeParameterConfig(name="n", parameter_type="int", bounds=(1, 8)),
              ChoiceParameterConfig(name="opt", parameter_type="str", values=["a", "b"])]
client.configure_experiment(name="x", parameters=parameters, parameter_constraints=["n <= 6"])
client.attach_trial(parameters={"lr": 0.1, "n": 2, "opt": "a"})
client.configure_optimization(objective="acc, -latency", outcome_constraints=["size <= 1.5", "acc >= 90% * baseline"])
"""


@pytest.mark.parametrize("text", [AX, AX_CLIENT])
def test_an_experiment_of_ax(text: str, tmp_path: Path) -> None:
    _, table = read(tmp_path, text, "ax_run.py")
    goals = [{"metric": "acc", "goal": "maximize"}, {"metric": "latency", "goal": "minimize"}]
    assert table["study"] == {"name": "x", "objectives": goals, "require": ["size <= 1.5"]}
    assert table["space"]["constraints"] == ["n <= 6"]
    assert table["search"]["first"] == [{"lr": 0.1, "n": 2, "opt": "a"}]
    assert parameters({"space": {key: value for key, value in table["space"].items() if key != "k"}}) == {
        "lr": Float("lr", 1e-6, 0.4, log=True),
        "n": Int("n", 1, 8),
        "opt": Choice("opt", ("a", "b")),
    }


def test_a_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Tuning"]},
        {"cell_type": "code", "source": ["!pip install wandb\n", "%matplotlib inline\n", "import wandb"]},
        {"cell_type": "code", "source": ['s = {"method": "grid", "parameters": {"a": {"values": [1, 2]}}}']},
    ]
    _, table = read(tmp_path, json.dumps({"cells": cells}), "sweep.ipynb")
    assert parameters(table) == {"a": Choice("a", (1, 2))}
    with pytest.raises(BadInput):
        read(tmp_path, "{}", "other.ipynb")


HYDRA = """
optimized_metric: val/f1
hydra:
  sweeper:
    direction: [maximize, minimize]
    study_name: moons
    n_trials: 3
    params:
      alpha: "float(0.01, 10.0)"
      lr: {type: float, low: 1e-6, high: 1e-4, log: true}
"""


def test_several_directions_of_hydra(tmp_path: Path) -> None:
    _, table = read(tmp_path, HYDRA)
    assert table["study"]["name"] == "moons"
    assert [one["goal"] for one in table["study"]["objectives"]] == ["maximize", "minimize"]
    assert parameters(table) == {"alpha": Float("alpha", 0.01, 10.0), "lr": Float("lr", 1e-6, 1e-4, log=True)}
    _, table = read(tmp_path, HYDRA.replace("[maximize, minimize]", "maximize"))
    assert (table["study"]["metric"], table["study"]["goal"]) == ("val/f1", "maximize")


def test_a_sweep_of_wandb_in_hydra(tmp_path: Path) -> None:
    text = """
hydra:
  sweeper:
    wandb_sweep_config: {name: mm, method: bayes, metric: {name: Val/loss, goal: minimize}}
    params: {lr: "interval(1e-5, 1e-2)"}
"""
    _, table = read(tmp_path, text)
    assert table["study"] == {"name": "mm", "metric": "Val/loss", "goal": "minimize"}
    assert (table["trainer"]["style"], table["search"]["method"]) == ("hydra", "bayesian")


def test_a_grid_over_a_range_becomes_a_random_search(tmp_path: Path) -> None:
    draft, table = read(tmp_path, "hydra: {sweeper: {params: {lr: 'interval(0, 1)'}}}\n")
    assert table["search"] == {"method": "random", "trials": 50}
    assert [one for one in draft.comments if one.startswith("method: was grid")]


def test_json_with_a_last_comma(tmp_path: Path) -> None:
    text = '{\n\t"lr": {"_type": "uniform", "_value": [0, 1]},\n}\n'
    _, table = read(tmp_path, text, "space.json")
    assert parameters(table) == {"lr": Float("lr", 0.0, 1.0)}


@pytest.mark.parametrize(
    "range_", ["1 / 0, 1", "0, float('inf')", "0, 2 ** 4000", "[1], 2", "0, log(-1)", "0, unknown(3)"]
)
def test_ranges_that_cannot_be_computed(range_: str, tmp_path: Path) -> None:
    text = f"def f(trial):\n  trial.suggest_float('x', {range_})\n  trial.suggest_int('n', 1, 3)\n"
    draft, table = read(tmp_path, text, "tune.py")
    assert parameters(table) == {"n": Int("n", 1, 3)}
    assert [one for one in draft.comments if one.startswith("line 2")]
