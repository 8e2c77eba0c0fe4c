"""The words of Optuna, Ray Tune, W&B sweeps, Katib, NNI and Hydra, and what the error says to write."""
# ruff: noqa: E501 (one word, one line)

import pytest

from hpsearch.study.definition import Study
from hpsearch.study.file import other_tools
from hpsearch.study.file.faults import models
from hpsearch.study.file.section import Section
from hpsearch.study.file.space.space_forms import Auto, Range, Values
from tests.support.study_text import LR, RANDOM, study_file_errors


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


OF_THE_SPACE = "a range is { low = …, high = … }, with `log = true` if it is log-uniform; a choice is a list"
FLOATS = "leave it out: low and high are a range of floats, whole numbers only if both are whole"
WHOLE = "leave it out: low and high are a range of whole numbers if both are whole"
LIST = 'leave it out: a choice is a list: ["sgd", "adam"]'

KEYS = [
    # Optuna
    ("study", 'direction = "maximize"', '`direction`; write `goal = "maximize"`'),
    ("study", 'study_name = "x"', '`study_name`; write `name = "…"`'),
    ("study", "n_trials = 50", "`n_trials`; write `trials = 50` in [search]"),
    ("search", "n_startup_trials = 4", "`n_startup_trials`; known here: method, first, learn_from, trials"),
    ("prune", "n_startup_trials = 4", "`n_startup_trials`; write `startup_trials = 4`"),
    ("prune", "n_warmup_steps = 3", "`n_warmup_steps`; write `warmup_epochs = 3`"),
    ("search", 'sampler = "tpe"', '`sampler`; write `method = "bayesian"` with `sampler = "tpe"`'),
    ("limits", "timeout = 600", '`timeout`; write `study = "6h"`'),
    ("study", 'storage = "postgresql://me:hunter2@host"', '`storage`; write `url = "…"` in [journal]'),
    # Ray Tune
    ("study", 'mode = "min"', '`mode`; write `goal = "minimize"`'),
    ("study", "mode = 3", '`mode`; write `goal = "…"`'),
    ("search", "num_samples = 10", "`num_samples`; write `trials = 10`"),
    ("search", "max_concurrent_trials = 2", "`max_concurrent_trials`; write `workers = 2` in [resources]"),
    ("search", 'scheduler = "asha"', '`scheduler`; write `method = "halving"` in [prune]'),
    ("search", "grace_period = 2", "`grace_period`; write `min_epochs = 2` in [prune]"),
    ("search", "reduction_factor = 4", "`reduction_factor`; write `eta = 4` in [prune]"),
    ("search", "max_t = 81", "`max_t`; write `epochs = 81` in [trainer]"),
    ("trainer", "resources_per_trial = { cpu = 1 }", "`resources_per_trial`; write `per_trial = { cpus = 1, gpus = 0.5 }` in [resources]"),
    # Katib, NNI, W&B, with their capitals
    ("search", "maxTrialCount = 12", "`maxTrialCount`; write `trials = 12`"),
    ("search", "parallelTrialCount = 3", "`parallelTrialCount`; write `workers = 3` in [resources]"),
    ("limits", "maxFailedTrialCount = 3", "`maxFailedTrialCount`; write `max_failures = 3`"),
    ("trainer", 'trialCommand = "python x.py"', '`trialCommand`; write `use = "module:function"`'),
    ("search", "run_cap = 7", "`run_cap`; write `trials = 7`"),
    # Ours, in another table
    ("study", "trials = 5", "`trials`; write `trials = 5` in [search]"),
    ("search", "workers = 5", "`workers`; write `workers = 5` in [resources]"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "line", "message"), KEYS)
def test_a_key_of_another_tool_is_translated(table, line, message):
    added = f'[prune]\nmethod = "median"\n{line}\n' if table == "prune" else f"[limits]\n{line}\n"
    change = ("", added) if table in ("prune", "limits") else (f"[{table}]\n", f"[{table}]\n{line}\n")
    found = [fault for fault in study_file_errors(change) if "unknown key" in fault]
    assert [fault.partition("unknown key ")[2] for fault in found] == [message]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "[parameters]",
            "`parameters`; write [space], with entries such as `lr = { low = 1e-5, high = 1.0, log = true }`",
        ),
        ("[objective]", '`objective`; write `metric = "val_loss"` and `goal = "minimize"` in [study]'),
        ("[metric]", '`metric`; write `metric = "val_loss"` and `goal = "minimize"` in [study]'),
        ("[early_terminate]", '`early_terminate`; write `method = "halving"` in [prune]'),
    ],
)
def test_a_table_of_another_tool_is_translated(table, message):
    (fault,) = study_file_errors(("", f"{table}\nx = 1"))
    assert fault.partition("unknown key ")[2] == message


