"""Diagnoses in words."""

from dataclasses import replace

import pytest

from hpsearch.cli.text import doctor
from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.diagnosis import Diagnosis, diagnose
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import Remark, diagnose_study
from hpsearch.study.space import Space
from tests.doctor.curve import LOSS, falling, trial


def healthy(number: int, end: float) -> Trial:
    losses = {"train_loss": falling(2.3, end / 2, 20, 0.4), "val_loss": falling(2.3, end, 20, 0.4)}
    return trial(number, params={"lr": 0.1}, **losses)


TRIALS = [healthy(number, 0.1 + number / 100) for number in range(4)]


def screen(*, lines: int = 20, worst: bool = False) -> list[str]:
    overfitted = trial(4, train_loss=falling(2.3, 0.01, 20), val_loss=[*falling(2.3, 1.0, 10), *falling(1.1, 1.7, 10)])
    return doctor.study("toy", diagnose_study([*TRIALS, overfitted], LOSS), lines, worst).splitlines()


def test_a_study_has_its_findings_and_then_the_best_trials() -> None:
    lines = screen()
    assert lines[:4] == [
        "toy: 5 trials (4 healthy, 1 overfitting)",
        "",
        "The best trials have converged: longer training alone will improve them little.",
        "  3 of the best 3 trials: healthy (trials 0, 1, 2)",
    ]
    assert lines[5].split() == ["trial", "value", "state", "finding", "evidence"]
    assert [line.split()[0] for line in lines[6:]] == ["0", "1", "2", "3", "4"]


def test_the_worst_first() -> None:
    assert [line.split()[0] for line in screen(worst=True)[6:]] == ["4", "0", "1", "2", "3"]


def test_a_list_is_bounded() -> None:
    assert screen(lines=1)[7:] == ["4 more: --lines 5 lists all, --worst lists the worst first"]


def test_a_study_without_trials() -> None:
    assert doctor.study("toy", diagnose_study([], LOSS), 20, False) == "toy: 0 trials"


@pytest.mark.parametrize("columns", [60, 200])
def test_a_trial(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    short = trial(0, train_loss=[2.0, 1.0, 0.5], val_loss=[2.0, 1.0, 0.75], params={"lr": 0.1})
    lines = doctor.trial("toy", Diagnosis.of(short, [short], LOSS), Space(())).splitlines()
    assert [line for line in lines if len(line) > columns] == []
    assert " ".join(" ".join(lines).split()) == " ".join(
        [
            "toy, trial 0: COMPLETE, val_loss 0.75 at epoch 3 lr = 0.1",
            "too early to say evidence too few epochs to judge (3; 4 needed)",
            "advice Train for more epochs, and report train_loss and val_loss.",
            "not reported, so not examined: lr, grad_norm, weight_norm, update_ratio",
        ]
    )


def test_a_finding_has_its_severity_and_its_epochs() -> None:
    broken = trial(0, train_loss=[2.3, float("nan")], val_loss=[2.3, float("nan")])
    lines = doctor.trial("toy", Diagnosis(broken, LOSS, diagnose(broken, LOSS)), Space(())).splitlines()
    assert "diverged (severe)" in lines
    assert "  epochs    2 to 2" in lines


def test_metrics_with_other_names_are_explained() -> None:
    short = trial(0, loss=[2.0, 1.0, 0.5], val_acc=[50.0, 75.0, 80.0])
    shown = " ".join(
        doctor.trial("toy", Diagnosis.of(short, [short], Objective("val_acc", "maximize")), Space(())).split()
    )
    assert "metrics as read: loss = train_loss, val_acc = val_accuracy in percent" in shown


def test_advice_that_the_results_contradict_is_not_given() -> None:
    found = diagnose_study(TRIALS, LOSS)
    remark = Remark(
        (Label.LR_TOO_HIGH,), "Search lower learning rates.", (0, 1), 4, True, against="higher ones are better"
    )
    lines = doctor.study("toy", replace(found, remarks=(remark,)), 20, False).splitlines()
    assert " ".join(lines[2:4]).startswith("No change of the learning rate is advised")
    assert "Search lower learning rates." not in lines
