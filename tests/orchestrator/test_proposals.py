import threading
from dataclasses import dataclass, field, replace

import pytest

from hpsearch.core.decisions import New, Proposal, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Report, State, Trial
from hpsearch.orchestrator.proposals import Proposals
from hpsearch.pruners.halving import Halving
from hpsearch.samplers.promoting import Promoting
from tests.support.studies import LOSS, ListSampler

PATIENCE = 60.0


def trials(count: int, **changes: int) -> History:
    """So many trials; each was started when the one before had ended."""
    return History(
        LOSS,
        [
            Trial(n, {}, 0, 5, State.COMPLETE, curve=(Report(1, {"val_loss": 1.0}),), ended=n + 1, ended_before=n)
            for n in range(count)
        ],
    )


@dataclass
class Slow:
    """Answers when `may` is set. `asked`: what it was shown each time: how many trials, and which had ended."""

    slow: bool = True
    may: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[int, list[int]]] = field(default_factory=list)
    nothing: bool = False

    def ask(self, history: History) -> Proposal | None:
        self.asked.append((len(history), [trial.number for trial in history if trial.ended]))
        assert self.may.wait(PATIENCE)
        if len(history) == 3:
            raise ArithmeticError("singular")
        return None if self.nothing else New({"n": len(history)}, 5, "thought of")


class TestPrompt:
    def test_is_asked_when_there_is_room_and_only_then(self) -> None:
        proposals = Proposals(ListSampler([{"x": 1}]))
        history = trials(0)
        proposals.ask_ahead(history)
        proposals.wait(PATIENCE)
        assert proposals.take(history) == New({"x": 1}, 100, "listed 0")
        assert not proposals.is_asking
        assert proposals.take(trials(1)) is None


class TestPromoting:
    """With a slow sampler of new trials: what is promoted does not wait for it."""

    def test_a_promoted_trial_continues_while_the_sampler_is_asked(self) -> None:
        sampler = Slow()
        proposals = Proposals(Promoting(sampler, Halving(1, 3, 5, promote=True), 5))
        paused = [replace(one, state=State.PAUSED, curve=(Report(1, {"val_loss": one.number}),)) for one in trials(3)]
        history = History(LOSS, paused)
        found = proposals.take(history)
        assert isinstance(found, Resume)
        assert (found.number, found.until) == (0, 5)
        history.put(replace(history[0], state=State.RUNNING))
        assert proposals.take(history) is None
        assert proposals.is_asking
        sampler.may.set()

    def test_at_the_end_the_best_one_trains_on(self) -> None:
        sampler = Slow(nothing=True)
        sampler.may.set()
        proposals = Proposals(Promoting(sampler, Halving(1, 3, 5, promote=True), 5))
        paused = [replace(one, state=State.PAUSED, curve=(Report(1, {"val_loss": one.number}),)) for one in trials(2)]
        proposals.ask_ahead(History(LOSS, paused))
        proposals.wait(PATIENCE)
        found = proposals.take(History(LOSS, paused))
        assert isinstance(found, Resume)
        assert found.number == 0


class TestSlow:
    def test_a_patient_one_is_waited_for(self) -> None:
        sampler = Slow()
        sampler.may.set()
        proposals = Proposals(sampler, patient=True)
        assert proposals.take(trials(0)) == New({"n": 0}, 5, "thought of")
        assert not proposals.is_asking

    def test_is_not_waited_for(self) -> None:
        sampler = Slow()
        proposals = Proposals(sampler)
        assert proposals.take(trials(0)) is None
        assert proposals.is_asking
        sampler.may.set()
        proposals.wait(PATIENCE)
        assert proposals.is_asking, "an answer that has just come is no `nothing`: it is taken first"
        assert proposals.take(trials(0)) == New({"n": 0}, 5, "thought of")
        assert not proposals.is_asking

    def test_a_wait_ends(self) -> None:
        sampler = Slow()
        proposals = Proposals(sampler)
        proposals.take(trials(0))
        proposals.wait(0.0)
        assert proposals.is_asking
        sampler.may.set()  # its thread ends, and another test's may ask

    def test_is_asked_once_for_a_trial(self) -> None:
        sampler = Slow()
        proposals = Proposals(sampler)
        for _ in range(3):
            proposals.ask_ahead(trials(1))
            proposals.take(trials(1))
        sampler.may.set()
        proposals.wait(PATIENCE)
        assert proposals.take(trials(1)) is not None
        assert len(sampler.asked) == 1

    def test_is_asked_ahead_with_a_fixed_history(self) -> None:
        """For trial 2 it sees what had ended when trial 1 was started: trial 0, although trial 1 has ended too."""
        sampler = Slow()
        sampler.may.set()
        proposals = Proposals(sampler)
        proposals.ask_ahead(trials(2))
        proposals.wait(PATIENCE)
        assert sampler.asked == [(2, [0])]

    def test_none_is_a_valid_answer(self) -> None:
        sampler = Slow(nothing=True)
        sampler.may.set()
        proposals = Proposals(sampler)
        proposals.take(trials(0))
        proposals.wait(PATIENCE)
        assert proposals.take(trials(0)) is None
        assert not proposals.is_asking

    def test_what_it_raises_is_raised_where_the_answer_is_taken(self) -> None:
        sampler = Slow()
        sampler.may.set()
        proposals = Proposals(sampler)
        proposals.ask_ahead(trials(3))
        proposals.wait(PATIENCE)
        with pytest.raises(ArithmeticError, match="singular"):
            proposals.take(trials(3))
