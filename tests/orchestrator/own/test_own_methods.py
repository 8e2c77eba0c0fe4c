"""Samplers and pruners from outside: import, creation, checks and recorded source files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.core.decisions import Continue, New
from hpsearch.core.errors import OwnMethodError, StudyFileError
from hpsearch.core.history import History
from hpsearch.orchestrator import build
from hpsearch.orchestrator.own import own_methods
from hpsearch.orchestrator.own.own_methods import SamplerArguments, changed_sources, make_pruner, make_sampler, sources
from hpsearch.study.definition import Study
from hpsearch.testing import CONDITIONAL
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli

__all__ = ["cli"]  # a fixture

GIVEN = SamplerArguments(CONDITIONAL, 3, 4, 9)

MINE = """
from helper import NEAR
from hpsearch.core.decisions import New, Stop
from hpsearch.core.seeds import stream


class Sampler:
    def __init__(self, space, seed, epochs, bad=-1):
        self.space, self.seed, self.epochs, self.bad = space, seed, epochs, bad

    def ask(self, history):
        number = len(history)
        x = 9.0 if number == self.bad else stream(self.seed, number).random() * NEAR
        return New({"x": x}, self.epochs, "near")


class Pruner:
    def __init__(self, at=99):
        self.at = at

    def judge(self, trial, history):
        from hpsearch.core.decisions import Continue
        return None if trial.number == self.at else Continue()


def function(history):
    return None


