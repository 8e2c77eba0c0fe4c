"""`hpsearch doctor`, on studies that are run as a user runs them."""

import pytest

from hpsearch.doctor.findings import Label
from tests.cli.cli_runner import CliRunner

TRAINER = """\
from hpsearch import Report


def train(params, run):
    for epoch in run.epochs():
        left = float(params["pace"]) ** epoch
        metrics = {"train_loss": 2.3 * left, "val_loss": 2.3 * left + float(params["gap"]) * (1 - left)}
        if params["silent"]:
            del metrics["train_loss"]
        yield Report(epoch, metrics)
"""

SPACE = "pace = { low = 0.3, high = 0.5 }"
OPTIONS = "gap = 0.1, silent = false"


def study(cli: CliRunner, *, options: str = OPTIONS, epochs: int = 20, space: str = SPACE) -> CliRunner:
    (cli.folder / "curves.py").write_text(TRAINER)
    cli.study(trainer="curves:train", epochs=epochs, options=options, space=space)
    cli.run()
    return cli


class TestStudy:
    def test_object(self, cli: CliRunner) -> None:
        data = study(cli).invoke("doctor", "toy", "--json").data
        assert (data["study"], data["labels"]) == ("toy", {"healthy": 4})
        (remark,) = data["remarks"]
        assert (remark["labels"], remark["among"], remark["best"]) == (["healthy"], 3, True)
        assert remark["trials"] == data["best"]
        assert [one["trial"] for one in data["trials"]] == [0, 1, 2, 3]
        assert {one["label"] for one in data["trials"]} == {"healthy"}

    def test_lists_the_best_trials_first(self, cli: CliRunner) -> None:
        lines = study(cli).invoke("doctor", "toy").out.splitlines()
        start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["trial", "value"])
        best = sorted(cli.export()["trials"], key=lambda trial: trial["value"])
        assert [line.split()[0] for line in lines[start + 1 :]] == [str(trial["number"]) for trial in best]

    def test_list_is_bounded(self, cli: CliRunner) -> None:
        rows = [
            line for line in study(cli).invoke("doctor", "toy", "--lines", 1).out.splitlines() if "COMPLETE" in line
        ]
        assert [row.split()[0] for row in rows] == [str(cli.invoke("best", "toy", "--json").data["number"])]

    def test_worst_first(self, cli: CliRunner) -> None:
        study(cli, options="silent = false", space=f"{SPACE}\ngap = [0.8, 0.1]")
        rows = [row for row in cli.invoke("doctor", "toy", "--worst").out.splitlines() if "COMPLETE" in row]
        blamed = ["overfitting" in row for row in rows]
        assert blamed == [True, True, False, False]

    def test_overfitted(self, cli: CliRunner) -> None:
        data = study(cli, options="gap = 0.8, silent = false").invoke("doctor", "toy", "--json").data
        assert data["labels"] == {"overfitting": 4}
        assert [one["labels"] for one in data["remarks"]] == [["overfitting"]]

    def test_without_a_validation_curve_nothing_is_guessed(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        assert cli.invoke("doctor", "toy", "--json").data["labels"] == {Label.TOO_EARLY: 4}


class TestTrial:
    def test_object(self, cli: CliRunner) -> None:
        data = study(cli).invoke("doctor", "toy", 2, "--json").data
        assert (data["trial"], data["state"], data["epochs"]) == (2, "COMPLETE", 20)
        (finding,) = data["findings"]
        assert (finding["label"], finding["severity"], finding["epochs"]) == ("healthy", "none", [1, 20])
        assert data["not_reported"] == ["lr", "grad_norm", "weight_norm", "update_ratio"]

    def test_text(self, cli: CliRunner) -> None:
        lines = study(cli, epochs=3).invoke("doctor", "toy", 0).out.splitlines()
        (finding,) = cli.invoke("doctor", "toy", 0, "--json").data["findings"]
        assert lines[3:6] == [
            finding["label"],
            f"  evidence  {finding['evidence']}",
            f"  advice    {finding['advice']}",
        ]

    def test_without_train_loss(self, cli: CliRunner) -> None:
        (finding,) = (
            study(cli, options="gap = 0.1, silent = true").invoke("doctor", "toy", 0, "--json").data["findings"]
        )
        assert finding["label"] == Label.TOO_EARLY
        assert "train_loss" in finding["evidence"]


@pytest.mark.parametrize(("words", "named"), [(("toy", "4"), "trial 4"), (("tpy",), "`toy`")])
def test_a_study_or_trial_that_does_not_exist(cli: CliRunner, words: tuple[str, ...], named: str) -> None:
    cli.study()
    cli.run()
    answer = cli.invoke("doctor", *words)
    assert answer.is_refused
    assert answer.names(named)
