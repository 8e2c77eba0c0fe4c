"""A sampler that may propose only the rows of a table."""

from dataclasses import dataclass

from hpsearch.core.decisions import New, Over, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Params, State, Trial
from hpsearch.samplers.table_rows import TableRows
from hpsearch.study.space import Choice, Float, Space

SPACE = Space((Float("lr", 1e-4, 1.0, log=True), Choice("kind", ("a", "b"))))
ROWS: list[Params] = [{"lr": 1e-3, "kind": "a"}, {"lr": 1e-1, "kind": "a"}, {"lr": 1e-3, "kind": "b"}]


@dataclass
class Fixed:
    proposal: New | Resume | None
    slow: bool = False

    def ask(self, _history: History) -> New | Resume | None:
        return self.proposal


def history(*rows: Params) -> History:
    trials = [Trial(number, row, 0, 1, State.COMPLETE) for number, row in enumerate(rows)]
    return History(Objective("val_loss", "minimize"), trials)


def asked(params: Params, *used: Params) -> object:
    proposal = TableRows(Fixed(New(params, 5, "why")), SPACE, ROWS).ask(history(*used))
    return proposal.params if isinstance(proposal, New) else proposal


def test_the_nearest_row_on_the_searched_axes() -> None:
    assert asked({"lr": 0.02, "kind": "a"}) == ROWS[1]
    assert asked({"lr": 0.005, "kind": "b"}) == ROWS[2]


def test_a_row_that_has_a_trial_is_not_taken_again_unless_it_is_repeated() -> None:
    assert asked({"lr": 0.02, "kind": "a"}, ROWS[1]) == ROWS[0]
    assert asked(ROWS[1], ROWS[1]) == ROWS[1]


def test_the_end_of_the_table() -> None:
    end = asked({"lr": 0.02, "kind": "a"}, *ROWS)
    assert isinstance(end, Over)
    assert (end.cause, end.numbers) == (Cause.EXHAUSTED, {"rows": 3})


def test_other_proposals_pass() -> None:
    resume = Resume(0, 5, "why")
    assert TableRows(Fixed(resume), SPACE, ROWS).ask(history(ROWS[0])) is resume
    assert TableRows(Fixed(None), SPACE, ROWS).ask(history()) is None
