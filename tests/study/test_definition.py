"""The study file: what it means, and what may change under one name."""

import functools
import json
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.core.replicates import Replicates
from hpsearch.study.definition import Study
from hpsearch.study.differences import differences
from hpsearch.study.file import prune_sections, search_sections, sections, trainer_sections
from hpsearch.study.plan import proposals
from hpsearch.study.space import Choice, Float, Int
from tests.support.study_text import FILE, RANDOM, ROUNDS, make_study


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# What it means ───────────────────────────────────────────────────────────────────────────────────


def test_the_least_file():
    study = make_study(("options = { layers = 2 }\n", ""))
    assert (study.study.name, study.study.metric, study.study.goal) == ("digits", "val_loss", "minimize")
    assert (study.study.seed, study.study.at) == (0, "best")
    assert study.trainer == trainer_sections.Trainer(use="trainers.digits:train", epochs=9)
    assert study.trainer.options == {}
    assert study.search == search_sections.Random(method="random", trials=5)
    assert study.prune is None
    assert study.early_stopping is None
    assert study.resources.workers is None
    assert study.resources.address == "local"
    assert (study.resources.per_trial.cpus, study.resources.per_trial.gpus) == (1, 0)
    assert study.resources.per_trial.memory is None
    assert (study.limits.retries, study.limits.max_failures) == (2, 5)
    assert study.limits.study is study.limits.trial is study.limits.stall is study.limits.gpu_hours is None
    assert study.limits.trials is study.limits.epochs is None
    assert (study.objective.metric, study.objective.goal, study.objective.at) == ("val_loss", "minimize", "best")
    assert proposals(study) == 5


def test_a_file_with_everything():
    study = make_study(
        ("goal", 'seed = 7\nat = "last"\ngoal'),
        ("", '[prune]\nmethod = "median"\ninterval = 2\n[early_stopping]\npatience = 3\n'),
        ("", '[resources]\nworkers = 2\naddress = "ray://head:10001"\n'),
        ("", 'per_trial = { cpus = 2, gpus = 0.25, memory = "4GiB" }\n'),
        ("", '[limits]\nstudy = "6h"\ngpu_hours = 20\ntrial = "1h30m"\nstall = "250ms"\ntrials = 8\nepochs = 99\n'),
    )
    assert (study.study.seed, study.study.at) == (7, "last")
    assert study.prune == prune_sections.MedianPrune(method="median", startup_trials=5, warmup_epochs=1, interval=2)
    assert study.early_stopping == sections.EarlyStopping(patience=3, min_delta=0.0)
    assert study.resources.per_trial.memory == 4 * 2**30
    assert (study.resources.per_trial.cpus, study.resources.per_trial.gpus) == (2.0, 0.25)
    assert (study.limits.study, study.limits.trial, study.limits.stall) == (21600.0, 5400.0, 0.25)
    assert (study.limits.gpu_hours, study.limits.trials, study.limits.epochs) == (20.0, 8, 99)


