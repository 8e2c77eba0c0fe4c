"""A study with finished trials, as if they had been trained: something for a sampler or a reader to look at."""

import math
import uuid
from pathlib import Path

import numpy as np

from hpsearch.core.clock import now_ms
from hpsearch.core.history import History
from hpsearch.core.trial import Params, Report, State, Trial
from hpsearch.journal import Batch, Journal, Owner
from hpsearch.study.definition import Study


def trials(study: Study, count: int) -> list[Trial]:
    """Drawn at random; their losses fall to a level that is a smooth function of the parameters."""
    generator = np.random.default_rng(0)
    return [_trial(study, number, generator) for number in range(count)]


def _trial(study: Study, number: int, generator: np.random.Generator) -> Trial:
    point = generator.random(study.space.dimensions)
    floor, epochs = float(((point - 0.4) ** 2).sum() + 0.02 * generator.random()), study.trainer.epochs
    curve = tuple(Report(epoch, {"val_loss": floor + math.exp(-epoch)}, at=number) for epoch in range(1, epochs + 1))
    params: Params = study.space.from_unit(point.tolist())
    return Trial(
        number,
        params,
        seed=number,
        until=epochs,
        state=State.COMPLETE,
        curve=curve,
        reason=f"trained all {epochs} epochs",
        origin="a random draw",
        ended=number + 1,
        ended_before=number,
    )


def history(study: Study, count: int) -> History:
    return History(study.objective, trials(study, count))


def write(path: Path, count: int) -> None:
    """Into the journal of the study file at `path`, which no run has seen yet."""
    study = Study.load(path)
    with Journal.open(study.journal_url) as journal:
        now = now_ms()
        record = journal.create(study.study.name, study.spec(), study.identity(), now, uid=uuid.uuid4().hex)
        lease = journal.acquire(record.id, Owner.current())
        writer = journal.writer(lease, study.objective)
        finished = trials(study, count)
        writer.write(Batch(finished, [(trial.number, report) for trial in finished for report in trial.curve]))
        writer.close()
        journal.release(lease)
