"""Every opening of a test set is recorded, with its result where there is one."""

import getpass
import platform
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch.evaluation.test_set_ledger import keep_result, last_result, ledger, open_test
from hpsearch.journal import Journal
from tests.contracts.journal_helpers import LOSS, LeasedStudy, lease_study
from tests.evaluation.test_evaluation_result import EVALUATION


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[tuple[Journal, LeasedStudy]]:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db") as journal:
        study = lease_study(journal, "digits")
        with closing(study.writer):
            yield journal, study


def test_who_opened_it_and_for_what(leased: tuple[Journal, LeasedStudy]) -> None:
    journal, study = leased
    first, second = (open_test(journal, study.lease, LOSS, f"trial {number}") for number in (4, 7))
    who = f"opening of the test set, by {getpass.getuser()} on {platform.node()}"
    assert (first.number, first.reason) == (1, f"1st {who}: trial 4")
    assert (second.number, second.reason) == (2, f"2nd {who}: trial 7")
    assert [(one.reason, one.at) for one in ledger(journal, study.study.id)] == [
        (one.reason, one.at) for one in (first, second)
    ]


def test_the_last_opening_has_a_result_or_none(leased: tuple[Journal, LeasedStudy]) -> None:
    journal, study = leased
    assert last_result(journal, study.study.id) is None
    for number in (1, 2):
        opening = open_test(journal, study.lease, LOSS, "trial 4")
        assert (opening.number, last_result(journal, study.study.id)) == (number, None)
        keep_result(journal, study.lease, number, EVALUATION)
        assert last_result(journal, study.study.id) == EVALUATION
