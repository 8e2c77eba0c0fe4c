"""Searches of other tools, as people write them, and the study files that become of them."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.study.space import Choice, Float, Int, Parameter
from hpsearch.study.translation.draft import Draft
from hpsearch.study.translation.translate import translate
from tests.study.file.space.test_space_section import parsed


def read(folder: Path, text: str, name: str = "sweep.yaml") -> tuple[Draft, dict[str, Any]]:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    draft = translate(file)
    return draft, tomllib.loads(draft.text(name))


def parameters(table: dict[str, Any]) -> dict[str, Parameter]:
    space = parsed(table["space"])
    assert space is not None
    return {one.name: one for one in space.parameters}


WANDB = """
program: train.py
name: cnn
method: bayes
metric: {name: val/acc, goal: maximize}
run_cap: 40
early_terminate: {type: hyperband, min_iter: 3, eta: 4}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
  old_lr: {distribution: log_uniform, min: -9.21034, max: -2.302585}
  dropout: {min: 0.0, max: 0.5}
  layers: {min: 1, max: 4}
  batch: {distribution: q_log_uniform_values, min: 32, max: 256, q: 8}
  width: {distribution: q_uniform, min: 16, max: 100, q: 16}
  noise: {distribution: normal, mu: 0, sigma: 0.1}
  beta: {distribution: inv_log_uniform_values, min: 0.9, max: 0.999}
  old_beta: {distribution: inv_log_uniform, min: 2.302585, max: 9.21034}
  act: {values: [relu, gelu, null]}
  sizes: {values: [[64], [64, 32]]}
  optimizer:
    parameters:
      momentum: {values: [0.0, 0.9]}
  seed: {value: 1}
  epochs: {value: 12}
  odd: {distribution: beta, a: 1, b: 2}
  half: {min: 1}
  one: {values: relu}
"""


def test_a_sweep_of_wandb(tmp_path: Path) -> None:
    draft, table = read(tmp_path, WANDB)
    assert table["study"] == {"name": "cnn", "metric": "val/acc", "goal": "maximize"}
    assert table["trainer"] == {"use": "train.py", "epochs": 12}
    assert table["search"] == {"method": "bayesian", "trials": 40}
    assert table["prune"] == {"method": "halving", "min_epochs": 3, "eta": 4, "promote": False}
    found = parameters(table)
    assert found["lr"] == Float("lr", 1e-5, 0.1, log=True)
    assert found["old_lr"] == Float("old_lr", 1e-4, 0.1, log=True)
    assert found["dropout"] == Float("dropout", 0.0, 0.5)
    assert found["layers"] == Int("layers", 1, 4)
    assert found["batch"] == Int("batch", 32, 256, log=True)
    assert found["width"] == Int("width", 16, 96, step=16)
    assert found["noise"] == Float("noise", -0.2, 0.2)
    assert found["beta"] == Float("beta", 0.9, 0.999, log=True)
    assert found["old_beta"] == Float("old_beta", 1e-4, 0.1, log=True)
    assert found["act"] == Choice("act", ("relu", "gelu", "none"), none=True)
    assert found["sizes"] == Choice("sizes", ([64], [64, 32]))
    assert found["optimizer.momentum"] == Choice("optimizer.momentum", (0.0, 0.9))
    assert not {"odd", "half", "one"} & set(found)
    assert any(comment.endswith("cannot be translated (`max` is missing)") for comment in draft.comments)
    assert any("its values must be a list, got 'relu'" in comment for comment in draft.comments)
    about = [comment.split(":")[0].split()[0] for comment in draft.comments]
    assert {"batch", "width", "noise", "odd"} <= set(about)


def test_a_sweep_in_a_script(tmp_path: Path) -> None:
    text = 'config = {"method": "grid", "metric": {"name": "loss"}, "parameters": {"lr": {"values": [1e-3, 1e-2]}}}\n'
    _, table = read(tmp_path, f"import wandb\n{text}wandb.sweep(config)\n", "sweep.py")
    assert table["search"] == {"method": "grid"}
    assert parameters(table) == {"lr": Choice("lr", (0.001, 0.01))}


NNI = {
    "lr": {"_type": "loguniform", "_value": [1e-4, 0.1]},
    "hidden": {"_type": "quniform", "_value": [16, 64, 16]},
    "layers": {"_type": "randint", "_value": [1, 5]},
    "momentum": {"_type": "uniform", "_value": [0, 1]},
    "net": {
        "_type": "choice",
        "_value": [{"_name": "mlp"}, {"_name": "cnn", "kernel": {"_type": "choice", "_value": [3, 5]}}],
    },
}


def test_a_search_space_of_nni(tmp_path: Path) -> None:
    _, table = read(tmp_path, json.dumps(NNI), "search_space.json")
    assert parameters(table) == {
        "lr": Float("lr", 1e-4, 0.1, log=True),
        "hidden": Int("hidden", 16, 64, step=16),
        "layers": Int("layers", 1, 4),
        "momentum": Float("momentum", 0.0, 1.0),
        "net": Choice("net", ("mlp", "cnn")),
        "net_cnn_kernel": Choice("net_cnn_kernel", (3, 5), when={"net": ("cnn",)}),
    }


def test_an_experiment_of_nni_with_its_search_space_beside_it(tmp_path: Path) -> None:
    (tmp_path / "space.json").write_text(json.dumps(NNI))
    text = "searchSpacePath: space.json\nmaxTrialNum: 7\ntuner: {builtinTunerName: Random}\n"
    _, table = read(tmp_path, text, "config.yml")
    assert table["search"] == {"method": "random", "trials": 7}
    assert len(parameters(table)) == 6


def test_an_experiment_of_nni(tmp_path: Path) -> None:
    text = """
