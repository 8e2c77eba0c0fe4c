"""The state of studies in words."""

from hpsearch.cli.text.status import text
from hpsearch.core.decisions import Decision
from hpsearch.core.history import BestTrial
from hpsearch.core.time_left import Span
from hpsearch.records.study_status import StudyStatus

DONE = StudyStatus("toy", "COMPLETE", None, {"complete": 4}, 12, 3.5, None, None, BestTrial(2, 0.25, 3, {"x": 0.1}))
RUNS = StudyStatus("other", "RUNNING", "process 7 on here", {"running": 1, "complete": 1}, 3, 1.0, None, None, None)


def test_no_study() -> None:
    assert text([]) == "no study is recorded here"


def test_a_line_for_each() -> None:
    new = StudyStatus("new", "INTERRUPTED", None, {"complete": 0}, 0, 0.0, None, None, None)
    assert text([DONE, RUNS, new]).splitlines() == [
        "study  state        trials                 epochs  best",
        "toy    COMPLETE     4 complete             12      0.25 (trial 2, epoch 3)",
        "other  RUNNING      1 running, 1 complete  3       none yet",
        "new    INTERRUPTED  none                   0       none yet",
        "INTERRUPTED: the process that ran the study has ended; `hpsearch run` with the same file resumes it",
    ]


def test_a_single_study_has_its_preflight_and_its_process() -> None:
    whole = StudyStatus(
        "toy", "RUNNING", "process 7 on here", {"running": 1}, 3, 1.0, "9 checks passed", "lr falls", None
    )
    left = StudyStatus(**{**vars(whole), "seconds_left": Span(60.0, 120.0)})
    assert text([left]).splitlines()[2:] == [
        "preflight: 9 checks passed",
        "lr falls",
        "run by process 7 on here",
        "1 to 2 min left",
    ]


def test_its_last_decisions() -> None:
    latest = [
        Decision("over", "the budget is spent", at=0),
        Decision("complete", "trained all 3 epochs", number=3, step=3, at=0),
    ]
    assert text([DONE], latest).splitlines()[2:] == [
        "",
        "last decisions",
        "                  over      the budget is spent",
        "trial 3  epoch 3  complete  trained all 3 epochs",
    ]