@pytest.mark.parametrize(
    ("entry", "parameter"),
    [
        ("{ low = 0.0, high = 1.0 }", Float("x", 0.0, 1.0)),
        ("{ low = 0, high = 1.0 }", Float("x", 0.0, 1.0)),
        ("{ low = 0, high = 1 }", Int("x", 0, 1)),
        ("{ low = 0, high = 9, step = 3 }", Int("x", 0, 9, step=3)),
        ("{ low = 0, high = 1, step = 0.25 }", Float("x", 0.0, 1.0, step=0.25)),
        ("{ low = 0.0, high = 0.6, step = 0.1 }", Float("x", 0.0, 0.6, step=0.1)),
        ("{ low = 1e-5, high = 1, log = true, points = 6 }", Float("x", 1e-5, 1.0, log=True, points=6)),
        ("{ low = 1, high = 9, grid = [1, 4, 9] }", Int("x", 1, 9, grid=(1, 4, 9))),
        ("{ low = 0.5, high = 9, grid = [1, 4.5] }", Float("x", 0.5, 9.0, grid=(1.0, 4.5))),
        ("{ low = 1, high = 9, expand = true }", Int("x", 1, 9, expand=True)),
        ("{ low = 3, high = 3 }", Int("x", 3, 3)),
        ("['a', 2.5, false]", Choice("x", ("a", 2.5, False))),
        ("{ values = ['a', 'b'] }", Choice("x", ("a", "b"))),
        ("{ values = ['a', 'b'], when = { opt = 'sgd' } }", Choice("x", ("a", "b"), when={"opt": ("sgd",)})),
        ("{ low = 0, high = 1, when = { opt = ['sgd', 'adam'] } }", Int("x", 0, 1, when={"opt": ("sgd", "adam")})),
        ("{ low = 0, high = 1, when = { fix = 64, i = 4 } }", Int("x", 0, 1, when={"fix": (64,), "i": (4,)})),
    ],
)
def test_an_entry_of_the_space(entry, parameter):
    study = make_study(("[search]", f"fix = 64\ni = {{ low = 2, high = 8, step = 2 }}\nx = {entry}\n[search]"))
    assert study.space["x"] == parameter
    assert study.space.fixed == {"fix": 64}


@pytest.mark.parametrize(
    ("use", "module"), [("mine.py:train", "mine:train"), ("./src/mine.py:train", "src.mine:train"), ("a.b:c", "a.b:c")]
)
def test_a_trainer_is_named_by_its_module_or_its_file(use, module):
    assert make_study(('"trainers.digits:train"', f'"{use}"')).trainer.use == module


def test_a_parameter_that_depends_on_a_later_one_comes_after_it():
    study = make_study(("lr = {", 'beta = { low = 0.0, high = 1.0, when = { opt = "adam" } }\nlr = {'))
    assert [p.name for p in study.space.parameters] == ["lr", "opt", "beta", "units"]


@pytest.mark.parametrize(
    ("text", "search", "trials"),
    [
        ('"bayesian"\ntrials = 8', search_sections.Bayesian(method="bayesian", trials=8), 8),
        (
            '"coarse-to-fine"\nrounds = [{ trials = 8, epochs = 3 }, { trials = 2, epochs = 9 }]',
            search_sections.CoarseToFine(
                method="coarse-to-fine",
                rounds=(search_sections.Round(trials=8, epochs=3), search_sections.Round(trials=2, epochs=9)),
                keep=0.5,
                top=0.25,
                margin=0.1,
            ),
            10,
        ),
        (
            '"list"\nsets = [{ params = { lr = 0.1, opt = "sgd", units = 20 }, epochs = 3 }]\nseeds = 4',
            search_sections.FixedList(
                method="list",
                sets=(search_sections.ParameterSet(params={"lr": 0.1, "opt": "sgd", "units": 20}, epochs=3),),
                seeds=4,
            ),
            4,
        ),
    ],
)
def test_a_search_method(text, search, trials):
    study = make_study(('"random"\ntrials = 5', text))
    assert study.search == search
    assert proposals(study) == trials


def test_a_grid_is_counted():
    study = make_study(('"random"\ntrials = 5', '"grid"'), ("log = true }", "log = true, points = 6 }"))
    assert proposals(study) == 6 * 2 * 241


@pytest.mark.parametrize(
    ("text", "prune"),
    [
        ('"never"', prune_sections.NeverPrune(method="never")),
        ('"halving"\neta = 4', prune_sections.HalvingPrune(method="halving", min_epochs=1, eta=4)),
        ('"hyperband"\nmin_epochs = 3', prune_sections.HyperbandPrune(method="hyperband", min_epochs=3, eta=3)),
        ('"patience"\npatience = 2', prune_sections.PatiencePrune(method="patience", patience=2, min_delta=0.0)),
        ('"threshold"\nupper = 3', prune_sections.ThresholdPrune(method="threshold", upper=3.0)),
    ],
)
def test_a_prune_method(text, prune):
    assert make_study(("", f"[prune]\nmethod = {text}\n")).prune == prune


