"""Translates keys and values of other tools: Optuna, Ray Tune, W&B sweeps, Katib, NNI, Hydra, scikit-learn, Hyperopt.

An unknown key or value of a study file is looked up here, so that the error can name the key of hpsearch. Case,
underscores and hyphens are ignored: `maxTrialCount` equals `max_trial_count`.
"""

import json
import re
from collections.abc import Container, Mapping
from typing import TypeVar

Text = TypeVar("Text")

_KEYS: Mapping[str, tuple[str, str]] = {
    "direction directions mode optimize_mode": ("study", "goal = {goal}"),
    "metric objectives objective objective_metric_name metric_name": (
        "study",
        'metric = "val_loss"` and `goal = "minimize"',
    ),
    "goal": ("study", "goal = {goal}"),
    "study_name experiment_name experiment sweep_name project": ("study", 'name = "…"'),
    "seed random_state random_seed": ("study", "seed = {number}"),
    "program entrypoint trial_command objective_function trainable script": ("trainer", 'use = "module:function"'),
    "epochs max_t max_iter max_epochs max_resource num_epochs n_epochs training_iteration": (
        "trainer",
        "epochs = {number}",
    ),
    "steps max_steps total_steps num_steps n_steps total_timesteps num_train_steps max_train_steps": (
        "trainer",
        "steps = {number}",
    ),
    "parameters params param_space search_space config hyperparameters hparams": (
        "space",
        "lr = { low = 1e-5, high = 1.0, log = true }",
    ),
    "trials n_trials num_trials num_samples max_trials max_trial_count max_trial_number n_iter max_evals run_cap": (
        "search",
        "trials = {number}",
    ),
    "method search_alg algorithm algorithm_name tuner searcher strategy": ("search", 'method = "bayesian"'),
    "sampler": ("search", 'method = "bayesian"` with `sampler = "tpe"'),
    "n_initial_points random_search_steps": ("search", "startup_trials = {number}"),
    "scheduler pruner early_terminate assessor": ("prune", 'method = "halving"'),
    "min_epochs grace_period min_resource min_t min_iter": ("prune", "min_epochs = {number}"),
    "eta reduction_factor": ("prune", "eta = {number}"),
    "warmup_epochs n_warmup_steps": ("prune", "warmup_epochs = {number}"),
    "interval_steps": ("prune", "interval = {number}"),
    "early_stopping_rounds": ("early_stopping", "patience = {number}"),
    "workers max_concurrent_trials max_concurrent parallel_trial_count trial_concurrency n_jobs num_workers": (
        "resources",
        "workers = {number}",
    ),
    "per_trial resources_per_trial cpus_per_trial gpus_per_trial num_gpus trial_gpu_number": (
        "resources",
        "per_trial = { cpus = 1, gpus = 0.5 }",
    ),
    "timeout time_budget time_budget_s max_experiment_duration max_duration": ("limits", 'study = "6h"'),
    "max_trial_duration trial_timeout": ("limits", 'trial = "30m"'),
    "max_failed_trial_count": ("limits", "max_failures = {number}"),
    "url storage storage_url": ("journal", 'url = "…"'),
    "mlflow tracking_uri mlflow_tracking_uri": ("tracking", 'mlflow = "…"'),
}
"""For all tables except [space]: keys of other tools -> table of the study file, and what to write there."""

_IN_STEPS = ("steps", "min_steps", "warmup_steps", "from_step")
"""Keys that users write in place of `min_epochs` and the like, which count training steps if trainer.steps is set."""

_STARTUP = ("n_startup_trials", "startup_trials = {number}")
"""A key of both [search] and [prune]."""

_ENTRY_KEYS: Mapping[str, str] = {
    "min minimum lower lower_bound minval start": "low = {number}",
    "max maximum upper upper_bound maxval end stop": "high = {number}",
    "q quantum quantization step_size": "step = {number}",
    "num_points n_points": "points = {number}",
    "log_scale is_log logarithmic": "log = true",
    "choices categories candidates options sequence": "values = {list}",
    "bounds": "low = …, high = …",
    "default default_value": "prior = { value = {number} }",
    "condition conditions depends_on parent": 'when = { optimizer = "sgd" }',
    "feasible_space": "low = …, high = …",
    "value": "NAME = {number}",
}
"""Keys of other tools in an entry of [space] -> what to write."""

_TYPE_KEYS = ("type", "distribution", "parameter_type", "dtype", "scale", "_type", "sampling")

_LEAVE_OUT = "leave it out: "
_TYPES: Mapping[str, str] = {
    "log loguniform log_uniform_values q_log_uniform q_log_uniform_values reverse_log": "write `log = true`",
    "uniform linear float double real quniform float_distribution": (
        _LEAVE_OUT + "low and high are a range of floats, whole numbers only if both are whole"
    ),
    "int integer randint int_uniform q_randint int_distribution": (
        _LEAVE_OUT + "low and high are a range of whole numbers if both are whole"
    ),
    "categorical choice category constant discrete bool": _LEAVE_OUT + 'a choice is a list: ["sgd", "adam"]',
}
"""Values of _TYPE_KEYS -> what to write."""

