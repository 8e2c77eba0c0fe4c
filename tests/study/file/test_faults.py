"""Every fault of a study file, with its place and words."""
# ruff: noqa: E501, ERA001 (one fault, one line)

import json

import pytest

from tests.support.study_text import LR, RANDOM, ROUNDS, SETS, make_study, study_file_errors


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# Requirements ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ('"ms <= 20"', "study.require"),
        ("[]", "study.require"),
        ("[3]", "study.require.0"),
        ('["ms <= 20", "ms"]', "study.require.1"),
        ('["ms == 20"]', "study.require.0"),
        ('["ms <= 1 / 0"]', "study.require.0"),
        ('["ms + 1 % 0 <= 1"]', "study.require.0"),
        ('["ms / (1-1) <= 3"]', "study.require.0"),
        ('["ms <= 10.0 ** 400"]', "study.require.0"),
        ('["ms <= 1e999"]', "study.require.0"),
        ('["ms <= 20 and a <= 1"]', "study.require.0"),
        ("[\"__import__('os').system('true') <= 0\"]", "study.require.0"),
        (json.dumps(["x" * 10_000]), "study.require.0"),
        (json.dumps(["a <= 1"] * 21), "study.require"),
    ],
)
def test_a_requirement_with_a_fault(value, key):
    (found,) = study_file_errors(('goal = "minimize"', f'goal = "minimize"\nrequire = {value}'))
    assert found.startswith(f"study.toml:5 {key}: ")


# Names ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["a", "digits (2) größer", "日本語", "x" * 250, "v1.0", "a:b"])
def test_a_name_that_works(name):
    assert make_study(('"digits"', json.dumps(name, ensure_ascii=False))).study.name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "must have 1 to 250 characters (bytes in UTF-8), got 0"),
        ("x" * 251, "must have 1 to 250 characters (bytes in UTF-8), got 251"),
        ("é" * 126, "must have 1 to 250 characters (bytes in UTF-8), got 252"),
        ("a/b", 'must not contain "/", got "a/b"'),
        ("a\\b", 'must not contain "\\\\", got "a\\\\b"'),
        ("100%", 'must not contain "%", got "100%"'),
        ("..", 'must not contain "..", got ".."'),
        ("../../etc", 'must not contain "/", got "../../etc"'),
        (".", 'must not be "."'),
        ("-q", 'must not begin with "-", like an option, or end in ".toml", like a file, got "-q"'),
        ("a.toml", 'must not begin with "-", like an option, or end in ".toml", like a file, got "a.toml"'),
        (" a", 'must not contain control characters, or spaces at its ends, got " a"'),
        ("a\tb", 'must not contain control characters, or spaces at its ends, got "a\\tb"'),
        ("a\u0000b", 'must not contain control characters, or spaces at its ends, got "a\\u0000b"'),
    ],
)
def test_a_name_that_does_not(name, message):
    assert study_file_errors(('"digits"', json.dumps(name))) == [f"study.toml:2 study.name: {message}"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "a name must have 1 to 250 characters, got 0"),
        ("a%b", 'a name may contain letters, digits, _ - . / and spaces, got "%"'),
        ("a\nb", 'a name may contain letters, digits, _ - . / and spaces, got "\\n"'),
        ("../a", "a name must not be a path such as ../a or /a"),
        ("/a", "a name must not be a path such as ../a or /a"),
        ("a//b", "a name must not be a path such as ../a or /a"),
        (".", "a name must not be a path such as ../a or /a"),
    ],
)
def test_a_parameter_with_a_name_that_mlflow_would_refuse(name, message):
    quoted = shown = json.dumps(name)
    assert study_file_errors(("opt =", f"{quoted} =")) == [f"study.toml:11 space.{shown}: {message}"]
    assert study_file_errors(("layers =", f"{quoted} =")) == [f"study.toml:8 trainer.options.{shown}: {message}"]


@pytest.mark.parametrize("name", ["metrics/mAP50-95(B)", "acc@5", "a//b", "../a", "100%", "F₁ größer", "x" * 500])
def test_a_metric_may_have_any_name(name):
    assert make_study(('"val_loss"', json.dumps(name, ensure_ascii=False))).objective.metric == name


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 501])
def test_but_none_that_no_trainer_may_report(name):
    errors = study_file_errors(('"val_loss"', json.dumps(name)))
    assert len(errors) == 1
    assert errors[0].startswith("study.toml:3 study.metric: must have 1 to 500 printable characters, got ")