def test_it_is_frozen_and_travels():
    study = make_study()
    with pytest.raises(ValueError, match="frozen"):
        study.study.seed = 3
    assert pickle.loads(pickle.dumps(study)) == study


# Identity ────────────────────────────────────────────────────────────────────────────────────────


def changed(*changes: tuple[str, str]) -> list[str]:
    stored = json.loads(json.dumps(make_study().identity()))
    return differences(stored, make_study(*changes).identity())


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("1e-5", "1e-4", "space.lr.low: was 1e-05, is 0.0001"),
        ("high = 1.0", "high = 1", ""),
        ("log = true }\nopt", "log = false }\nopt", "space.lr.log: was true, is absent"),
        ("low = 16, high = 256", "low = 16.0, high = 256", "space.units.low: was 16, is 16.0"),
        ('["sgd", "adam"]', '["sgd"]', 'space.opt: was ["sgd", "adam"], is ["sgd"]'),
        ('["sgd", "adam"]', '"sgd"', 'space.opt: was ["sgd", "adam"], is "sgd"'),
        ("lr =", "lr2 =", "space.lr: was {\"low\": 1e-05, \"high\": 1.0, \"log\": true}, is absent"),
        ("layers = 2", "layers = 3", "trainer.options.layers: was 2, is 3"),
        ("layers = 2", "layers = true", "trainer.options.layers: was 2, is true"),
        ("epochs = 9", "epochs = 10", "trainer.epochs: was 9, is 10"),
        ("epochs = 9", "epochs = 9\nrepeats = 3", "trainer.repeats: was absent, is 3"),
        ("epochs = 9", "epochs = 9\nvalidation = { folds = 5 }", 'trainer.validation: was absent, is {"folds": 5}'),
        ("digits:train", "digits:fit", 'trainer.use: was "trainers.digits:train", is "trainers.digits:fit"'),
        ("minimize", "maximize", 'study.goal: was "minimize", is "maximize"'),
        ('"val_loss"', '"val_loss"\nseed = 1', "study.seed: was 0, is 1"),
        ('"val_loss"', '"val_loss"\nat = "last"', 'study.at: was "best", is "last"'),
        ("", "[early_stopping]\npatience = 3", "early_stopping.patience: was absent, is 3"),
        ("", '[prune]\nmethod = "median"', 'prune.method: was "never", is "median"'),
        ('"random"', '"bayesian"', 'search.method: was "random", is "bayesian"'),
    ],
)  # fmt: skip
def test_what_may_not_change_under_one_name(old, new, difference):
    found = changed((old, new))
    assert found[0] == difference if difference else found == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"digits"', '"other"'),
        ("trials = 5", "trials = 500"),
        ("", '[limits]\nstudy = "6h"\nretries = 0'),
        ("", '[resources]\nworkers = 3\naddress = "none"'),
        ("", '[journal]\nurl = "sqlite:///other.db"\n[tracking]\nmlflow = "none"'),
        ("", '[prune]\nmethod = "never"'),
        ("epochs = 9", "epochs = 9\nrepeats = 1"),
        ('opt = ["sgd", "adam"]', 'opt = { values = ["sgd", "adam"] }'),
    ],
)
def test_what_may(old, new):
    assert changed((old, new)) == []


def test_never_is_what_is_anyway_except_where_the_paired_test_would_prune():
    never, folds = ("", '[prune]\nmethod = "never"'), ("epochs = 9", "epochs = 9\nvalidation = { folds = 5 }")
    assert make_study(folds).is_paired
    assert not make_study(folds, never).is_paired
    assert not make_study().is_paired
    found = differences(make_study(folds).identity(), make_study(folds, never).identity())
    assert found == ['prune.method: was absent, is "never"']


