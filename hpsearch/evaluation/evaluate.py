"""`hpsearch evaluate`: the best of a search trained again with fresh seeds, and the test set, once.

The finalists are trained by an ordinary study of its own, "NAME evaluation", in the same journal: killed, it goes on
where it was, and nothing is trained twice. Only then, with the winner chosen on validation, is the test set opened.
"""

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from typing import Any

from hpsearch.cli.answer import Answer
from hpsearch.cli.text.evaluate import text, validated
from hpsearch.core.errors import BadInput, InfrastructureError, NoTrialSucceeded, Stopped
from hpsearch.core.format import many, number
from hpsearch.core.seeds import fresh_seed
from hpsearch.core.stopping import stoppable
from hpsearch.core.trial import Trial
from hpsearch.evaluation import finalists
from hpsearch.evaluation.candidates import MOST, Lineup, Source, lineup
from hpsearch.evaluation.scoring import see, unseen
from hpsearch.evaluation.test_set_ledger import (
    evaluation_name,
    keep_result,
    last_result,
    moment,
    open_test,
    openings,
)
from hpsearch.journal import Journal, Lease, StudyRecord, held
from hpsearch.orchestrator import build
from hpsearch.orchestrator.run import FLUSH, search
from hpsearch.progress.terminal import Screen
from hpsearch.records.find import opened, trainable
from hpsearch.study.definition import ParameterSet, Study
from hpsearch.workers.pools.base import Measurer


def evaluate(args: Namespace) -> Iterator[Answer]:
    """What is on record is shown again without a look at any data, unless --again asks for another opening."""
    with opened(args.study, args.journal) as (journal, found):
        record = found.record
        known = None if args.again else last_result(journal, record.id)
        on_record = known is not None
        if known is None:
            study = trainable(journal, record, args.study, args.journal)
            with held(journal, record) as lease:  # nobody searches while the search is evaluated
                known = _known(journal, record, args.again) or _Evaluation(args, journal, record, study, lease).run()
        ledger = openings(journal, record.id)
        since = sum(journal.summary(record.id).trials.values()) - known["searched"]
    data = {**known, "openings": [one.reason for one in ledger], "on_record": on_record, "trials_since": since}
    yield Answer(data, partial(text, data, ledger))


def _known(journal: Journal, record: StudyRecord, again: bool) -> dict[str, Any] | None:
    """What is on record now that nobody else evaluates. BadInput where it is an opening alone."""
    if again:
        return None
    known, ledger = last_result(journal, record.id), openings(journal, record.id)
    if ledger and known is None:
        raise BadInput(
            f'the test set of study "{record.name}" was opened on {moment(ledger[-1].at)}, and no result of that is on '
            "record: its process was ended before. Somebody may have seen it, so another opening is to be asked for: "
            "--again, which is recorded too"
        )
    return known


@dataclass(frozen=True)
class _Evaluation:
    args: Namespace
    journal: Journal
    record: StudyRecord
    study: Study
    lease: Lease

    def run(self) -> dict[str, Any]:
        """The document. NoTrialSucceeded where there is nobody to evaluate, Stopped where it was told to end."""
        objective, trials = self.study.objective, self.journal.trials(self.record.id)
        chosen = finalists.finalists(trials, objective, self.args.top)
        if not chosen:
            raise NoTrialSucceeded(f'study "{self.record.name}" has no trial with a value yet, so there is no finalist')
        study = self._again(chosen)
        _say(
            self.args.quiet, f'training {many(len(chosen), "finalist")} with fresh seeds, as study "{study.study.name}"'
        )
        ranked = finalists.standings(chosen, self._trained(study), objective)
        if not ranked:
            raise NoTrialSucceeded(f'no finalist came to a value: see `hpsearch status "{study.study.name}"`')
        line = self._lineup(study, ranked, finalists.finalists(trials, objective, MOST))
        found = validated(self.study, study, trials, ranked)
        with stoppable("run the same command again to go on"), self._measurer() as measurer:
            seen = see(measurer, line)
            if seen.why:
                return {**found, "test": None, "left_out": seen.left_out, "why": seen.why}
            opening = open_test(self.journal, self.lease, objective, _purpose(ranked, self.args.seeds))
            _say(self.args.quiet, opening.reason)
            tested = {**found, **unseen(measurer, line, seen, opening, objective), "why": ""}
        keep_result(self.journal, self.lease, opening.number, tested)
        self._bring_to_mlflow()
        return tested

    def _bring_to_mlflow(self) -> None:
        """The opening and its result go to the study's run there, as files; where it is away, with `hpsearch sync`."""
        tracker = build.tracker(self.study, self.record)
        tracker.start()
        if (sync := tracker.close(FLUSH)).pending:
            _say(self.args.quiet, f"note: {sync.problem}; `hpsearch sync` brings the result there")

    # Fresh seeds ────────────────────────────────────────────────────────────────────────────────

    def _again(self, chosen: Sequence[Trial]) -> Study:
        """The study that trains the finalists."""
        epochs = self.study.trainer.epochs
        sets = [ParameterSet(params=dict(one.params), epochs=finalists.length(one, epochs)) for one in chosen]
        return self.study.evaluation(
            evaluation_name(self.record), fresh_seed(self.study.study.seed), sets, self.args.seeds
        )

    def _trained(self, study: Study) -> list[Trial]:
        outcome = search(study, quiet=self.args.quiet)
        if outcome.signal is not None:
            raise Stopped(outcome.signal, f"stopped by {outcome.signal.name}: run the same command again to go on")
        if outcome.ending:
            raise InfrastructureError(
                f"the evaluation has stopped: {outcome.ending}. What is trained is kept (`hpsearch status "
                f'"{study.study.name}"`): run the same command again to go on'
            )
        return list(outcome.history)

    def _lineup(self, study: Study, ranked: Sequence[finalists.Standing], searched: Sequence[Trial]) -> Lineup:
        evaluation = self.journal.find(study.study.name)
        assert evaluation is not None, "its trials have just been trained"
        again, before = Source(study, evaluation.uid, "seed"), Source(self.study, self.record.uid, "trial")
        winner, *losers = ([again.member(one) for one in standing.trainings] for standing in ranked)
        return lineup(winner, [one for own in losers for one in own], list(map(before.member, searched)), self.args.top)

    @contextmanager
    def _measurer(self) -> Iterator[Measurer]:
        """One worker, which has what a trial has. What the trainer prints is no data of ours."""
        resources = self.study.resources.model_copy(update={"workers": 1})
        with redirect_stdout(sys.stderr):
            pool, _ = build.pool(self.study.model_copy(update={"resources": resources}), self.record.uid)
            with closing(pool):
                yield pool


def _purpose(ranked: Sequence[finalists.Standing], seeds: int) -> str:
    best = ranked[0]
    among = f"the best of {len(ranked)} finalists" if len(ranked) > 1 else "the only finalist"
    return f"trial {best.trial.number}, {among}, {number(best.spread.mean)} on validation over {seeds} seeds"


def _say(quiet: bool, text: str) -> None:
    with Screen("", None, quiet=quiet, live=False) as screen:
        screen.say(text)