made = Sampler(None, 0, 3)
"""
SECTIONS: Mapping[str, Any] = {
    "study": {"name": "toy", "metric": "val_loss", "goal": "minimize"},
    "trainer": {"use": "tests.cli.trainers:learner", "epochs": 3},
    "space": {"x": {"low": 0.0, "high": 1.0}},
    "resources": {"address": "none"},
    "tracking": {"mlflow": "none"},
}


@pytest.fixture
def mine(cli: CliRunner) -> CliRunner:
    (cli.folder / "mine.py").write_text(MINE)
    (cli.folder / "helper.py").write_text("NEAR = 0.5  # of the axis\n")
    cli.study('use = "mine:Sampler"\ntrials = 4')
    return cli


class Takes:
    def __init__(self, space: object, seed: int, scale: float = 1.0):
        self.space, self.seed, self.scale = space, seed, scale

    def ask(self, history: History) -> None:
        return None


class TakesAll:
    def __init__(self, **arguments: object):
        self.arguments = arguments

    def ask(self, history: History) -> None:
        return None

    def judge(self, trial: object, history: History) -> Continue:
        return Continue()


class TestMaking:
    def test_a_class_gets_what_it_names_and_its_options(self) -> None:
        made = make_sampler("mine", Takes, {"scale": 0.5}, GIVEN)._sampler
        assert (made.space, made.seed, made.scale) == (CONDITIONAL, 3, 0.5)
        made = make_sampler("mine", TakesAll, {"scale": 0.5}, GIVEN)._sampler
        assert made.arguments == {"space": CONDITIONAL, "seed": 3, "epochs": 4, "trials": 9, "scale": 0.5}
        assert make_pruner("mine", TakesAll, {}, epochs=4)._pruner.arguments == {"epochs": 4}

    def test_one_that_does_not_fit_names_its_arguments(self) -> None:
        says = (
            r"mine cannot be created as Takes\(space=…, seed=…, speed=…\): got an unexpected keyword argument 'speed'"
        )
        with pytest.raises(OwnMethodError, match=says):
            make_sampler("mine", Takes, {"speed": 2}, GIVEN)

    def test_an_option_is_not_what_hpsearch_gives(self) -> None:
        with pytest.raises(OwnMethodError, match="options must not have seed"):
            make_sampler("mine", Takes, {"seed": 2}, GIVEN)

    def test_what_its_init_raises_is_shown(self) -> None:
        class Fails:
            def __init__(self, space: object):
                raise ValueError("no such population")

        with pytest.raises(OwnMethodError, match=r"as Fails\(space=…\)\nTraceback[^$]*ValueError: no such population$"):
            make_sampler("mine", Fails, {}, GIVEN)

    def test_an_object_is_used_as_it_is(self) -> None:
        own = Takes(CONDITIONAL, 5)
        assert make_sampler("mine", own, {}, GIVEN)._sampler is own
        with pytest.raises(OwnMethodError, match="takes no options: scale"):
            make_sampler("mine", own, {"scale": 1.0}, GIVEN)
        with pytest.raises(OwnMethodError, match="is a dict; it must be a class, or an object with a method `judge`"):
            make_pruner("mine", {}, {}, epochs=3)


class TestInAStudyFile:
    def test_it_runs_goes_on_and_is_extended(self, mine: CliRunner) -> None:
        first = mine.invoke("run", "study.toml", "--json").data
        assert first["trials"]["complete"] == 4
        again = mine.invoke("run", "study.toml", "--set", "search.trials=6", "--json").data
        assert again["trials"]["complete"] == 6
        whole = mine.invoke("run", "study.toml", "--set", "search.trials=6", "--set", "study.name=whole", "--json").data
        assert whole["best"] == again["best"]

    @pytest.mark.parametrize(
        ("use", "says"),
        [
            ("nosuch:Sampler", "no module nosuch"),
            ("mine:Samplre", "did you mean `Sampler`?"),
            ("mine:function", "is a function; it must name a class"),
            ("mine:made", "is a mine.Sampler; it must name a class"),
            ("mine:Pruner", "has no method `ask(history)`"),
            ("mine:New", "cannot be created as New("),
        ],
    )
    def test_check_and_run_refuse_it_before_anything_is_written(self, mine: CliRunner, use: str, says: str) -> None:
        files = mine.files()
        for verb in ("check", "run"):
            answer = mine.invoke(verb, "study.toml", "--set", f"search.use={use}")
            assert answer.code == 2
            assert says in answer.err
        faults = mine.invoke("check", "study.toml", "--set", f"search.use={use}", "--json")
        assert faults.code == 2
        assert [says in fault["message"] for fault in faults.data["faults"]] == [True]
        assert [file for file in mine.files() if "__pycache__" not in str(file)] == files

    def test_check_asks_for_a_first_proposal_and_a_first_verdict(self, mine: CliRunner) -> None:
        bad = ["--set", "search.options.bad=0"]
        mine.change(("trials = 4", "trials = 4\noptions = { bad = -1 }"))
        assert mine.invoke("check", "study.toml", *bad).code == 2
        assert mine.invoke("check", "study.toml").code == 0
        mine.study('use = "mine:Sampler"', more='[prune]\nuse = "mine:Pruner"\noptions = { at = 0 }\n')
        assert "returned None" in mine.invoke("check", "study.toml").err
        assert mine.invoke("check", "study.toml", "--set", "prune.options.at=1").code == 0

    def test_one_that_breaks_the_contract_later_stops_the_study_in_good_order(self, mine: CliRunner) -> None:
        mine.change(("trials = 4", "trials = 4\noptions = { bad = 2 }"))
        answer = mine.invoke("run", "study.toml")
        assert answer.code == 2
        assert answer.err.splitlines()[-1].startswith(
            'search.use = "mine:Sampler": ask(history) with 2 trials proposed x'
        )
        status = mine.invoke("status", "toy", "--json").data
        assert (status["state"], status["trials"]["complete"]) == ("STOPPED", 2)

    def test_a_pruner_that_breaks_it_leaves_its_trial_waiting(self, mine: CliRunner) -> None:
        mine.study('use = "mine:Sampler"\ntrials = 4', more='[prune]\nuse = "mine:Pruner"\noptions = { at = 1 }\n')
        assert mine.invoke("run", "study.toml").code == 2
        trials = mine.invoke("status", "toy", "--json").data["trials"]
        assert (trials["complete"], trials["waiting"]) == (1, 1)

    def test_plan_shows_the_first_proposal_and_no_count_where_there_is_none(self, mine: CliRunner) -> None:
        plan = mine.invoke("plan", "study.toml", "--json").data
        assert (plan["method"], plan["trials"], plan["epochs"], len(plan["first"])) == ("mine:Sampler", 4, 12, 1)
        mine.study('use = "mine:Sampler"')
        plan = mine.invoke("plan", "study.toml", "--json").data
        assert (plan["trials"], plan["epochs"], plan["rounds"], len(plan["first"])) == (None, None, [], 1)
        assert "the sampler decides how many trials" in mine.invoke("plan", "study.toml").out
        assert mine.invoke("plan", "study.toml", "--set", "limits.trials=7", "--json").data["trials"] == 7


OPTUNA = {
    "named with plain options": "use = 'optuna.samplers:QMCSampler'\noptions = { scramble = true }",
    "made in a module": "use = 'genetic:sampler'",
}
GENETIC = """
from hpsearch.samplers import from_optuna
from optuna.samplers import NSGAIISampler