@pytest.mark.parametrize(
    ("entry", "messages"),
    [
        ("{ min = 0.1, max = 1 }", ["min: unknown key `min`; write `low = 0.1`", "max: unknown key `max`; write `high = 1`"]),
        ("{ low = 0.1, high = 1, q = 0.1 }", ["q: unknown key `q`; write `step = 0.1`"]),
        ('{ low = 0.1, high = 1, distribution = "log_uniform_values" }', ["distribution: unknown key `distribution`; write `log = true`"]),
        ('{ low = 0.1, high = 1, type = "float" }', [f"type: unknown key `type`; {FLOATS}"]),
        ('{ low = 1, high = 2, parameterType = "int" }', [f"parameterType: unknown key `parameterType`; {WHOLE}"]),
        ('{ values = ["a"], type = "categorical" }', [f"type: unknown key `type`; {LIST}"]),
        ('{ low = 0.1, high = 1, distribution = "normal" }', [f"distribution: unknown key `distribution`; {OF_THE_SPACE}"]),
        ('{ choices = ["a", "b"] }', ['choices: unknown key `choices`; write `values = ["a", "b"]`']),
        ("{ bounds = [0.1, 1.0] }", ["bounds: unknown key `bounds`; write `low = …, high = …`"]),
        ("{ low = 0.1, high = 1.0, default = 0.5 }", ["default: unknown key `default`; write `prior = { value = 0.5 }`"]),
        ("{ value = 64 }", ["value: unknown key `value`; write `NAME = 64`"]),
        ("{ feasibleSpace = { min = 1 } }", ["feasibleSpace: unknown key `feasibleSpace`; write `low = …, high = …`"]),
        ("{ low = 0.1, high = 1, log_scale = true }", ["log_scale: unknown key `log_scale`; write `log = true`"]),
    ],
)  # fmt: skip
def test_an_entry_of_the_space_is_translated(entry, messages):
    assert study_file_errors((LR, entry)) == [f"study.toml:10 space.lr.{message}" for message in messages]


@pytest.mark.parametrize(
    "call", ["interval(0.1, 1)", "tune.loguniform(1e-5, 1)", "choice(a, b)", "tag(log, interval(1, 2))"]
)
def test_a_range_in_quotes_is_not_taken_for_a_fixed_text(call):
    assert study_file_errors((LR, f'"{call}"')) == [
        f'study.toml:10 space.lr: is a fixed text, got "{call}"; {OF_THE_SPACE}'
    ]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ((RANDOM, '"tpe"'), 'write `method = "bayesian"` with `sampler = "tpe"`'),
        ((RANDOM, '"TPESampler"'), 'write `method = "bayesian"` with `sampler = "tpe"`'),
        ((RANDOM, '"bayes"'), 'write `method = "bayesian"`'),
        ((RANDOM, '"GridSearch"'), 'write `method = "grid"`'),
        ((RANDOM, '"asha"'), 'write `method = "halving"` in [prune]'),
        (("", '[prune]\nmethod = "asha"'), 'write `method = "halving"`'),
        (("", '[prune]\nmethod = "ASHAScheduler"'), 'write `method = "halving"`'),
        (("", '[prune]\nmethod = "HyperbandPruner"'), 'write `method = "hyperband"`'),
        (("", '[prune]\nmethod = "none"'), 'write `method = "never"`'),
    ],
)
def test_a_method_of_another_tool_is_translated(change, hint):
    assert study_file_errors(change)[-1].endswith(f"; {hint}")


def test_a_value_of_a_secret_table_is_not_repeated():
    assert not any(
        "hunter2" in fault for fault in study_file_errors(("", '[journal]\nstorage = "postgresql://me:hunter2@h"'))
    )


def test_every_translation_is_a_key_that_the_study_file_has():
    kinds: dict[str, set[str]] = {
        name: {key for kind in models(field.annotation) if issubclass(kind, Section) for key in kind.model_fields}
        for name, field in Study.model_fields.items()
    }
    for table, ours in other_tools._KEYS.values():
        assert table == "space" or ours.partition(" ")[0] in kinds[table], ours
    entries = {*Range.model_fields, *Values.model_fields, *Auto.model_fields, "NAME"}
    assert {ours.partition(" ")[0] for ours in other_tools._ENTRY_KEYS.values()} <= entries
    assert not entries & {word for words in other_tools._ENTRY_KEYS for word in words.split()}
