from pathlib import Path

import pytest

from hpsearch.core.messages import Start
from hpsearch.workers.pools.in_process import InProcess
from tests.contracts.pool_contract import MeasurerContract, PoolContract
from tests.support.studies import setup

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def pool(work: Path) -> InProcess:
    return InProcess(setup(work, "either"), workers=2)


class TestInProcess(PoolContract): ...


class TestInProcessMeasures(MeasurerContract): ...


def test_close_lets_go_of_every_trial(work: Path, pool: InProcess) -> None:
    for number in range(2):
        pool.execute(Start(number, {"toy": "tidy"}, seed=0, until=1, epochs=5))
        pool.events(0.0)
    pool.close()
    assert all((work / "scratch" / f"{number:05d}" / "closed").exists() for number in range(2))
    assert pool.room == 2
    pool.close()


def test_they_take_turns_in_the_order_they_were_told_to(pool: InProcess) -> None:
    for number in (5, 3):
        pool.execute(Start(number, {"toy": "learner"}, seed=0, until=1, epochs=5))
    assert [event.number for _ in range(2) for event in pool.events(0.0)] == [5, 3]


def test_an_interrupt_reaches_the_one_who_listens(pool: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C inside the trainer is not the trainer's failure."""

    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("tests.support.toys.abs", interrupted, raising=False)
    pool.execute(Start(0, {"toy": "learner"}, seed=0, until=1, epochs=5))
    with pytest.raises(KeyboardInterrupt):
        pool.events(0.0)
    pool.close()