searchSpace:
  lr: {_type: loguniform, _value: [0.0001, 0.1]}
trialCommand: python3 mnist.py --data x
trialConcurrency: 2
maxTrialNumber: 10
maxExperimentDuration: 24h
maxTrialDuration: 3600
trialGpuNumber: 1
tuner: {name: TPE, classArgs: {optimize_mode: maximize, seed: 5}}
assessor: {name: Medianstop, classArgs: {start_step: 2}}
"""
    _, table = read(tmp_path, text, "config.yml")
    assert (table["study"]["goal"], table["study"]["seed"]) == ("maximize", 5)
    assert table["search"] == {"method": "bayesian", "sampler": "tpe", "trials": 10}
    assert table["prune"] == {"method": "median", "warmup_epochs": 2}
    assert (table["resources"], table["limits"]) == (
        {"workers": 2, "per_trial": {"gpus": 1}},
        {"study": "24h", "trial": "3600s"},
    )
    assert table["trainer"]["use"] == "mnist.py"


KATIB = """
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: tune-mnist}
spec:
  objective: {type: maximize, goal: 0.99, objectiveMetricName: accuracy}
  algorithm: {algorithmName: bayesianoptimization, algorithmSettings: [{name: random_state, value: "10"}]}
  parallelTrialCount: 3
  maxTrialCount: 12
  maxFailedTrialCount: 4
  parameters:
    - {name: --lr, parameterType: double, feasibleSpace: {min: "0.001", max: "0.1", distribution: logUniform}}
    - {name: layers, parameterType: int, feasibleSpace: {min: "1", max: "64"}}
    - {name: opt, parameterType: categorical, feasibleSpace: {list: [sgd, adam]}}
    - {name: odd, parameterType: other, feasibleSpace: {}}
  trialTemplate:
    trialParameters: [{name: learningRate, reference: --lr}]
    trialSpec:
      spec: {template: {spec: {containers: [{command: [python, train.py, "--lr=${trialParameters.learningRate}"]}]}}}
"""


def test_an_experiment_of_katib(tmp_path: Path) -> None:
    draft, table = read(tmp_path, KATIB)
    assert table["study"] == {"name": "tune-mnist", "metric": "accuracy", "goal": "maximize", "seed": 10}
    assert table["limits"] == {"target": 0.99, "max_failures": 4}
    assert table["trainer"]["command"] == ["python", "train.py", "--lr={lr}"]
    assert table["search"] == {"method": "bayesian", "sampler": "gp", "trials": 12}
    assert parameters(table) == {
        "lr": Float("lr", 0.001, 0.1, log=True),
        "layers": Int("layers", 1, 64),
        "opt": Choice("opt", ("sgd", "adam")),
    }
    assert any(comment.startswith("odd") for comment in draft.comments)


def test_other_braces_of_a_katib_command_are_doubled(tmp_path: Path) -> None:
    _, table = read(tmp_path, KATIB.replace("[python, train.py, ", '[python, train.py, "--log={auto}.log", '))
    assert table["trainer"]["command"] == ["python", "train.py", "--log={{auto}}.log", "--lr={lr}"]


HYDRA = """
hydra:
  sweeper:
    sampler: {_target_: optuna.samplers.TPESampler, seed: 3}
    direction: maximize
    n_trials: 30
    n_jobs: 2
    params:
      +model.eta: tag(log, interval(0.001, 1))
      model.depth: range(2, 16)
      model.width: tag(log, int(interval(16, 256)))
      drop: interval(0.0, 0.5)
      decay: range(0.0, 0.5, step=0.1)
      opt: choice(sgd, 'adam', null)
      sizes: choice([64], [64,32])
      batch: 32,64
      data: mnist
      odd: glob(*)
