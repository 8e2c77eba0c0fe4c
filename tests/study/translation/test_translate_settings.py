"""Settings of the search of other tools: translated, or named in a comment."""

from pathlib import Path

from tests.study.translation.test_translate import read


def test_settings_of_the_search_of_katib(tmp_path: Path) -> None:
    text = """
kind: Experiment
spec:
  objective:
    type: maximize
    objectiveMetricName: accuracy
    metricStrategies: [{name: accuracy, value: latest}]
  algorithm:
    algorithmName: tpe
    algorithmSettings: [{name: n_startup_trials, value: "7"}, {name: gamma, value: "0.2"}]
  earlyStopping:
    algorithmName: medianstop
    algorithmSettings: [{name: min_trials_required, value: "3"}, {name: start_step, value: "5"}]
  parameters: [{name: lr, parameterType: double, feasibleSpace: {min: "0.001", max: "0.1"}}]
"""
    draft, table = read(tmp_path, text)
    assert (table["search"]["startup_trials"], table["study"]["at"]) == (7, "last")
    assert table["prune"] == {"method": "median", "warmup_epochs": 5, "startup_trials": 3}
    assert "the setting gamma = 0.2 is left out: it has no counterpart" in draft.comments


def test_the_sampler_in_the_defaults_of_hydra(tmp_path: Path) -> None:
    text = """
defaults: [_self_, {override hydra/sweeper: optuna}, {override hydra/sweeper/sampler: nsgaii}]
hydra:
  sweeper:
    direction: [minimize, maximize]
    sampler: {seed: 9, population_size: 12}
    custom_search_space: mine.configure
    params: {lr: "interval(0.1, 1)"}
"""
    draft, table = read(tmp_path, text)
    assert (table["search"]["sampler"], table["search"]["startup_trials"], table["study"]["seed"]) == ("nsga2", 12, 9)
    assert "the function mine.configure adds parameters: write them here" in draft.comments


def test_settings_of_nni(tmp_path: Path) -> None:
    text = """
searchSpace: {lr: {_type: loguniform, _value: [0.001, 0.1]}}
trialCommand: python train.py
tuner: {name: TPE, classArgs: {optimize_mode: maximize, seed: 3, constant_liar_type: mean}}
assessor: {name: Medianstop, classArgs: {optimize_mode: maximize, start_step: 4, window: 2}}
"""
    draft, table = read(tmp_path, text)
    assert (table["study"]["seed"], table["prune"]["warmup_epochs"]) == (3, 4)
    left_out = [comment for comment in draft.comments if "is left out" in comment]
    assert [comment.split()[2] for comment in left_out] == ["constant_liar_type", "window"]


def test_settings_of_wandb(tmp_path: Path) -> None:
    text = """
method: bayes
metric: {name: loss, goal: minimize}
early_terminate: {type: hyperband, s: 2, eta: 3, max_iter: 27, strict: true}
parameters: {lr: {min: 0.1, max: 1.0}}
"""
    draft, table = read(tmp_path, text)
    assert table["prune"] == {"method": "halving", "min_epochs": 3, "eta": 3, "promote": False}
    assert table["trainer"]["epochs"] == 27
    left_out = [comment for comment in draft.comments if "is left out" in comment]
    assert [comment.split()[2] for comment in left_out] == ["strict"]


def test_hyperband_of_katib(tmp_path: Path) -> None:
    text = """
spec:
  objective: {type: maximize, objectiveMetricName: accuracy}
  algorithm:
    algorithmName: hyperband
    algorithmSettings: [{name: resource_name, value: num-epochs}, {name: eta, value: "4"}, {name: r_l, value: "9"}]
  parameters:
    - {name: lr, parameterType: double, feasibleSpace: {min: "0.01", max: "0.03", distribution: logNormal}}
    - {name: wd, parameterType: double, feasibleSpace: {min: "0.0", max: "0.1", distribution: normal}}
"""
    draft, table = read(tmp_path, text)
    assert table["prune"] == {"method": "hyperband", "eta": 4}
    assert table["trainer"]["epochs"] == 9
    assert table["space"] == {"lr": {"low": 0.01, "high": 0.03, "log": True}, "wd": {"low": 0.0, "high": 0.1}}
    assert {"lr: was logNormal between these ends", "wd: was normal between these ends"} < set(draft.comments)
    assert any(one.startswith("num-epochs was the number of epochs of a trial") for one in draft.comments)


