"""A simulated search: the loop, sampler and pruner of a study on virtual workers, with curves in place of a trainer."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from hpsearch.core.decisions import Decision, Proposal
from hpsearch.core.history import BestTrial, History, by_arrival
from hpsearch.core.messages import Provenance
from hpsearch.core.trial import Params, Report, Trial, key_of
from hpsearch.orchestrator import build
from hpsearch.orchestrator.evidence import learned_studies
from hpsearch.orchestrator.loop import Loop
from hpsearch.orchestrator.proposals import Proposals
from hpsearch.orchestrator.rules import End
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.promoting import Promoting
from hpsearch.samplers.table_rows import TableRows
from hpsearch.study.definition import Study
from hpsearch.study.space import Choice
from hpsearch.workers.pools.simulated.played_curves import Curves
from hpsearch.workers.pools.simulated.virtual_workers import Fault, Simulated, no_fault

SPREAD = 0.05
"""Relative difference in the duration of a trial's simulated epochs. Without it, all workers would stay in step."""


class DecisionRecorder:
    """A recorder that only keeps the decisions."""

    stop_requested = ""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []

    def write(
        self,
        trials: Iterable[Trial],  # noqa: ARG002
        reports: Iterable[tuple[int, Report]],  # noqa: ARG002
        decisions: Iterable[Decision],
        provenance: Iterable[tuple[int, Provenance]] = (),  # noqa: ARG002
    ) -> None:
        self.decisions += decisions

    def renew(self) -> None: ...


@dataclass
class TimedSampler:
    """Measures the real time of a sampler. seconds: of all asks together."""

    sampler: Sampler
    seconds: float = field(default=0.0, init=False)

    @property
    def slow(self) -> bool:
        return self.sampler.slow

    def ask(self, history: History) -> Proposal | None:
        began = time.perf_counter()
        try:
            return self.sampler.ask(history)
        finally:
            self.seconds += time.perf_counter() - began


@dataclass(frozen=True)
class SimulatedRun:
    """One simulated search.

    seconds: simulated wall clock of this run. proposing: real seconds that the sampler took.
    """

    history: History
    end: End
    seconds: float
    proposing: float
    decisions: Sequence[Decision] = ()

    @property
    def best(self) -> BestTrial | None:
        return BestTrial.of(self.history)

    def best_at(self, epochs: Sequence[int]) -> list[float | None]:
        """The best reported value after each of these total numbers of epochs of all trials; None before the first
        value. Diverged epochs do not count. epochs: ascending."""
        objective, best, values = self.history.objective, math.inf, list[float]()
        for number, report in by_arrival(self.history):
            trial = self.history[number]
            place = next(i for i, one in enumerate(trial.curve) if one.step == report.step)
            if objective.is_in(report):
                best = min(best, objective.loss_at(trial.curve, place))
            values.append(best)
        reached = [values[min(count, len(values)) - 1] if values and count else math.inf for count in epochs]
        return [None if math.isinf(one) else one * objective.sign for one in reached]


def simulate(
    study: Study,
    curves: Curves,
    *,
    workers: int = 1,
    seed: int | None = None,
    rows: Sequence[Params] | None = None,
    spread: float = SPREAD,
    resumes: bool = True,
    fault: Fault = no_fault,
    history: History | None = None,
) -> SimulatedRun:
    """Run the search of a study to its end. Nothing is written, and no trainer is called.

    seed: in place of study.seed. rows: the parameter sets that have curves, if only these can be trained: each proposal
    is replaced by the nearest of them. history: of the search to continue; default: a new search. The others: see
    `Simulated`. NotFound: a study of learn_from is not recorded.
    """
    if seed is not None:
        study = study.model_copy(update={"study": study.study.model_copy(update={"seed": seed})})
    if history is None:
        learned = learned_studies.read(study)
        history = History(study.objective, related=[one.study for one in learned if one.study.trials])
    if rows is not None and all(isinstance(one, Choice) or not one.expand for one in study.space.parameters):
        distinct = {key_of(row): row for row in rows}  # a range with `expand` has rows outside of it
        study = study.with_space(replace(study.space, rows=tuple(distinct.values())))
    made = build.sampler(study)
    timed = TimedSampler(made.sampler if isinstance(made, Promoting) else made)
    new = timed if rows is None else TableRows(timed, study.space, rows)
    began = (
        max((report.at for trial in history for report in trial.curve), default=0) / 1000
    )  # continues the clock of the history
    pool = Simulated(curves, workers, spread=spread, seed=study.study.seed, resumes=resumes, fault=fault, now=began)
    recorded = DecisionRecorder()
    proposals = Proposals(replace(made, sampler=new) if isinstance(made, Promoting) else new, patient=True)
    loop = Loop(
        build.rules(study),
        proposals,
        build.pruner(study),
        build.early_stopping(study),
        pool,
        recorded,
        history,
        clock=pool.clock,
        wall=pool.wall,
    )
    loop.run()
    proposals.wait(math.inf)  # an ask that was started ahead must end before the process does
    return SimulatedRun(history, loop.end, pool.now - began, timed.seconds, recorded.decisions)
