"""`hpsearch export`: everything that was recorded, for other programs."""

import csv
import io
import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.cli_runner import CliRunner
from tests.support.optuna_study import optuna_study

SPACE = """\
x = { low = 0.0, high = 1.0 }
kind = ["a", true, 3]
drift = { low = 1e-3, high = 1.0, log = true, when = { kind = "a" } }
batch = 64
"""


@pytest.fixture
def exploded(cli: CliRunner) -> CliRunner:
    """Trials that are complete, and trials that diverged."""
    cli.study(
        'method = "random"\ntrials = 8',
        space=SPACE,
        trainer="tests.cli.trainers:exploding",
        options="limit = 0.5",
    )
    cli.run()
    return cli


class TestJson:
    def test_schema(self, exploded: CliRunner) -> None:
        text = exploded.invoke("export", "toy").out
        assert "NaN" not in text.partition('"environments"')[0], "a diff of the code may hold the word"
        document = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        assert list(document) == ["study", "trials", "decisions", "evidence", "measured", "trained", "environments"]
        assert {"name", "uid", "state", "metric", "goal", "spec"} <= set(document["study"])
        assert (document["study"]["cause"], document["study"]["cause_numbers"]) == ("done", {})
        wanted = {"number", "round", "state", "reason", "seed", "params", "value", "best_epoch", "attempts", "curve"}
        for number, trial in enumerate(document["trials"]):
            assert wanted <= set(trial)
            assert trial["number"] == number
            assert [point["step"] for point in trial["curve"]] == list(range(1, len(trial["curve"]) + 1))
            assert [point["size"] for point in trial["curve"]] == [None] * len(trial["curve"])
        bad = [trial for trial in document["trials"] if trial["state"] == "PRUNED"]
        assert {(trial["cause"], *trial["cause_numbers"].items()) for trial in bad} == {("diverged", ("epoch", 2))}
        assert all(trial["curve"][1] == {"step": 2, "val_loss": None, "size": None} for trial in bad)
        kinds = {one["kind"] for one in document["decisions"]}
        assert kinds == {"propose", "complete", "pruned", "no checkpoint"}
        assert all(one["reason"] for one in document["decisions"])

    def test_to_a_file(self, exploded: CliRunner) -> None:
        answer = exploded.invoke("export", "toy", "-o", "all.json")
        assert answer.out == "8 trials written to all.json\n"
        assert json.loads(Path("all.json").read_text()) == exploded.export()

    def test_with_json_it_is_one_line(self, exploded: CliRunner) -> None:
        answer = exploded.invoke("export", "toy", "--json")
        assert answer.out.count("\n") == 1
        assert answer.data == exploded.export()


class TestCsv:
    def test_a_row_for_every_report(self, exploded: CliRunner) -> None:
        rows = list(csv.DictReader(io.StringIO(exploded.invoke("export", "toy", "--format", "csv").out)))
        trials = exploded.export()["trials"]
        assert len(rows) == sum(len(trial["curve"]) for trial in trials)
        row = next(row for row in rows if row["number"] == "3" and row["step"] == "2")
        assert (row["state"], row["cause"]) == (trials[3]["state"], trials[3]["cause"])
        assert json.loads(row["cause_numbers"]) == trials[3]["cause_numbers"] != {}
        assert float(row["params.x"]) == trials[3]["params"]["x"]
        assert row["params.batch"] == "64"
        assert math.isinf(float(row["size"]))
        assert (row["params.drift"] == "") == ("drift" not in trials[3]["params"])

    def test_beside_json_it_needs_a_file(self, exploded: CliRunner) -> None:
        answer = exploded.invoke("export", "toy", "--format", "csv", "--json")
        assert answer.code == 2
        assert "-o FILE" in answer.err
        answer = exploded.invoke("export", "toy", "--format", "csv", "--json", "-o", "all.csv")
        assert answer.data == {"written": "all.csv"}


class TestFiles:
    @pytest.mark.parametrize("format_", ["parquet", "optuna"])
    def test_need_a_name(self, exploded: CliRunner, format_: str) -> None:
        answer = exploded.invoke("export", "toy", "--format", format_)
        assert answer.err == f"--format {format_} writes a file: name it with -o FILE\n"
        assert answer.is_refused

    def test_need_a_folder(self, exploded: CliRunner) -> None:
        answer = exploded.invoke("export", "toy", "-o", "none/all.json")
        assert answer.err == "-o none/all.json: there is no folder none\n"
        assert answer.is_refused

    def test_parquet(self, exploded: CliRunner) -> None:
        exploded.invoke("export", "toy", "--format", "parquet", "-o", "all.parquet")
        table = pq.read_table("all.parquet").to_pylist()
        trials = exploded.export()["trials"]
        assert len(table) == sum(len(trial["curve"]) for trial in trials)
        assert [row["params.x"] for row in table if row["step"] == 1] == [trial["params"]["x"] for trial in trials]
        assert {row["cause"] for row in table} == {trial["cause"] for trial in trials}
        assert {row["params.kind"] for row in table} <= {"a", "True", "3"}
        assert {row["params.batch"] for row in table} == {64}

    def test_optuna(self, exploded: CliRunner) -> None:
        answer = exploded.invoke("export", "toy", "--format", "optuna", "-o", "optuna.db")
        assert (answer.code, answer.err) == (0, "")
        assert len(optuna_study("toy", Path("optuna.db")).trials) == 8
        again = exploded.invoke("export", "toy", "--format", "optuna", "-o", "optuna.db")
        assert again.is_refused
        assert again.names("optuna.db")


def test_a_study_without_trials(cli: CliRunner) -> None:
    """Stopped before its first report."""
    cli.study(options="pace = 0.03")
    (cli.folder / "bell").write_text("1 SIGINT SIGINT")
    assert cli.run().code == 130
    assert cli.export()["trials"][0]["curve"] == []
    assert cli.invoke("export", "toy", "--format", "csv").out.count("\n") == 2
    assert cli.invoke("export", "toy", "--format", "optuna", "-o", "o.db", "--json").data == {"written": "o.db"}
    assert cli.invoke("export", "toy", "--format", "parquet", "-o", "o.parquet").code == 0
    assert "no val_loss" in cli.invoke("show", "toy", 0).out


def test_requirements(exploded: CliRunner) -> None:
    lines = exploded.invoke("export", "toy", "--format", "requirements", "--json").data["requirements"]
    assert any(line.startswith("sqlalchemy==") for line in lines)
    written = exploded.invoke("export", "toy", "--format", "requirements", "-o", "requirements.txt")
    assert written.code == 0
    assert Path("requirements.txt").read_text().splitlines() == lines