def test_more_or_longer_rounds_are_a_larger_budget():
    first = make_study((RANDOM, ROUNDS + "[{ trials = 8, epochs = 3 }]")).identity()
    more = make_study((RANDOM, ROUNDS + "[{ trials = 9, epochs = 3 }, { trials = 2, epochs = 9 }]")).identity()
    assert differences(first, more) == []
    keep = make_study((RANDOM, ROUNDS + "[{ trials = 8, epochs = 3 }]\nkeep = 0.25")).identity()
    assert differences(first, keep) == ["search.keep: was 0.5, is 0.25"]


def test_the_spec_is_a_study_file_in_json():
    study = make_study(
        ("low = 16", 'low = 16, when = { opt = "sgd" }'),
        ("", '[limits]\nstudy = "90m"\n[resources]\nper_trial = { memory = "4096MiB" }\n'),
    )
    spec = study.spec()
    assert json.loads(json.dumps(spec)) == spec
    assert spec["study"] == {
        **{"name": "digits", "metric": "val_loss", "goal": "minimize", "seed": 0, "at": "best"},
        **{"trial_seeds": "same", "numbers": "short", "failed": "keep"},
    }
    assert spec["space"] == {
        "lr": {"low": 1e-05, "high": 1.0, "log": True},
        "opt": ["sgd", "adam"],
        "units": {"low": 16, "high": 256, "log": True, "when": {"opt": ["sgd"]}},
    }
    assert spec["limits"] == {
        "study": "1h30m",
        "retries": 2,
        "max_failures": 5,
        "max_failure_share": 0.5,
        "infeasible": 100,
    }
    per_trial = {"cpus": 1.0, "gpus": 0.0, "memory": "4GiB"}
    assert spec["resources"] == {"address": "local", "per_trial": per_trial, "isolation": "process"}


def test_another_name_makes_another_study():
    study = make_study()
    fork = study.renamed("digits again")
    assert (fork.study.name, fork.folder, fork.journal_url) == ("digits again", study.folder, study.journal_url)
    assert differences(study.identity(), fork.identity()) == []
    with pytest.raises(StudyFileError, match=r'^fork name: must not contain "/", got "a/b"$'):
        study.renamed("a/b")


@pytest.mark.parametrize(
    ("search", "amount"),
    [
        ('method = "random"\ntrials = 5', "random search, 5 trials, "),
        ('method = "recipe"\nbudget = { epochs = 100 }', "recipe search, 100 epochs in all, "),
        ('use = "mine:Sampler"', "mine:Sampler search, 9 epochs"),
    ],
)
def test_a_notebook_shows_it_in_one_line(search: str, amount: str) -> None:
    study = make_study(('method = "random"\ntrials = 5', search))
    said = repr(study)
    assert said == str(study)
    assert said.startswith('<Study "digits": minimize val_loss, ')
    assert amount in said
    assert said.endswith(f", {study.path}>" if study.path else "per trial at most>")


# Imports ─────────────────────────────────────────────────────────────────────────────────────────


def test_reading_a_study_imports_nothing_heavy():
    heavy = ("torch", "ray", "mlflow", "optuna", "sqlalchemy", "numpy", "sklearn")
    code = f"import sys, hpsearch.study.definition; print([name for name in {heavy} if name in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "[]\n"


def test_an_evaluation_has_one_seed_a_trial():
    """It has seeds enough of its own, and each is a trial that can be looked at by itself."""
    study = make_study(("epochs = 9", "epochs = 9\nrepeats = 3\nvalidation = { folds = 5 }"))
    sets = [search_sections.ParameterSet(params={"lr": 0.1})]
    assert study.replicates == Replicates(folds=5, repeats=3)
    evaluation = study.evaluation("again", 1, sets, seeds=2)
    assert evaluation.replicates == Replicates(folds=5)
    assert not evaluation.is_paired, "its finalists are all trained to their end"


