"""Exit codes, and how the faults of a study file are listed."""

import pytest

from hpsearch.core import errors
from hpsearch.core.errors import Fault, HpsearchError, Stopped, StudyFileError

EXIT_CODES = {
    "BadInput": 2,
    "StudyFileError": 2,
    "TrainerError": 2,
    "ResourcesError": 2,
    "StudyChanged": 2,
    "Sealed": 2,
    "NotFound": 2,
    "NoTrialSucceeded": 3,
    "StudyBusy": 4,
    "InfrastructureError": 5,
    "JournalError": 5,
    "JournalUnavailable": 5,
    "LeaseLost": 5,
    "DiskError": 5,
    "PoolError": 5,
}


@pytest.mark.parametrize("name", EXIT_CODES)
def test_the_exit_code_of_every_error(name: str) -> None:
    assert getattr(errors, name).exit_code == EXIT_CODES[name]


@pytest.mark.parametrize("signal_number", [2, 15])
def test_a_signal_has_the_exit_code_of_a_shell(signal_number: int) -> None:
    stopped = Stopped(signal_number, "stopped")
    assert stopped.exit_code == 128 + signal_number
    assert HpsearchError.exit_code == 1, "an instance changes nothing for its class"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("study.toml", 14, "space.lr", "low must be > 0"), "study.toml:14 space.lr: low must be > 0"),
        (Fault("study.toml", 3, "", "is not TOML", column=7), "study.toml:3:7: is not TOML"),
        (Fault("--set", 0, "study.seed", "must be >= 0"), "--set study.seed: must be >= 0"),
    ],
)
def test_a_fault_names_its_place(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_all_faults_are_listed_in_the_order_of_their_lines() -> None:
    first, second = Fault("study.toml", 2, "a", "one"), Fault("study.toml", 9, "b", "two")
    error = StudyFileError([second, first])
    assert error.faults == (first, second)
    assert str(error) == f"{first}\n{second}"
