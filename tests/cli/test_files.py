"""init, check and plan: what can be done with a study file without running it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.desk import RANDOM, Desk
from tests.cli.test_going_on import METHODS


class TestInit:
    def test_writes_a_study_that_runs(self, desk: Desk) -> None:
        answer = desk.hp("init", "first try")
        assert answer.code == 0
        assert answer.out == (
            "wrote first try/study.toml and first try/trainer.py\n\n  hpsearch run 'first try/study.toml'\n"
        )
        study = Path("first try/study.toml")
        assert desk.hp("check", study).out == "first try/study.toml: no faults in study my-study\n"
        small = ["search.trials=2", "trainer.epochs=2", 'resources.address="none"', 'tracking.mlflow="none"']
        words = [word for change in small for word in ("--set", change)]
        # A process of its own: its module is called `trainer`.
        ran = desk.ended(desk.start("run", study, "--json", *words))
        assert ran.code == 0
        assert ran.data["best"]["value"] > 0.5

    def test_touches_nothing_that_is_there(self, desk: Desk) -> None:
        Path("trainer.py").write_text("mine")
        answer = desk.hp("init")
        assert (answer.code, answer.err) == (
            2,
            "trainer.py is there already: choose another folder, `hpsearch init FOLDER`\n",
        )
        assert Path("trainer.py").read_text() == "mine"
        assert not Path("study.toml").exists()
        assert desk.hp("init", "trainer.py/below").code == 2

    def test_json(self, desk: Desk) -> None:
        assert desk.hp("init", "--json").data == {"written": ["study.toml", "trainer.py"]}


class TestCheck:
    def test_no_faults(self, desk: Desk) -> None:
        desk.study()
        assert desk.hp("check", "study.toml").out == "study.toml: no faults in study toy\n"
        assert desk.hp("check", "study.toml", "--json").data == {"study": "toy", "faults": []}
        assert desk.files() == []

    def test_all_faults_at_once_with_their_lines(self, desk: Desk) -> None:
        desk.study(space="x = { low = 1.0, high = 0.5 }\ny = { low = 0, high = 1, log = true }\nlr = []")
        desk.change(('goal = "minimize"', 'goal = "min"'))
        answer = desk.hp("check", "study.toml")
        assert (answer.code, answer.out) == (2, "")
        assert [line.partition(": ")[0] for line in answer.err.splitlines()] == [
            "study.toml:4 study.goal",
            "study.toml:11 space.x",
            "study.toml:12 space.y",
            "study.toml:13 space.lr",
        ]

    def test_faults_as_data(self, desk: Desk) -> None:
        desk.study(space="x = { low = 1.0, high = 0.5 }")
        answer = desk.hp("check", "study.toml", "--json")
        assert (answer.code, answer.err) == (2, "")
        assert answer.data == {
            "study": None,
            "faults": [
                {
                    "where": "study.toml",
                    "line": 11,
                    "key": "space.x",
                    "message": "low must be <= high, got low = 1.0, high = 0.5",
                    "column": 0,
                }
            ],
        }

    def test_with_set(self, desk: Desk) -> None:
        desk.study()
        answer = desk.hp("check", "study.toml", "--set", "space.x.low=2.0", "--set", "space.z.low=2.0")
        assert answer.code == 2
        assert "space.x: low must be <= high, got low = 2.0, high = 1.0" in answer.err
        assert "--set space.z.low: there is no `z` in space" in answer.err


class TestPlan:
    @pytest.mark.parametrize(
        ("method", "rounds", "epochs"),
        [
            ("grid", [(4, 3, 0)], 12),
            ("random", [(4, 3, 0)], 12),
            ("bayesian", [(7, 3, 0)], 21),
            ("coarse-to-fine", [(4, 1, 0), (2, 2, 1), (2, 3, 1)], 4 + (1 + 2) + (1 + 3)),
        ],
    )
    def test_is_what_run_does(self, desk: Desk, method: str, rounds: list[tuple[int, int, int]], epochs: int) -> None:
        space = "x = { low = 0.0, high = 1.0, points = 2 }\nkind = [1, 2]"
        desk.study(METHODS[method], space=space)
        plan = desk.hp("plan", "study.toml", "--json").data
        assert desk.files() == []
        assert [(one["trials"], one["epochs"], one["continued"]) for one in plan["rounds"]] == rounds
        assert (plan["trials"], plan["epochs"]) == (sum(one[0] for one in rounds), epochs)
        assert plan["seconds"] is None
        assert desk.run("--json").data["epochs_trained"] == epochs
        document = desk.export()
        assert plan["first"] == [trial["params"] for trial in document["trials"][: len(plan["first"])]]
        started = sum(one["kind"] in ("propose", "continue") for one in document["decisions"])
        assert started == plan["trials"]

    def test_shows_at_most_five_and_no_guess(self, desk: Desk) -> None:
        for search, count in ((RANDOM.replace("4", "9"), 5), (RANDOM, 4), (METHODS["bayesian"], 3)):
            desk.study(search)
            assert len(desk.hp("plan", "study.toml", "--json").data["first"]) == count
        assert desk.hp("plan", "study.toml").out.splitlines()[-1] == "  what follows depends on results"

    def test_limits_cut_it(self, desk: Desk) -> None:
        desk.study(METHODS["coarse-to-fine"], more="[limits]\ntrials = 5\n")
        plan = desk.hp("plan", "study.toml", "--json").data
        assert [(one["trials"], one["continued"]) for one in plan["rounds"]] == [(4, 0), (2, 1)]
        assert desk.run("--json").data["epochs_trained"] == plan["epochs"]
        desk.study(METHODS["coarse-to-fine"], more="[limits]\nepochs = 5\n")
        assert desk.hp("plan", "study.toml", "--json").data["epochs"] == 5

    def test_forecast_from_what_is_recorded(self, desk: Desk) -> None:
        desk.study()
        assert "so the time is not known" in desk.hp("plan", "study.toml").out
        desk.run("--set", "search.trials=2")
        plan = desk.hp("plan", "study.toml", "--json").data
        assert plan["recorded"] == {"trials": 2, "epochs": 6}
        assert plan["seconds"] == pytest.approx(12 * plan["seconds_per_epoch"])
        text = desk.hp("plan", "study.toml").out
        assert "of this, 2 trials and 6 epochs are recorded already" in text
        assert "s an epoch that were measured" in text

    def test_text(self, desk: Desk) -> None:
        desk.study(METHODS["coarse-to-fine"], more="[prune]\nmethod = 'median'\n")
        lines = desk.hp("plan", "study.toml").out.splitlines()
        assert lines[0] == "toy: coarse-to-fine search for the lowest val_loss"
        assert [line.split() for line in lines[2:5]] == [
            ["1", "4", "none", "1"],
            ["2", "2", "up", "to", "1", "2"],
            ["3", "2", "up", "to", "1", "3"],
        ]
        assert lines[5].startswith("11 epochs if nothing is pruned (prune: median) or stopped early; ")

    def test_of_a_bad_file(self, desk: Desk) -> None:
        desk.study(space="x = 3")
        assert desk.hp("plan", "study.toml").code == 2


def test_every_study_of_the_project_can_be_planned(desk: Desk) -> None:
    folder = Path(__file__).parents[2] / "studies"
    shutil.copytree(folder, "studies", ignore=shutil.ignore_patterns(".hpsearch"))
    for file in sorted(Path("studies").glob("*.toml")):
        answer = desk.hp("plan", file, "--json")
        assert answer.code == 0, answer.err
        assert json.loads(answer.out)["first"]