"""


def test_an_early_sweep_of_hydra(tmp_path: Path) -> None:
    text = "hydra: {sweeper: {optuna_config: {direction: maximize, n_trials: 30}, params: {x: 'interval(0, 1)'}}}"
    _, table = read(tmp_path, text)
    assert table["study"]["goal"] == "maximize"
    assert table["search"] == {"method": "bayesian", "sampler": "tpe", "trials": 30}


def test_a_sweep_of_hydra(tmp_path: Path) -> None:
    draft, table = read(tmp_path, HYDRA)
    assert table["study"]["goal"] == "maximize"
    assert table["trainer"]["style"] == "hydra"
    assert table["search"] == {"method": "bayesian", "sampler": "tpe", "trials": 30}
    assert table["resources"] == {"workers": 2}
    assert parameters(table) == {
        "model.eta": Float("model.eta", 0.001, 1.0, log=True),
        "model.depth": Int("model.depth", 2, 16),
        "model.width": Int("model.width", 16, 256, log=True),
        "drop": Float("drop", 0.0, 0.5),
        "decay": Float("decay", 0.0, 0.5, step=0.1),
        "opt": Choice("opt", ("sgd", "adam", "none"), none=True),
        "sizes": Choice("sizes", ([64], [64, 32])),
        "batch": Choice("batch", (32, 64)),
    }
    assert table["space"]["data"] == "mnist"
    assert [comment for comment in draft.comments if comment.startswith("odd")]


OPTUNA = """
import optuna

LOW = 1e-5

def objective(trial):
    lr = trial.suggest_float("lr", LOW, 10 ** -1, log=True)
    layers = trial.suggest_int("layers", 1, 3)
    name = trial.suggest_categorical("optimizer", ["Adam", "SGD"])
    if name == "SGD":
        momentum = trial.suggest_float("momentum", 0.0, 0.9)
    else:
        beta = trial.suggest_float("beta", 0.9, 0.99)
    if lr > 0.01:
        warmup = trial.suggest_int("warmup", 1, 5)
    for i in range(layers):
        trial.suggest_int(f"units_{i}", 4, 128)
    return lr

study = optuna.create_study(direction="maximize", sampler=optuna.samplers.CmaEsSampler(seed=7),
                            pruner=optuna.pruners.MedianPruner())
