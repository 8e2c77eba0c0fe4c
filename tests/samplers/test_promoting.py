from hpsearch.core.decisions import New, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Params, State, key_of
from hpsearch.pruners.halving import Halving
from hpsearch.samplers.promoting import Promoting
from hpsearch.samplers.random import Random
from hpsearch.testing.sampler_contract import CONDITIONAL, varied_loss
from hpsearch.testing.simulation import LOSS, Loss, Simulation

EPOCHS = 9
HALVING = Halving(1, 3, EPOCHS, promote=True)


def sampler(trials: int) -> Promoting:
    return Promoting(Random(CONDITIONAL, 0, trials, EPOCHS), HALVING, EPOCHS)


def search(trials: int, loss: Loss = varied_loss, parallel: int = 1, history: History | None = None) -> Simulation:
    return Simulation(sampler(trials), loss, epochs=EPOCHS, parallel=parallel, history=history, pruner=HALVING).run()


class EachWorse:
    """The loss of each new trial is worse than those of all before it, at every epoch."""

    def __init__(self) -> None:
        self.order: dict[str, int] = {}

    def __call__(self, params: Params, _epoch: int) -> float:
        return float(self.order.setdefault(key_of(params), len(self.order)))


def test_paused_trials_continue_before_new_ones_start() -> None:
    proposals = search(30).proposals
    assert sum(isinstance(one, New) for one in proposals) == 30
    resumed = [one for one in proposals if isinstance(one, Resume)]
    assert resumed
    assert all(one.until == EPOCHS and one.reason for one in resumed)
    assert isinstance(proposals[-1], New) or search(30).history[proposals[-1].number].epoch > 1


def test_a_third_of_each_rung_is_trained_further() -> None:
    history = search(27, EachWorse()).history
    assert [sum(one.epoch >= rung for one in history) for rung in (1, 3, 9)] == [27, 9, 3]
    assert {one.state for one in history} == {State.PAUSED, State.COMPLETE}


def test_one_trial_trains_to_the_end_where_there_are_fewer_than_eta() -> None:
    history = search(2).history
    assert sorted(one.epoch for one in history) == [1, EPOCHS]


def test_without_checkpoints_nothing_is_resumed() -> None:
    simulation = search(12, history=History(LOSS, restarts=True))
    assert not any(isinstance(one, Resume) for one in simulation.proposals)
    assert State.PAUSED not in {one.state for one in simulation.history}


def test_with_several_workers_too() -> None:
    history = search(27, EachWorse(), parallel=4).history
    assert [sum(one.epoch >= rung for one in history) for rung in (1, 3, 9)] == [27, 9, 3]


def test_a_new_sampler_proposes_the_same_at_every_step() -> None:
    simulation = search(27, parallel=2)
    assert sampler(27).ask(simulation.history) == simulation.sampler.ask(simulation.history)