def test_names_that_mlflow_takes():
    study = make_study(("opt =", '"optim/kind of.it-1 ü" ='))
    assert study.space["optim/kind of.it-1 ü"].values == ("sgd", "adam")


# Every fault ─────────────────────────────────────────────────────────────────────────────────────

TABLES = "is missing; a study has at least [study], [trainer], [space] and [search]"

FAULTS = [
    # Tables and keys
    ("[space]", "[spcae]", f"study.toml space: {TABLES}", "9 spcae: unknown key `spcae`; did you mean `space`?"),
    (
        "[search]",
        "[extra]",
        f"study.toml search: {TABLES}",
        "13 extra: unknown key `extra`; known here: study, trainer, space, search, prune, early_stopping, preflight, "
        "lr_range, metrics, resources, limits, checkpoints, journal, tracking, notify, provenance",
    ),
    (
        "metric =",
        "metrik =",
        "1 study.metric: is missing (the metric to optimize: a name that the trainer reports)",
        "3 study.metrik: unknown key `metrik`; did you mean `metric`?",
    ),
    ("trials = 5", "trials = 5\nsampelr = 1", "16 search.sampelr: unknown key `sampelr`; known here: method, first, learn_from, trials"),
    (RANDOM, '"bayesian"\ntrials = 5\nsampelr = 1', "16 search.sampelr: unknown key `sampelr`; did you mean `sampler`?"),
    ("", "prune = 3", "16 search.prune: unknown key `prune`; known here: method, first, learn_from, trials"),
    ("[study]", "prune = 3\n[study]", "1 prune: must be a table, [prune], got 3"),
    ("[study]", "limits = []\n[study]", "1 limits: must be a table, [limits], got a list"),
    ("", "[early_stopping]", "16 early_stopping.patience: is missing (number of epochs without an improvement after which a trial ends)"),
    ("", "[resources]\nper_trial = { cpu = 1 }", "17 resources.per_trial.cpu: unknown key `cpu`; did you mean `cpus`?"),
    ("", "[resources]\nper_trial = 1", "17 resources.per_trial: must be a table, got 1"),
    # Kinds of values
    ('"digits"', "3", "2 study.name: must be a string, got 3"),
    ('"minimize"', '"min"', '4 study.goal: must be one of "minimize", "maximize", got "min"; did you mean `minimize`?'),
    ('"minimize"', '"Maximise"', '4 study.goal: must be one of "minimize", "maximize", got "Maximise"; did you mean `maximize`?'),
    ('"minimize"', "1", '4 study.goal: must be one of "minimize", "maximize", got 1'),
    ('"minimize"', '"minimize"\nat = "end"', '5 study.at: must be "best", "last" or "mean of last N" with N from 1 to 1,000, got "end"'),
    ('"minimize"', '"minimize"\nat = "lst"', '5 study.at: must be "best", "last" or "mean of last N" with N from 1 to 1,000, got "lst"; did you mean `last`?'),
    ('"minimize"', '"minimize"\nat = "mean of last 0"', '5 study.at: must be "best", "last" or "mean of last N" with N from 1 to 1,000, got "mean of last 0"'),
    ('"minimize"', '"minimize"\nat = "mean of last 1001"', '5 study.at: must be "best", "last" or "mean of last N" with N from 1 to 1,000, got "mean of last 1001"'),
    ('"minimize"', '"minimize"\nat = "mean of last"', '5 study.at: must be "best", "last" or "mean of last N" with N from 1 to 1,000, got "mean of last"'),
    ('"minimize"', '"minimize"\nat = "mean of last 2.5"', '5 study.at: must be "best", "last" or "mean of last N" with N from 1 to 1,000, got "mean of last 2.5"'),
    ('"minimize"', '"minimize"\nseed = -1', "5 study.seed: must be >= 0, got -1"),
    ('"minimize"', '"minimize"\nseed = true', "5 study.seed: must be a whole number, got true"),
    ("epochs = 9", "epochs = 0", "7 trainer.epochs: must be >= 1, got 0"),
    ("epochs = 9", "epochs = 9\nrepeats = 0", "8 trainer.repeats: must be >= 1, got 0"),
    ("epochs = 9", "epochs = 9\nrepeats = 101", "8 trainer.repeats: must be <= 100, got 101"),
    ("epochs = 9", "epochs = 9.0", "7 trainer.epochs: must be a whole number, got 9.0"),
    ("epochs = 9", 'epochs = "9"', '7 trainer.epochs: must be a whole number, got "9"'),
    ("epochs = 9", "epochs = true", "7 trainer.epochs: must be a whole number, got true"),
    ("epochs = 9", "epochs = 1979-05-27", "7 trainer.epochs: must be a whole number, got the date or time 1979-05-27"),
    ('"trainers.digits:train"', '"trainers.digits"', '6 trainer.use: must be "module:function" or "file.py:function", such as "mine:train", got "trainers.digits"'),
    ('"trainers.digits:train"', '"fit.ipynb"', '6 trainer.use: fit.ipynb is a notebook: run `jupyter nbconvert --to script fit.ipynb`, and write use = "fit.py" and style = "constants", which sets the variables at its top'),
    ('"trainers.digits:train"', '"digits.py:fit(1)"', '6 trainer.use: must be "module:function" or "file.py:function", such as "mine:train", got "digits.py:fit(1)"'),
    ('"trainers.digits:train"', '"../digits:train"', '6 trainer.use: must be "module:function" or "file.py:function", such as "mine:train", got "../digits:train"'),
    ("layers = 2", "layers = [2, [nan]]", "8 trainer.options.layers: must be a string, a finite number, or true or false, got nan"),
    ("layers = 2", "layers = nan", "8 trainer.options.layers: must be a string, a finite number, or true or false, got nan"),
    ("{ layers = 2 }", "3", "8 trainer.options: must be a table, got 3"),
    # Ranges
    (LR, "{ low = 0.0, high = 1.0, log = true }", "10 space.lr: low must be > 0 when log = true, got low = 0.0"),
    (LR, "{ low = -1, high = 1.0, log = true }", "10 space.lr: low must be > 0 when log = true, got low = -1"),
    (LR, "{ auto = false }", "10 space.lr.auto: must be true; for your own range leave it out and give low and high"),
    (LR, "{ auto = true, low = 2.0, high = 1.0 }", "10 space.lr: must have 0 < low < high, got low = 2.0, high = 1.0"),
    (LR, "{ auto = true, step = 0.1 }", "10 space.lr.step: unknown key `step`; known here: was, renamed, auto, low, high, when, points, expand"),
    (LR, "{ low = 2.0, high = 1.0 }", "10 space.lr: low must be <= high, got low = 2.0, high = 1.0"),
    (LR, "{ low = nan, high = 1.0 }", "10 space.lr.low: must be a finite number, got nan"),
    (LR, "{ low = 0, high = inf }", "10 space.lr.high: must be a finite number, got inf"),
    (LR, "{ low = true, high = 2 }", "10 space.lr.low: must be a finite number, got true"),
    (LR, "{ low = 1979-05-27, high = 2 }", "10 space.lr.low: must be a finite number, got the date or time 1979-05-27"),
    (LR, "{ low = -1e308, high = 1e308 }", "10 space.lr: high - low must be finite, got low = -1e+308, high = 1e+308"),
    (LR, "{ low = 1 }", "10 space.lr.high: is missing (highest value)"),
    (LR, "{ low = 0, high = 1, lgo = true }", "10 space.lr.lgo: unknown key `lgo`; did you mean `log`?"),
    (LR, "{ low = 1, high = 2, log = 1 }", "10 space.lr.log: must be true or false, got 1"),
    (LR, "{ colour = 1 }", '10 space.lr: must have low and high (a range), values (a choice) or auto = true, got "colour"'),
    (LR, "{}", "10 space.lr: must have low and high (a range), values (a choice) or auto = true, got {}"),
    (LR, "{ low = 1, high = 2, log = true, step = 1 }", "10 space.lr: step and log = true exclude each other; for a log-uniform grid write points = n"),
    (LR, "{ low = 0.0, high = 1.0, step = 0.3 }", "10 space.lr: step must divide high - low, got step = 0.3 in [0.0, 1.0]; high = 0.9 is valid"),
    (LR, "{ low = 1, high = 10, step = 4 }", "10 space.lr: step must divide high - low, got step = 4 in [1, 10]; high = 9 is valid"),
    (LR, "{ low = 0, high = 1, step = 0 }", "10 space.lr: step must be > 0, got step = 0"),
    (LR, "{ low = 0, high = 1, step = -0.5 }", "10 space.lr: step must be > 0, got step = -0.5"),
    (LR, "{ low = 0.0, high = 1.0, step = 1e-16 }", "10 space.lr: step is too small for floats, got step = 1e-16 in [0.0, 1.0]"),
    (LR, "{ low = 0, high = 9, grid = [3, 10, -1] }", "10 space.lr: grid must be within [0, 9], got 10, -1"),
    (LR, "{ low = 0, high = 9, grid = [3, 4.5] }", "10 space.lr: grid must have whole numbers if low and high are whole, got 4.5"),
    (LR, "{ low = 0, high = 9, grid = [3, 3] }", "10 space.lr: the values of grid must differ, got 3 and 3"),
    (LR, "{ low = 0, high = 9, grid = ['a'] }", '10 space.lr.grid.0: must be a finite number, got "a"'),
    (LR, "{ low = 0, high = 9, grid = 3 }", "10 space.lr.grid: must be a list, got 3"),
    (LR, "{ low = 0, high = 9, grid = [3], points = 3 }", "10 space.lr: give only one of grid, points and step"),
    (LR, "{ low = 0, high = 9, step = 3, points = 3 }", "10 space.lr: give only one of grid, points and step"),
    (LR, "{ low = 0, high = 9, points = 1 }", "10 space.lr.points: must be >= 2, got 1"),
    # Choices and fixed values
    ('["sgd", "adam"]', "[]", "11 space.opt: must not be an empty list"),
    ('["sgd", "adam"]', "{ values = [] }", "11 space.opt.values: must not be empty"),
    ('["sgd", "adam"]', '["sgd", "sgd"]', '11 space.opt: the values must differ, got "sgd" and "sgd"'),
    ('["sgd", "adam"]', "[1, 1.0]", "11 space.opt: the values must differ, got 1 and 1.0"),
    ('["sgd", "adam"]', "[['a'], ['a']]", '11 space.opt: the values must differ, got ["a"] and ["a"]'),
    ('["sgd", "adam"]', "[[nan]]", "11 space.opt: must be a string, a finite number, or true or false, got nan"),
    ('["sgd", "adam"]', "[inf]", "11 space.opt: must be a string, a finite number, or true or false, got inf"),
    ('["sgd", "adam"]', "07:32:00", "11 space.opt: must be a string, a finite number, or true or false, got the date or time 07:32:00"),
    ('["sgd", "adam"]', "nan", "11 space.opt: must be a string, a finite number, or true or false, got nan"),
    # Conditions
    ("low = 16", 'low = 16, when = { opz = "sgd" }', "12 space.units.when.opz: `opz` is not a parameter of [space]; did you mean `opt`?"),
    ("low = 16", 'low = 16, when = { opt = "sdg" }', '12 space.units.when.opt: opt is one of "sgd", "adam", never "sdg"'),
    ("low = 16", 'low = 16, when = { opt = ["sgd", "x", 1] }', '12 space.units.when.opt: opt is one of "sgd", "adam", never "x"', '12 space.units.when.opt: opt is one of "sgd", "adam", never 1'),
    ("low = 16", "low = 16, when = { opt = [] }", "12 space.units.when.opt: must not be an empty list"),
    ("low = 16", "low = 16, when = 'opt'", '12 space.units.when: must be a table, got "opt"'),
    ("low = 16", "low = 16, when = { lr = 0.1 }", "12 space.units.when.lr: lr is a continuous range, so a condition cannot name one value; write a comparison such as \">= 1e-05\", give lr a step, or make it a choice"),
    ("opt = [", "n = { low = 2, high = 8, step = 2 }\nm = { low = 0, high = 1, when = { n = 3 } }\nopt = [", "12 space.m.when.n: n is between 2 and 8 in steps of 2, never 3"),
    ("opt = [", "n = 64\nm = { low = 0, high = 1, when = { n = 32 } }\nopt = [", "12 space.m.when.n: n is always 64, never 32"),
    ("low = 16", "low = 16, when = { units = 16 }", "12 space.units.when: the conditions form a cycle: units -> units"),
    (
        "opt = [",
        "a = { low = 0, high = 1, when = { c = 1 } }\nb = { low = 0, high = 1, when = { a = 1 } }\n"
        "c = { low = 0, high = 1, when = { b = 1 } }\nopt = [",
        "11 space.a.when: the conditions form a cycle: a -> c -> b -> a",
    ),
    # A whole space
    (f"lr = {LR}\nopt = [\"sgd\", \"adam\"]\nunits = {{ low = 16, high = 256, log = true }}\n", "lr = 0.1\n", "9 space: has nothing to search: give at least one range { low = …, high = … } or list of values"),
    ("layers = 2", "lr = 2", "8 trainer.options.lr: `lr` is in [space] too; leave one out"),
    # [search]
    (RANDOM, '"bayesain"', '14 search.method: must be one of "grid", "random", "bayesian", "coarse-to-fine", "recipe", "list", "auto", got "bayesain"; did you mean `bayesian`?'),
    (RANDOM, "3", '14 search.method: must be one of "grid", "random", "bayesian", "coarse-to-fine", "recipe", "list", "auto", got 3'),
    ('method = "random"\n', "", '13 search.method: is missing (one of "grid", "random", "bayesian", "coarse-to-fine", "recipe", "list", "auto"; or use = "module:Class" in its place)'),
    ("trials = 5", "", "13 search.trials: is missing (number of trials)"),
    (RANDOM, '"random"\ntrials = 5\nuse = "mine:Sampler"', '16 search.use: is beside method = "random"; leave one of them out'),
    (f"method = {RANDOM}", 'use = "mine.Sampler"', '14 search.use: must be "module:Class", such as "mine:Sampler", got "mine.Sampler"'),
    (f"method = {RANDOM}", 'use = "mine:Sampler"\ncolour = 5', "15 search.colour: unknown key `colour`; known here: method, first, learn_from, use, trials, options"),
    (f"method = {RANDOM}", 'use = "mine:Sampler"\noptions = { since = 2020-01-01 }', "15 search.options.since: is not valid, got the date or time 2020-01-01"),
    (RANDOM, '"recipe"', "13 search: needs one of budget = { epochs = … } and rounds = […]"),
    (
        RANDOM,
        '"recipe"\nbudget = { epochs = 90 }\nrounds = [{ trials = 3, epochs = 1 }]',
        "13 search: has both budget = { epochs = … } and rounds = […]: leave one out",
    ),
    (RANDOM, '"recipe"\nrounds = [{ trials = 0, epochs = 1 }]', "15 search.rounds.0.trials: must be >= 1, got 0"),
    (
        RANDOM,
        '"recipe"\nbudget = { epochs = 2 }',
        "15 search.budget.epochs: must be >= 3, at least 3 trials of 1 epoch in the first round; got 2",
    ),
    ("trials = 5", "trials = 0", "15 search.trials: must be >= 1, got 0"),
    (RANDOM, '"grid"', "10 space.lr: a grid needs step = …, grid = […] or points = n, or another search.method"),
    (RANDOM, '"bayesian"\ntrials = 5\nsampler = "gpp"', '16 search.sampler: must be one of "tpe", "gp", "cmaes", "nsga2", "freeze-thaw", got "gpp"; did you mean `gp`?'),
    (RANDOM, ROUNDS + "[]", "15 search.rounds: must not be empty"),
    (RANDOM, ROUNDS + "3", "15 search.rounds: must be a list, got 3"),
    (RANDOM, ROUNDS + "[{ trials = 3 }]", "15 search.rounds.0.epochs: is missing (the epoch that each trial is trained to)"),
    (RANDOM, ROUNDS + "[\n{ trials = 3, epochs = 4 },\n{ trials = 3, epochs = 4 } ]", "17 search.rounds.1.epochs: must be > 4, the epochs of the round before, got 4"),
    (RANDOM, ROUNDS + "[{ trials = 3, epochs = 10 }]", "15 search.rounds.0.epochs: must be <= 9, trainer.epochs, got 10"),
    (RANDOM, ROUNDS + "[{ trials = 3, epochs = 9 }]\nkeep = 1.5", "16 search.keep: must be <= 1, got 1.5"),
    (RANDOM, ROUNDS + "[{ trials = 3, epochs = 9 }]\ntop = 0", "16 search.top: must be > 0, got 0"),
    (RANDOM, ROUNDS + "[{ trials = 3, epochs = 9 }]\nmargin = inf", "16 search.margin: must be finite, got inf"),
    (RANDOM, SETS + "[]", "15 search.sets: must not be empty"),
    (RANDOM, SETS + "[{ lr = 0.1 }]", "15 search.sets.0.params: is missing (a value for each parameter that is searched)", "15 search.sets.0.lr: unknown key `lr`; known here: params, epochs"),
    (RANDOM, SETS + '[{ params = { lr = 0.1 } }]', "15 search.sets.0.params: must be in [space], with a value for each active parameter of lr, opt, units"),
    (RANDOM, SETS + '[{ params = { lr = 0.1, opt = "sgd", units = 20 }, epochs = 10 }]', "15 search.sets.0.epochs: must be <= 9, trainer.epochs, got 10"),
    # [prune]
    ("", '[prune]\nmethod = "havling"', '17 prune.method: must be one of "never", "median", "halving", "hyperband", "patience", "threshold", got "havling"; did you mean `halving`?'),
    ("", '[prune]\nmethod = "halving"\nmin_epochs = 9', "18 prune.min_epochs: must be < 9, trainer.epochs, got 9"),
    ("", '[prune]\nmethod = "hyperband"\nmin_epochs = 10', "18 prune.min_epochs: must be < 9, trainer.epochs, got 10"),
    ("", '[prune]\nmethod = "median"\nwarmup_epochs = 9', "18 prune.warmup_epochs: must be < 9, trainer.epochs, got 9"),
    ("", '[prune]\nmethod = "halving"\neta = 1', "18 prune.eta: must be >= 2, got 1"),
    ("", '[prune]\nmethod = "threshold"', "16 prune: must have lower, upper or both"),
    ("", '[prune]\nmethod = "threshold"\nlower = 2\nupper = 1', "18 prune.lower: must be < upper, got lower = 2.0, upper = 1.0"),
    # Where and how it runs
    ("", "[limits]\nstudy = 6", '17 limits.study: must be a duration such as "6s" or "1h30m", got 6'),
    ("", "[limits]\ntrial = '0s'", '17 limits.trial: must be longer than 0, got "0s"'),
    ("", "[limits]\ngpu_hours = 0", "17 limits.gpu_hours: must be > 0, got 0"),
    ("", "[limits]\nretries = -1", "17 limits.retries: must be >= 0, got -1"),
    ("", "[resources]\nper_trial = { memory = 4 }", '17 resources.per_trial.memory: must be a size such as "4MiB" or "4GiB", got 4'),
    ("", "[resources]\nper_trial = { gpus = 1.5 }", "17 resources.per_trial.gpus: must be a share of one GPU (<= 1) or a whole number of them, got 1.5"),
    ("", "[resources]\nper_trial = { cpus = 0 }", "17 resources.per_trial.cpus: must be > 0, got 0"),
    ("", "[resources]\naddress = 'locale'", '17 resources.address: must be "local", "auto", "none" or "ray://HOST:PORT", got "locale"'),
    ("", "[resources]\nworkers = 0", "17 resources.workers: must be >= 1, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "messages"), [(old, new, messages) for old, new, *messages in FAULTS])
def test_a_fault(old, new, messages):
    expected = [message if message.startswith("study.toml") else f"study.toml:{message}" for message in messages]
    assert study_file_errors((old, new)) == expected


@pytest.mark.parametrize("method", ["median", "halving", "hyperband"])
def test_a_trial_of_one_epoch_cannot_be_stopped_earlier(method):
    (found,) = study_file_errors(("epochs = 9", "epochs = 1"), ("", f'[prune]\nmethod = "{method}"'))
    assert found.startswith("study.toml:17 prune.method: ")


def test_all_faults_at_once_in_the_order_of_their_lines():
    assert study_file_errors(
        ('"minimize"', '"lowest"'),
        ("epochs = 9", "epochs = 0"),
        ("layers = 2", "opt = 2"),
        ("1e-5", "0.0"),
        ('["sgd", "adam"]', "[]"),
        ("low = 16", 'low = 16, when = { lr2 = "sgd" }'),
        (RANDOM, ROUNDS + "[{ trials = 1, epochs = 3 }, { trials = 1, epochs = 2 }]"),
        ("", '[prune]\nmethod = "threshold"\n[limits]\nstall = "5"\n[jurnal]\n'),
    ) == [
        'study.toml:4 study.goal: must be one of "minimize", "maximize", got "lowest"',
        "study.toml:7 trainer.epochs: must be >= 1, got 0",
        "study.toml:10 space.lr: low must be > 0 when log = true, got low = 0.0",
        "study.toml:11 space.opt: must not be an empty list",
        "study.toml:12 space.units.when.lr2: `lr2` is not a parameter of [space]; did you mean `lr`?",
        "study.toml:15 search.rounds.1.epochs: must be > 3, the epochs of the round before, got 2",
        "study.toml:16 prune: must have lower, upper or both",
        'study.toml:19 limits.stall: must be a duration such as "30s" or "1h30m", got "5"',
        "study.toml:20 jurnal: unknown key `jurnal`; did you mean `journal`?",
    ]


def test_a_parameter_may_stand_in_a_table_of_its_own():
    old = "units = { low = 16, high = 256, log = true }\n"
    assert (
        make_study((old, ""), ("[search]", "[space.units]\nlow = 16\nhigh = 256\nlog = true\n[search]")) == make_study()
    )
    assert study_file_errors((old, ""), ("[search]", "[space.units]\nlow = 16\nhigh = 2x\n[search]"))[0].startswith(
        "study.toml:14:9"
    )
    assert study_file_errors((old, ""), ("[search]", "[space.units]\nlow = 16\nhihg = 2\n[search]")) == [
        "study.toml:12 space.units.high: is missing (highest value)",
        "study.toml:14 space.units.hihg: unknown key `hihg`; did you mean `high`?",
    ]


@pytest.mark.parametrize("method", ['method = "bayesain"\n', ""])
def test_without_a_known_method_the_other_keys_of_the_search_are_checked(method):
    search = f"{method}trials = 0\nsampler = 3\ntrails = 5\nrounds = [{{ trials = 1 }}]\nseeds = 2"
    found = study_file_errors(('method = "random"\ntrials = 5', search))
    assert [fault.partition(": ")[0].partition(" ")[2] for fault in found] == [
        "search.method",
        "search.trials",
        "search.sampler",
        "search.trails",
        "search.rounds.0.epochs",
    ]


def test_without_a_known_method_the_other_keys_of_pruning_are_checked():
    found = study_file_errors(("", '[prune]\nmethod = "halvin"\neta = 1\nmin_epochs = 2\nmin_epoch = 3\n'))
    assert [fault.partition(": ")[0].partition(" ")[2] for fault in found] == [
        "prune.method",
        "prune.eta",
        "prune.min_epoch",
    ]


def test_a_grid_that_is_too_large_is_refused_with_its_count():
    wide = "\n".join(f"p{i} = {{ low = 1, high = 1000 }}" for i in range(3))
    assert study_file_errors((RANDOM, '"grid"'), (LR, f"0.1\n{wide}")) == [
        "study.toml:17 search.method: a grid must have at most 100,000 points, got 482,000,000,000 points; "
        'give fewer values, or use "random"'
    ]


def test_a_grid_beyond_counting_is_refused():
    flags = "\n".join(f"b{i} = [true, false]" for i in range(40))
    rest = "\n".join(f"c{i} = {{ low = 1, high = 2, when = {{ b{i} = true }} }}" for i in range(40))
    assert study_file_errors((RANDOM, '"grid"'), (LR, f"0.1\n{flags}\n{rest}")) == [
        "study.toml:94 search.method: a grid must have at most 100,000 points, got too many to count; "
        'give fewer values, or use "random"'
    ]


def test_a_thousand_parameters_are_taken_and_more_are_not():
    def entries(count: int) -> str:
        return "\n".join(f"p{i} = {{ low = 0.0, high = 1.0 }}" for i in range(count))

    assert make_study((LR, f"0.1\n{entries(998)}")).space.dimensions == 1000
    assert study_file_errors((LR, f"0.1\n{entries(999)}")) == [
        "study.toml:9 space: must have at most 1,000 parameters to search, got 1,001"
    ]