_BAYESIAN = 'write `method = "bayesian"`'
_METHODS: Mapping[str, Mapping[str, str]] = {
    "search": {
        "tpe bohb hyperopt optuna optuna_search": f'{_BAYESIAN} with `sampler = "tpe"`',
        "gp gaussian_process botorch bayes_opt skopt": f'{_BAYESIAN} with `sampler = "gp"`',
        "cmaes cma": f'{_BAYESIAN} with `sampler = "cmaes"`',
        "bayes bayesian_optimization": _BAYESIAN,
        "grid_search": 'write `method = "grid"`',
        "random_search basic_variant": 'write `method = "random"`',
        "asha sha successive_halving async_hyperband": 'write `method = "halving"` in [prune]',
        "hyperband hyper_band": 'write `method = "hyperband"` in [prune]',
    },
    "prune": {
        "asha sha successive_halving async_hyperband": 'write `method = "halving"`',
        "hyperband": 'write `method = "hyperband"`',
        "median median_stop median_stopping median_stopping_rule": 'write `method = "median"`',
        "patient": 'write `method = "patience"`',
        "none nop fifo": 'write `method = "never"`',
    },
}
"""Search methods and schedulers of other tools -> what to write. A final "Pruner", "Scheduler" or "Sampler" of their
names is ignored."""

SPACE_ENTRY = "a range is { low = …, high = … }, with `log = true` if it is log-uniform; a choice is a list"

_GOALS = {"min": "minimize", "max": "maximize"}

_CALL = re.compile(
    r"(?:tune\.|hp\.|trial\.)?(?:interval|range|choice|tag|\w*uniform\w*|\w*rand(?:int|n)|suggest_\w+)\(.*\)"
)


def key(name: str, value: object, table: str, known: Container[str]) -> str:
    """ "write `trials = 50` in [search]" for the unknown key `n_trials = 50`, or ""."""
    word = _plain(name)
    in_epochs = name.replace("step", "epoch")
    if name in _IN_STEPS and in_epochs in known and table != "trainer":
        return f"write `{_written(f'{in_epochs} = {{number}}', value)}`: it counts steps if trainer.steps is set"
    if word == _plain(_STARTUP[0]):
        place, ours = table if table == "prune" else "search", _STARTUP[1]
    else:
        place, ours = _BY_KEY.get(word, ("", ""))
    if table == "search" and "budget" in known and ours.startswith("trials"):
        return 'method = "auto" needs the epochs of all trials together: write `budget = { epochs = 400 }`'
    if not ours or (place == table and ours.partition(" ")[0] not in known):
        return ""
    if place == "space":
        return f"write [space], with entries such as `{ours}`"
    return f"write `{_written(ours, value)}`" + (f" in [{place}]" if place != table else "")


def entry_key(name: str, value: object) -> str:
    """Like `key`, for an entry of [space]."""
    word = _plain(name)
    if word in map(_plain, _TYPE_KEYS):
        kind = _BY_TYPE.get(_plain(value)) if isinstance(value, str) else None
        return kind or SPACE_ENTRY
    ours = "values = {list}" if word == "value" and isinstance(value, list) else _BY_ENTRY_KEY.get(word, "")
    return f"write `{_written(ours, value)}`" if ours else ""


def has_list(name: str) -> bool:
    """Whether this key of an entry of [space] has a list in other tools."""
    word = _plain(name)
    return word == "bounds" or _BY_ENTRY_KEY.get(word, "").startswith("values")


def method(table: str, value: str) -> str:
    """Like `key`, for the `method` of [search] or [prune]."""
    word = re.sub("(pruner|scheduler|sampler|search|policy)$", "", _plain(value))
    return _BY_METHOD[table].get(word, "") or _BY_METHOD[table].get(_plain(value), "")


def is_call(value: object) -> bool:
    """Whether a string in [space] is a call as in Hydra, Ray Tune or Optuna, such as "tune.uniform(0, 1)"."""
    return isinstance(value, str) and _CALL.fullmatch(value) is not None


def _plain(word: str) -> str:
    """Normalized: `maxTrialCount`, `max-trial-count` and `max_trial_count` give the same."""
    return re.sub("[^a-z0-9]", "", word.lower())


def _written(ours: str, value: object) -> str:
    """The assignment for a study file, with the given value if it is a number or a goal."""
    goal = next((ours for word, ours in _GOALS.items() if str(value).lower().startswith(word)), "…")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    values = json.dumps(value, ensure_ascii=False) if isinstance(value, list) and value else '["sgd", "adam"]'
    texts = {"{goal}": f'"{goal}"', "{number}": repr(value) if is_number else "…", "{list}": values}
    for placeholder, text in texts.items():
        ours = ours.replace(placeholder, text)
    return ours


def _by_word(table: Mapping[str, Text]) -> dict[str, Text]:
    return {_plain(word): ours for words, ours in table.items() for word in words.split()}


_BY_KEY, _BY_ENTRY_KEY, _BY_TYPE = _by_word(_KEYS), _by_word(_ENTRY_KEYS), _by_word(_TYPES)
_BY_METHOD = {table: _by_word(methods) for table, methods in _METHODS.items()}