class TestFromDict:
    """A program gives the sections of a file: the same study, the same checks."""

    def test_the_sections_of_a_file_make_the_study_of_the_file(self, tmp_path):
        from_file = make_study(("", '[limits]\nstudy = "6h"\n'))
        given = Study.from_dict(tomllib.loads(Path("study.toml").read_text()), environment={})
        assert given.spec() == from_file.spec()
        assert (given.folder, given.home, given.journal_url) == (tmp_path, from_file.home, from_file.journal_url)
        assert (given.path, from_file.path) == (None, tmp_path / "study.toml")

    def test_relative_paths_start_at_the_folder(self, tmp_path):
        given = Study.from_dict(sections_of(journal={"url": "sqlite:///mine.db"}), folder="there", environment={})
        assert given.folder == tmp_path / "there"
        assert given.journal_url == f"sqlite:///{tmp_path}/there/mine.db"
        assert given.home == tmp_path / "there" / ".hpsearch"

    def test_values_of_python_are_those_of_toml(self):
        space = {"lr": {"low": np.float64(1e-5), "high": 1.0, "log": np.True_}, "opt": ("sgd", "adam")}
        given = Study.from_dict(sections_of(space=space, limits={"trials": np.int64(3)}))
        plain = {"lr": {"low": 1e-5, "high": 1.0, "log": True}, "opt": ["sgd", "adam"]}
        assert given == Study.from_dict(sections_of(space=plain, limits={"trials": 3}))
        assert json.dumps(given.spec())

    def test_what_is_given_is_not_changed(self):
        sections = sections_of()
        before = json.dumps(sections)
        Study.from_dict(sections)
        assert json.dumps(sections) == before

    def test_every_fault_is_named_by_its_key(self):
        circle: dict[str, object] = {}
        circle["it"] = circle
        with pytest.raises(StudyFileError) as refused:
            Study.from_dict(
                sections_of(
                    study={"name": "digits", "metric": "val_loss", "gaol": "minimize"},
                    space={"lr": {"low": 0.0, "high": 2**70, "log": True}, "opt": None},
                    trainer={"use": "trainers.digits:train", "epochs": 9, "options": circle},
                    serach={},
                )
            )
        assert all((fault.where, fault.line) == ("", 0) for fault in refused.value.faults)
        keys = [fault.key for fault in refused.value.faults]
        assert {"study.gaol", "study.goal", "space.lr.high", "space.opt", "serach"} <= set(keys)
        assert any(key.startswith("trainer.options.it.it") for key in keys)
        (gaol,) = [line for line in str(refused.value).split("\n") if line.startswith("study.gaol: ")]
        assert "`goal`" in gaol

    def test_a_section_that_is_missing_is_said(self):
        with pytest.raises(StudyFileError) as refused:
            Study.from_dict({"study": {"name": "digits"}})
        assert {"trainer", "space", "search", "study.metric"} <= {fault.key for fault in refused.value.faults}


def sections_of(**changed: object) -> dict[str, object]:
    return {**tomllib.loads(FILE), **changed}


def test_a_trainer_that_is_an_object_is_recorded_by_its_name_and_marked():
    sections = sections_of()
    del sections["trainer"]["use"]
    study = Study.from_dict(sections, trainer=sections_of)
    assert study.own("trainer") is sections_of
    assert study.spec()["trainer"] | {"use": f"{__name__}:sections_of", "from_python": True} == study.spec()["trainer"]
    assert study.identity()["trainer"]["from_python"] is True
    assert study.renamed("other").own("trainer") is sections_of
    again = Study.from_dict(study.spec(), trainer=sections_of)
    assert again.identity() == study.identity()
    assert Study.from_dict(study.spec()).own("trainer") is None


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (lambda *_: None, f"{__name__}:lambda"),
        (functools.partial(sections_of, trainer={}), f"{__name__}:sections_of"),
        (Event(), "threading:Event"),
    ],
)
def test_every_object_has_a_name(thing, name):
    sections = sections_of()
    del sections["trainer"]["use"]
    assert Study.from_dict(sections, trainer=thing).trainer.use == name


def test_a_trainer_is_given_by_name_or_as_an_object():
    with pytest.raises(StudyFileError) as refused:
        Study.from_dict(sections_of(), trainer=sections_of)
    assert [fault.key for fault in refused.value.faults] == ["trainer.use"]
