"""What a process for each trial costs: pairs of trials, one in the worker itself and one isolated, without Ray.

Each pair trains the same small network, so whatever else the machine does hits both. A start is the time from its order
to the first report, with the first checkpoint written; what it costs more is the median of the pairs' differences. On a
machine with other work, the CPU time of the same is closer to what an idle one takes: of the worker, the template and
the trial's process from the order on, without what the process did while it waited for its trial.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

from hpsearch.core.messages import Lost, Reported, Start
from hpsearch.core.trial import Objective, Params
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.workers.isolation.isolated_worker import IsolatedWorker
from hpsearch.workers.pools.ray.reaper import descendants
from hpsearch.workers.worker import Setup, Worker
from tests.benchmarks import timed_toy
from tests.benchmarks.processes import ROOT, measured, progress
from tests.benchmarks.table import Row, Table

PAIRS, EPOCHS = 40, 4

LONG, WARM = 40, 13
"""Epochs of a trial whose epochs are compared one by one, and the epoch from which they count as alike."""

NEW_PROCESSES = 15
"""New Python processes that train the same: each imports torch for seconds."""

TRAINERS: dict[str, tuple[str, Params]] = {
    "no-op": ("tests.benchmarks.trainers:noop", {"slice": 0.0}),
    "network (Adam, BatchNorm, DataLoader)": ("tests.support.torch_toy:train", {"lr": 0.01}),
}

Either = Worker | IsolatedWorker
Times = tuple[float, float, float]


def tables() -> Iterator[Table]:
    starts: list[Row] = []
    processor: list[Row] = []
    epochs: list[Row] = []
    memory: list[Row] = []
    for name, (use, params) in TRAINERS.items():
        progress(name)
        with tempfile.TemporaryDirectory() as folder:
            context = TrainerContext(use, ROOT, {}, Objective("val_loss", "minimize"))
            shared = Worker(Setup(context, Path(folder) / "shared", "u", one_epoch_slices=True))
            isolated = IsolatedWorker(replace(shared.setup, work=Path(folder) / "isolated", isolated=True))
            for worker in (shared, isolated):
                worker.warm_up()
                worker.check(params)
                _trained(worker, params, 0)  # the first records the environment
            pairs = [_pair(shared, isolated, params, number) for number in range(1, PAIRS + 1)]
            for rows, which in ((starts, 0), (processor, 1), (epochs, 2)):
                rows.append((name, *_compared([(one[which], other[which]) for one, other in pairs])))
            memory.append((name, *_memory(isolated, params)))
            isolated.close()
    columns = ("ms", '"none", median', '"process", median', '"none", least', '"process", least', "more, median")
    note = f"{PAIRS} pairs, in turn, without Ray"
    yield Table("From the start of a trial to its first report", columns, starts, note)
    yield Table("CPU time of the same", columns, processor, note)
    yield Table("An epoch", columns, epochs, f"the median of epochs 2 to {EPOCHS} of each trial; {note}")
    columns = ("MiB", "PSS of the template", "PSS of a trial beside it", "private memory of the trial")
    yield Table("Memory", columns, memory, "the trial waits after its first epoch; the next trial's process is there")
    yield from _epochs_one_by_one()


def _epochs_one_by_one() -> Iterator[Table]:
    """A process that has trained before is faster in its first epochs than any new one, whoever started it."""
    progress("epochs one by one")
    params = timed_toy.PARAMS
    by_worker, alone = 'a worker with "none" in a new Python process', "a new Python process without a worker"
    curves: dict[str, list[list[float]]] = {'"none"': [], '"process"': [], by_worker: [], alone: []}
    with tempfile.TemporaryDirectory() as folder:
        shared = Worker(Setup(timed_toy.context(), Path(folder) / "shared", "u"))
        isolated = IsolatedWorker(replace(shared.setup, work=Path(folder) / "isolated", isolated=True))
        for worker in (shared, isolated):
            worker.warm_up()
            worker.check(params)
            _curve(worker, params, 0)
        for number in range(1, PAIRS + 1):
            pair: list[tuple[str, Either]] = [('"none"', shared), ('"process"', isolated)]
            for name, worker in pair if number % 2 else pair[::-1]:
                curves[name].append(_curve(worker, params, number))
            if number <= NEW_PROCESSES:
                curves[by_worker].append(measured("timed_toy", LONG, "worker"))
                curves[alone].append(measured("timed_toy", LONG))
        isolated.close()
    columns = ("ms", "epoch 2", "3", "4", "5", f"{WARM} to {LONG}")
    note = f"{PAIRS} trials, {NEW_PROCESSES} processes"
    for name, statistic in (("median", median), ("least", min)):
        rows = [(kind, *_by_epoch(found, statistic)) for kind, found in curves.items()]
        yield Table(f"The training itself, by epoch, {name}", columns, rows, note)


def _curve(worker: Either, params: Params, number: int) -> list[float]:
    """Milliseconds of each epoch within the trainer, so without its report."""
    reported = _checked(worker.start(Start(number, params, 3, until=LONG, epochs=LONG)))
    times = [report.metrics["ms"] for report in reported.reports]
    while len(times) < LONG:
        times += [report.metrics["ms"] for report in _checked(worker.advance()).reports]
    worker.release(over=True)
    return times


def _by_epoch(curves: list[list[float]], statistic: Callable[[list[float]], float]) -> list[float]:
    firsts = [statistic([curve[epoch - 1] for curve in curves]) for epoch in (2, 3, 4, 5)]
    return [*firsts, statistic([ms for curve in curves for ms in curve[WARM - 1 :]])]


def _trained(worker: Either, params: Params, number: int) -> Times:
    """Seconds to the first report, CPU seconds of the same, and seconds of an epoch after it."""
    before = _cpu_seconds(worker)
    began = time.perf_counter()
    _checked(worker.start(Start(number, params, 3, until=EPOCHS, epochs=EPOCHS)))
    first, times = time.perf_counter() - began, []
    after = _cpu_seconds(worker)
    cpu = sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items() if pid in before)
    for _ in range(EPOCHS - 1):
        began = time.perf_counter()
        _checked(worker.advance())
        times.append(time.perf_counter() - began)
    worker.release(over=True)
    return first, cpu, median(times)


def _cpu_seconds(worker: Either) -> dict[int, float]:
    """Of this process, and of the template and the processes below it, by pid."""
    pids = {os.getpid()}
    if isinstance(worker, IsolatedWorker):
        assert worker._template is not None
        template = worker._template._process.pid
        pids |= {template, *descendants([template])}
    found = {}
    for pid in pids:
        with suppress(OSError):  # the process of the trial before has ended
            found[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return found


def _checked(came: Reported | Lost) -> Reported:
    assert isinstance(came, Reported), came
    assert came.failure is None, came.failure
    return came


def _pair(shared: Worker, isolated: IsolatedWorker, params: Params, number: int) -> tuple[Times, Times]:
    """Which of them is first changes, since the second finds the caches warm."""
    if number % 2:
        one, other = _trained(shared, params, number), _trained(isolated, params, number)
    else:
        other, one = _trained(isolated, params, number), _trained(shared, params, number)
    return one, other


def _compared(pairs: list[tuple[float, float]]) -> Row:
    ones, others = zip(*pairs, strict=True)
    values = (median(ones), median(others), min(ones), min(others), median(other - one for one, other in pairs))
    return [1e3 * value for value in values]


def _memory(worker: IsolatedWorker, params: Params) -> Row:
    reported = _checked(worker.start(Start(PAIRS + 1, params, 3, until=1, epochs=EPOCHS)))
    assert reported.reports
    time.sleep(1.0)
    assert worker._template is not None
    template = worker._template._process.pid
    trial = min(descendants([template]))  # the one that waits for the next trial was started later
    row = [_mebibytes(template)["Pss"], _mebibytes(trial)["Pss"], _mebibytes(trial)["Private_Dirty"]]
    worker.release(over=True)
    return row


def _mebibytes(pid: int) -> Mapping[str, float]:
    """proc(5), smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) / 1024 for name, _, rest in (line.partition(":") for line in lines)}
