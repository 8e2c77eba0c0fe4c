"""`hpsearch check`."""

from tests.cli.cli_runner import CliRunner


def test_no_faults(cli: CliRunner) -> None:
    cli.study()
    assert cli.invoke("check", "study.toml").out == "study.toml: no faults in study toy\n"
    assert cli.invoke("check", "study.toml", "--json").data == {"study": "toy", "faults": [], "warnings": []}
    assert cli.files() == []


def test_all_faults_at_once_with_their_lines(cli: CliRunner) -> None:
    cli.study(space="x = { low = 1.0, high = 0.5 }\ny = { low = 0, high = 1, log = true }\nlr = []")
    cli.change(('goal = "minimize"', 'goal = "min"'))
    answer = cli.invoke("check", "study.toml")
    assert (answer.code, answer.out) == (2, "")
    assert [line.partition(": ")[0] for line in answer.err.splitlines()] == [
        "study.toml:4 study.goal",
        "study.toml:11 space.x",
        "study.toml:12 space.y",
        "study.toml:13 space.lr",
    ]


def test_faults_as_data(cli: CliRunner) -> None:
    cli.study(space="x = { low = 1.0, high = 0.5 }")
    answer = cli.invoke("check", "study.toml", "--json")
    assert (answer.code, answer.err) == (2, "")
    (fault,) = answer.data["faults"]
    assert answer.data == {
        "study": None,
        "faults": [
            {
                "where": "study.toml",
                "line": 11,
                "key": "space.x",
                "message": fault["message"],
                "column": 0,
            }
        ],
    }
    assert cli.invoke("check", "study.toml").err == f"study.toml:11 space.x: {fault['message']}\n"


def test_with_set(cli: CliRunner) -> None:
    cli.study()
    answer = cli.invoke("check", "study.toml", "--set", "space.x.low=2.0", "--set", "space.z.low=2.0")
    assert (answer.code, answer.out) == (2, "")
    assert [line.partition(": ")[0] for line in answer.err.splitlines()] == [
        "--set space.z.low",
        "study.toml:11 space.x",
    ]
    assert answer.names("`z`", "low = 2.0", "high = 1.0")


class TestTrainer:
    """It is read, and not imported."""

    def write(self, cli: CliRunner, trainer: str, space: str = "x = { low = 0.0, high = 1.0 }") -> None:
        cli.study(space=space, trainer="mine:train")
        (cli.folder / "mine.py").write_text("raise SystemExit\n" + trainer)

    def test_a_function_that_is_not_there(self, cli: CliRunner) -> None:
        self.write(cli, "def trian(params, run):\n    yield\n")
        (fault,) = cli.invoke("check", "study.toml", "--json").data["faults"]
        assert (fault["where"], fault["key"], fault["line"] > 0) == ("study.toml", "trainer.use", True)

    def test_a_parameter_that_the_dataclass_does_not_have(self, cli: CliRunner) -> None:
        text = "from dataclasses import dataclass\n@dataclass\nclass Params:\n    epoch_log: str\n    width: int = 3\n"
        self.write(cli, text + "def train(params: Params, run):\n    yield {'val_loss': 1}\n", "widht = [1, 2]")
        (fault,) = cli.invoke("check", "study.toml", "--json").data["faults"]
        assert fault["key"] == "space.widht"
        assert cli.invoke("plan", "study.toml").code == 2
        assert cli.run().code == 2
        assert not (cli.folder / ".hpsearch").exists()

    def test_a_metric_that_stands_nowhere_is_a_warning(self, cli: CliRunner) -> None:
        self.write(cli, "def train(params, run):\n    yield {'val_los': 1}\n")
        answer = cli.invoke("check", "study.toml", "--json")
        assert (answer.code, answer.data["faults"]) == (0, [])
        assert [warning["key"] for warning in answer.data["warnings"]] == ["study.metric"]