sampler = from_optuna(NSGAIISampler(population_size=3))
"""


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("search", OPTUNA.values(), ids=OPTUNA)
def test_a_sampler_of_optuna_runs_and_resumes_as_if_uninterrupted(cli: CliRunner, search: str) -> None:
    (cli.folder / "genetic.py").write_text(GENETIC)
    cli.study(search, space="x = { low = 0.0, high = 1.0 }\ny = { low = 1, high = 9 }")
    for name, budgets in (("whole", [9]), ("parts", [2, 5, 9])):
        for trials in budgets:
            changes = [f"study.name={name}", f"search.trials={trials}"]
            answer = cli.invoke(
                "run", "study.toml", *(word for change in changes for word in ("--set", change)), "--json"
            )
            assert answer.code == 0, answer.err
    whole, parts = (cli.invoke("export", name, "--format", "json").data["trials"] for name in ("whole", "parts"))
    assert len({str(trial["params"]) for trial in whole}) > 5
    assert [trial["params"] for trial in parts] == [trial["params"] for trial in whole]


class TestItsSourceFiles:
    @pytest.mark.parametrize(("file", "old", "new"), [("mine.py", '"near"', '"nearer"'), ("helper.py", "0.5", "0.25")])
    def test_changed_code_is_refused_by_its_file(self, mine: CliRunner, file: str, old: str, new: str) -> None:
        mine.invoke("run", "study.toml")
        path = mine.folder / file
        path.write_text(path.read_text().replace(old, new))
        answer = mine.invoke("run", "study.toml", "--set", "search.trials=5")
        assert answer.code == 2
        assert [line.partition(":")[0] for line in answer.err.splitlines() if line.startswith("  ")] == [f"  {file}"]
        assert "--fork NEW_NAME" in answer.err
        assert mine.invoke("run", "study.toml", "--fork", "other", "--json").data["trials"]["complete"] == 4

    def test_comments_and_white_space_may_change(self, mine: CliRunner) -> None:
        mine.invoke("run", "study.toml")
        path = mine.folder / "helper.py"
        path.write_text("# a share\n\nNEAR   = 0.5\n")
        assert mine.invoke("run", "study.toml", "--set", "search.trials=5", "--json").data["trials"]["complete"] == 5

    def test_a_first_run_without_a_result_leaves_nothing_that_a_correction_would_change(self, mine: CliRunner) -> None:
        mine.change(("trials = 4", "trials = 4\noptions = { bad = 1 }"))
        assert mine.invoke("run", "study.toml", "--set", "resources.workers=2").code == 2
        assert mine.invoke("status", "toy").code == 2
        good = mine.invoke("run", "study.toml", "--set", "search.options.bad=-1", "--json").data
        assert good["trials"]["complete"] == 4

    def test_of_a_class_in_a_program_or_a_notebook_the_class_itself(self) -> None:
        def source(offset: str) -> dict[str, Any]:
            names: dict[str, Any] = {"__name__": "__main__"}
            exec(f"class Mine:\n    def ask(self, history):\n        return {offset}\n", names)
            return sources(Study.from_dict(SECTIONS, sampler=names["Mine"]()))

        one, same, other = source("1"), source("1"), source("2")
        assert list(one) == ["__main__:Mine"]
        assert list(changed_sources(one, same)) == []
        assert list(changed_sources(one, other)) == ["__main__:Mine: its code has changed since the study started"]

    def test_of_an_installed_module_there_are_none(self) -> None:
        study = Study.from_dict({**SECTIONS, "search": {"use": "optuna.samplers:RandomSampler", "trials": 2}})
        assert sources(study) == {}

    def test_another_python_is_no_change_and_a_file_that_is_gone_is_one(self) -> None:
        before = {"mine": {"file": "mine.py", "sha256": "a", "code": "b"}}
        assert list(changed_sources(before, {"mine": {"file": "mine.py", "sha256": "a", "code": "c"}})) == []
        assert list(changed_sources(before, {"mine": {"file": "mine.py", "sha256": "c", "code": "b"}})) == []
        assert len(list(changed_sources(before, {"mine": {"file": "mine.py", "sha256": "c", "code": "d"}}))) == 1
        assert len(list(changed_sources(before, {}))) == 1


class Tenths:
    """x = 0.0, 0.1, 0.2, …"""

    def __init__(self, offset: float = 0.0):
        self.offset = offset

    def ask(self, history: History) -> New:
        return New({"x": self.offset + len(history) / 10}, 3, "the next tenth")


class TestInPython:
    @pytest.mark.parametrize("sampler", [Tenths(), Tenths], ids=["object", "class"])
    def test_an_object_or_a_class(self, tmp_path: Path, sampler: object) -> None:
        sections = {**SECTIONS, "search": {"trials": 3}}
        study = Study.from_dict(sections, folder=tmp_path, sampler=sampler, pruner=TakesAll())
        assert study.spec()["search"] == {"method": "own", "use": f"{__name__}:Tenths", "trials": 3, "options": {}}
        assert study.spec()["prune"] == {"method": "own", "use": f"{__name__}:TakesAll", "options": {}}
        result = hpsearch.run(study, progress=False)
        assert [trial.params["x"] for trial in result.history] == [0.0, 0.1, 0.2]
        assert [trial.origin for trial in result.history] == ["the next tenth"] * 3

    def test_options_go_to_a_class(self) -> None:
        sections = {**SECTIONS, "search": {"trials": 3, "options": {"offset": 0.5}}}
        sampler = build.sampler(Study.from_dict(sections, sampler=Tenths))
        assert sampler.ask(History(Study.from_dict(sections, sampler=Tenths).objective)) == New(
            {"x": 0.5}, 3, "the next tenth"
        )

    @pytest.mark.parametrize("search", [{"method": "random", "trials": 3}, {"use": "mine:Sampler"}])
    def test_it_cannot_be_combined_with_another(self, search: dict[str, Any]) -> None:
        with pytest.raises(StudyFileError) as refused:
            Study.from_dict({**SECTIONS, "search": search}, sampler=Tenths())
        assert [fault.key for fault in refused.value.faults] == [f"search.{next(iter(search))}"]

    def test_what_can_be_no_sampler_is_refused(self) -> None:
        with pytest.raises(OwnMethodError, match="is an int"):
            own_methods.check(Study.from_dict(SECTIONS, sampler=3))

    def test_it_stays_with_the_study_under_another_name(self) -> None:
        study = Study.from_dict(SECTIONS, sampler=Tenths(0.5)).renamed("other")
        assert isinstance(study.own("search"), Tenths)
        assert study.own("prune") is None