def test_dates_of_yaml_are_texts_and_its_sets_are_comments(tmp_path: Path) -> None:
    text = """
method: random
parameters:
  lr: {min: 0.1, max: 1.0}
  day: {value: 2020-01-01}
  days: {values: [2020-01-01, 2020-02-01T10:00:00]}
  odd: {value: !!set {a, b}}
  raw: {value: !!binary aGVsbG8=}
"""
    draft, table = read(tmp_path, text)
    assert table["space"]["day"] == "2020-01-01"
    assert table["space"]["days"] == ["2020-01-01", "2020-02-01T10:00:00"]
    assert not {"odd", "raw"} & table["space"].keys()
    assert [one.partition(" ")[0] for one in draft.comments if "has no counterpart" in one] == ["odd", "raw"]


def test_rounding_of_a_normal_distribution_is_named(tmp_path: Path) -> None:
    wandb = "{method: random, parameters: {a: {distribution: q_normal, mu: 10, sigma: 2, q: 2}}}"
    nni = '{"a": {"_type": "qnormal", "_value": [10, 2, 2]}}'
    ray = "from ray import tune\ntune.run(train, config={'a': tune.qrandn(10, 2, 2)})\n"
    for text, name in ((wandb, "wandb.yaml"), (nni, "nni.json"), (ray, "tune.py")):
        draft, table = read(tmp_path, text, name)
        assert table["space"]["a"] == {"low": 6.0, "high": 14.0}
        assert any(one.startswith("a: ") and one.endswith("was rounded to multiples of 2") for one in draft.comments)


def test_a_key_that_hydra_removes_is_no_parameter(tmp_path: Path) -> None:
    text = "hydra: {sweeper: {params: {~old: null, +new: '1,2', lr: 'interval(0, 1)'}}}"
    draft, table = read(tmp_path, text)
    assert table["space"].keys() == {"new", "lr"}
    assert "~old: removes a key of the configuration, which no parameter does" in draft.comments
    assert "+new adds a key: write new into the configuration, since hpsearch adds none" in draft.comments


def test_tables_in_a_choice_of_hydra(tmp_path: Path) -> None:
    text = (
        "hydra: {sweeper: {params: {model: 'choice({name: mlp, sizes: [8, 16]}, {name: cnn})', lr: 'interval(0, 1)'}}}"
    )
    _, table = read(tmp_path, text)
    assert table["space"]["model"] == [{"name": "mlp", "sizes": [8, 16]}, {"name": "cnn"}]


def test_parameters_as_json_in_a_command_of_wandb(tmp_path: Path) -> None:
    text = "{program: t.py, method: random, command: ['${program}', '${args_json}'], parameters: {a: {values: [1, 2]}}}"
    draft, _ = read(tmp_path, text)
    assert "the command had the parameters as JSON; that is not translated" in draft.comments


def test_ranges_of_hydra_that_are_lists(tmp_path: Path) -> None:
    """Their upper end is excluded."""
    text = "hydra: {sweeper: {params: {a: 'range(1, 5)', b: 'shuffle(range(0, 7, 3))', c: 'range(0.0, 0.3, 0.1)'}}}"
    _, table = read(tmp_path, text)
    assert table["search"]["method"] == "grid"
    assert table["space"] == {"a": [1, 2, 3, 4], "b": [0, 3, 6], "c": [0.0, 0.1, 0.2]}
    text = "hydra: {sweeper: {n_trials: 9, params: {a: 'range(1, 5)', b: 'shuffle(range(1, 5))'}}}"
    _, table = read(tmp_path, text)
    assert table["space"] == {"a": {"low": 1, "high": 5}, "b": [1, 2, 3, 4]}
    of_optuna = "defaults: [{override hydra/sweeper/sampler: nsgaii}]\n"
    _, table = read(tmp_path, of_optuna + "hydra: {sweeper: {params: {a: 'range(1, 5)', b: 'interval(0, 1)'}}}")
    assert table["space"]["a"] == {"low": 1, "high": 5}
    draft, _ = read(tmp_path, "hydra: {sweeper: {params: {a: 'range(1, 999)', b: 'interval(0, 1)'}}}")
    assert any("a list of 998 values" in comment for comment in draft.comments)


def test_a_range_begins_with_a_multiple(tmp_path: Path) -> None:
    text = """
searchSpace:
  a: {_type: quniform, _value: [1, 10, 3]}
  b: {_type: quniform, _value: [0.25, 2, 0.5]}
  c: {_type: quniform, _value: [0, 2, 0]}
trialCommand: python train.py
"""
    draft, table = read(tmp_path, text)
    assert table["space"] == {"a": {"low": 3, "high": 9, "step": 3}, "b": {"low": 0.5, "high": 2.0, "step": 0.5}}
    assert any("the step 0 is not positive" in comment for comment in draft.comments)
