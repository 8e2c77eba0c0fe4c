"""The labelled set itself, and a few of its trainings from the beginning."""

from collections.abc import Iterator

import pytest
import torch

from hpsearch.core.trial import Trial
from hpsearch.doctor.diagnosis import diagnose
from tests.doctor.curve import LOSS
from tests.doctor.faults import FAULTS, Case, cases
from tests.doctor.trainings import train


@pytest.fixture
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_halves_have_no_seed_in_common() -> None:
    develop, report = set(cases("develop")), set(cases("report"))
    assert {case.seed % 2 for case in develop} == {0}
    assert {case.seed % 2 for case in report} == {1}
    assert len(develop) == len(report) == 700


def test_every_class_has_ten_seeds_in_each_half() -> None:
    for half in ("develop", "report"):
        found = list(cases(half))  # type: ignore[arg-type]
        for name, fault in FAULTS.items():
            for task in fault.tasks:
                assert sum((case.fault, case.task) == (name, task) for case in found) >= 10


def test_a_setup_follows_from_its_case() -> None:
    case = Case("2 inputs", "digits", 4)
    assert case.setup == case.setup
    assert case.setup != Case("2 inputs", "digits", 6).setup


@pytest.mark.usefixtures("_one_thread")
@pytest.mark.parametrize("fault", ["none", "learning rate x 300", "all weights 0", "6 to 10 epochs, gently"])
def test_a_new_training_is_diagnosed_correctly(fault: str) -> None:
    case = Case(fault, "digits", 0)
    setup = case.setup
    seen = Trial(0, {"lr": setup.lr}, setup.seed, setup.epochs, curve=train(setup))
    assert diagnose(seen, LOSS)[0].label in FAULTS[fault].labels
