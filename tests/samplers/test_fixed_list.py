from hpsearch.core.decisions import New, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Params, State
from hpsearch.samplers.fixed_list import FixedList, ParameterSet
from hpsearch.testing.simulation import LOSS, Simulation, fails, flat

SETS = [ParameterSet({"x": 0.1}, 3), ParameterSet({"x": 0.2, "y": 1}, 2), ParameterSet({"x": 0.3}, 3)]


def trained(simulation: Simulation) -> list[Params]:
    return [trial.params for trial in simulation.history]


def test_every_set_has_one_trial_before_any_has_two() -> None:
    for parallel in (1, 2, 7):
        done = Simulation(FixedList(SETS, 3), flat, epochs=3, parallel=parallel).run()
        assert trained(done) == [one.params for one in SETS] * 3


def test_each_set_is_trained_to_its_epoch() -> None:
    done = Simulation(FixedList(SETS, 1), flat, epochs=3).run()
    assert [(trial.epoch, trial.state) for trial in done.history] == [
        (3, State.COMPLETE),
        (2, State.PAUSED),
        (3, State.COMPLETE),
    ]


def test_failed_trials_are_not_retrained() -> None:
    assert trained(Simulation(FixedList(SETS, 2), fails, epochs=3).run()) == [one.params for one in SETS] * 2


def test_added_seeds_and_sets_are_trained() -> None:
    first = Simulation(FixedList(SETS[:2], 1), flat, epochs=3).run()
    more = Simulation(FixedList([SETS[2], SETS[1]], 2), flat, epochs=3, history=first.history).run()
    assert trained(more) == [one.params for one in (SETS[0], SETS[1], SETS[2], SETS[2], SETS[1])]


def test_added_epochs_continue_from_the_checkpoint() -> None:
    first = Simulation(FixedList(SETS, 1), flat, epochs=3).run()
    longer = FixedList([ParameterSet(SETS[1].params, 3)], 1)
    resumed = longer.ask(first.history)
    assert isinstance(resumed, Resume)
    assert (resumed.number, resumed.until) == (1, 3)


def test_the_order_of_names_does_not_matter_and_types_do() -> None:
    first = Simulation(FixedList([ParameterSet({"x": 1, "y": 2}, 1)], 1), flat, epochs=1).run()
    assert FixedList([ParameterSet({"y": 2, "x": 1}, 1)], 1).ask(first.history) is None
    assert FixedList([ParameterSet({"y": 2, "x": True}, 1)], 1).ask(first.history) is not None


def test_the_reason_has_the_set_and_the_seed() -> None:
    assert FixedList(SETS, 5).ask(History(LOSS)) == New({"x": 0.1}, 3, "parameter set 1 of 3, seed 1 of 5")
