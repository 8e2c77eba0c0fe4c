"""Invariants of a search under random events of its trials."""

from collections import Counter
from collections.abc import Sequence
from itertools import count, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from hpsearch.core.decisions import Continue, Decision, Finish, Pause, Stop, Verdict
from hpsearch.core.messages import Start
from tests.support.list_recorder import ENDS, ListRecorder
from tests.support.studies import (
    COMPLETE,
    FAILED,
    PAUSED,
    PRUNED,
    RUNNING,
    WAITING,
    ListSampler,
    RoundsSampler,
    ScriptedPruner,
    Search,
    UnreliablePool,
)

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


ALLOWED = {
    (WAITING, RUNNING),
    (RUNNING, WAITING),
    (RUNNING, COMPLETE),
    (RUNNING, PRUNED),
    (RUNNING, FAILED),
    (RUNNING, PAUSED),
    (PAUSED, RUNNING),
}

losses = st.lists(st.sampled_from(["0.5", "1", "2", "nan", "inf"]), min_size=1, max_size=5).map(" ".join)
fates = st.sampled_from(["", "", "", "gone", "hang", "memory"])
verdicts = st.sampled_from([Stop("s"), Pause("p"), Finish("f"), Continue("g")])
places = st.tuples(st.integers(0, 4), st.integers(1, 4))


@hypothesis(max_examples=100, deadline=None)
@given(
    params=st.lists(losses, min_size=1, max_size=5),
    workers=st.integers(1, 3),
    slow=st.booleans(),
    fate=st.dictionaries(places, fates),
    pruner=st.dictionaries(places, verdicts, max_size=4),
    stop_at=st.integers(0, 30),
    retries=st.integers(0, 2),
)
def test_invariants_under_random_events(
    params: list[str],
    workers: int,
    slow: bool,
    fate: dict[tuple[int, int], str],
    pruner: dict[tuple[int, int], Verdict],
    stop_at: int,
    retries: int,
) -> None:
    """The invariants hold for lost and hung workers, verdicts, divergence and a stop, in any order."""
    with TemporaryDirectory() as folder:
        given_params = [{"losses": each} for each in params]
        sampler = ListSampler(given_params, slow=True) if slow else RoundsSampler(given_params, 2, 5, best=2)
        study = Search(
            Path(folder), sampler, "scripted", workers=workers, retries=retries, stall_seconds=10.0, max_failures=4
        )
        study.pruner = ScriptedPruner(pruner)
        for last in (False, True):
            pool = UnreliablePool(study.pool, lambda order, before: fate.get((order.number, before), ""), study.clock)
            study.pool = pool
            before = len(study.recorder.decisions)
            turns = count()
            loop = study.run(
                lambda loop, turns=turns, last=last: loop.stop("now") if next(turns) == stop_at and not last else None
            )
            check(study.recorder, pool, study.recorder.decisions[before:], finished=not loop.end.stopped)
            if not last:
                study.reopened()
        assert len(study.recorder.trials) <= len(params)


def check(recorder: ListRecorder, pool: UnreliablePool, decisions: Sequence[Decision], finished: bool) -> None:
    states = Counter(trial.state for trial in recorder.trials.values())
    assert sum(states.values()) == len(recorder.trials)
    assert states[RUNNING] == 0
    assert not finished or states[WAITING] == 0
    for number in recorder.trials:
        steps = recorder.changes(number)
        # Off a lost worker and on to another in one turn: the recorder sees RUNNING twice and a decision to wait.
        assert set(pairwise(steps)) <= ALLOWED
    starts = Counter(order.number for order in pool.executed if isinstance(order, Start))
    ends = Counter(decision.number for decision in decisions if decision.kind in ENDS)
    assert starts == ends, "every start has one end"
    ends = [trial.ended for trial in recorder.trials.values() if trial.ended]
    assert len(set(ends)) == len(ends)
