from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.samplers.grid import Grid
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS, Simulation, fails, flat

SPACE = Space(
    (
        Int("layers", 1, 3),
        Choice("optimizer", ("sgd", "adam")),
        Float("momentum", 0.0, 0.9, grid=(0.0, 0.9), when={"optimizer": ("sgd",)}),
    )
)


def test_every_point_once_in_order_for_any_number_of_workers() -> None:
    for parallel in (1, 4, 20):
        history = Simulation(Grid(SPACE, 1), flat, epochs=1, parallel=parallel).run().history
        assert [trial.params for trial in history] == list(SPACE.grid())


def test_every_point_once_across_a_restart_and_after_failures() -> None:
    first = Simulation(Grid(SPACE, 1), fails, epochs=1, parallel=3).run(turns=4)
    second = Simulation(Grid(SPACE, 1), flat, epochs=1, history=first.history).run()
    assert [trial.params for trial in second.history] == list(SPACE.grid())


def test_it_can_start_at_any_point_of_the_grid() -> None:
    grid, whole = Grid(SPACE, 1), Simulation(Grid(SPACE, 1), flat, epochs=1).run().history
    for number in (5, 2, 3, 8, 0):
        proposal = grid.ask(History(LOSS, list(whole)[:number]))
        assert proposal is not None
        assert proposal.params == whole[number].params


def test_the_reason_has_the_number_of_the_point() -> None:
    proposal = Grid(SPACE, 7).ask(History(LOSS))
    assert proposal == New({"layers": 1, "optimizer": "sgd", "momentum": 0.0}, 7, "grid point 1 of 9")