study.optimize(objective, n_trials=100, timeout=600)
"""


@pytest.mark.parametrize(
    ("pruner", "expected"),
    [
        ("HyperbandPruner(min_resource=2, reduction_factor=4)", {"method": "hyperband", "min_epochs": 2, "eta": 4}),
        ("SuccessiveHalvingPruner(3)", {"method": "halving", "min_epochs": 3}),
        ("SuccessiveHalvingPruner(min_resource='auto')", {"method": "halving"}),
        ("MedianPruner(5, 10)", {"method": "median", "warmup_epochs": 10}),
        ("MedianPruner(n_startup_trials=5)", {"method": "median"}),
    ],
)
def test_the_arguments_of_a_pruner_of_optuna(tmp_path: Path, pruner: str, expected: dict[str, object]) -> None:
    text = OPTUNA.replace("MedianPruner()", pruner).replace("    return lr", "    trial.report(lr, 1)\n    return lr")
    _, table = read(tmp_path, text, "tune.py")
    assert table["prune"] == expected


def test_an_optuna_script(tmp_path: Path) -> None:
    draft, table = read(tmp_path, OPTUNA, "tune.py")
    assert table["trainer"] == {"epochs": 1, "use": "tune.py:objective"}
    assert table["study"]["metric"] == "val_accuracy"
    assert (table["study"]["goal"], table["study"]["seed"]) == ("maximize", 7)
    assert table["search"] == {"method": "bayesian", "sampler": "cmaes", "trials": 100}
    assert table["limits"] == {"study": "600s"}
    assert "prune" not in table  # the objective reports once
    assert parameters(table) == {
        "lr": Float("lr", 1e-5, 0.1, log=True),
        "layers": Int("layers", 1, 3),
        "optimizer": Choice("optimizer", ("Adam", "SGD")),
        "momentum": Float("momentum", 0.0, 0.9, when={"optimizer": ("SGD",)}),
        "beta": Float("beta", 0.9, 0.99, when={"optimizer": ("Adam",)}),
        "units_0": Int("units_0", 4, 128),
        "units_1": Int("units_1", 4, 128, when={"layers": (">= 2",)}),
        "units_2": Int("units_2", 4, 128, when={"layers": (">= 3",)}),
        "warmup": Int("warmup", 1, 5),
    }
    assert [comment.split()[0] for comment in draft.comments if "condition" in comment] == ["warmup:"]


def test_an_optuna_script_that_reports(tmp_path: Path) -> None:
    text = OPTUNA.replace("else:", 'elif name in ("Adam", "other"):').replace("return lr", "trial.report(lr, 1)")
    _, table = read(tmp_path, text, "tune.py")
    assert table["prune"] == {"method": "median"}
    assert parameters(table)["beta"] == Float("beta", 0.9, 0.99, when={"optimizer": ("Adam",)})


RAY = """
from ray import tune
from ray.tune.schedulers import ASHAScheduler

config = {
    "lr": tune.loguniform(1e-4, 1e-1),
    "layers": tune.randint(1, 4),
    "batch_size": tune.choice([16, 32]),
    "model": {"width": tune.qrandint(32, 128, 32), "depth": 3},
    "rule": tune.sample_from(lambda spec: 1),
    "path": root,
}
tuner = tune.Tuner(
    train_cifar,
    param_space=config,
    tune_config=tune.TuneConfig(metric="loss", mode="min", num_samples=10,
                                scheduler=ASHAScheduler(max_t=30, grace_period=2, reduction_factor=3)),
)
"""


def test_a_ray_tune_script(tmp_path: Path) -> None:
    draft, table = read(tmp_path, RAY, "tune.py")
    assert table["trainer"] == {"use": "tune.py:train_cifar", "epochs": 30}
    assert table["study"] == {"name": "my-study", "metric": "loss", "goal": "minimize"}
    assert table["search"] == {"method": "random", "trials": 10}
    assert table["prune"] == {"method": "halving", "min_epochs": 2, "eta": 3}
    assert parameters(table) == {
        "lr": Float("lr", 1e-4, 0.1, log=True),
        "layers": Int("layers", 1, 3),
        "batch_size": Choice("batch_size", (16, 32)),
        "model.width": Int("model.width", 32, 128, step=32),
    }
    assert table["space"]["model"]["depth"] == 3
    assert {comment.split()[0] for comment in draft.comments} >= {"rule", "path"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "a.yaml"),
        ("a: [", "a.yaml"),
        ("{", "a.json"),
        ("def f(:", "a.py"),
        ("print(1)", "a.py"),
        ("a: 1", "a.yaml"),
        ("parameters: {}\nmethod: grid", "a.yaml"),
        ("spec: {parameters: [1], objective: 3}", "a.yaml"),
        ("- 1", "a.yaml"),
        ("[" * 5000, "a.yaml"),
    ],
)
def test_no_search_in_it(text: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        read(tmp_path, text, name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        translate(tmp_path / "none.yaml")


@pytest.mark.parametrize("value", ['a "quoted" \\ word', "line\nbreak", "\x1b[2J", "ä", "#"])
def test_texts_are_written_as_toml(value: str, tmp_path: Path) -> None:
    sweep = {"method": "random", "name": value, "parameters": {value: {"values": [value, "b"]}, "x": {"odd": value}}}
    _, table = read(tmp_path, json.dumps(sweep), "sweep.json")
    assert table["study"]["name"] == value
    assert table["space"][value] == [value, "b"]
