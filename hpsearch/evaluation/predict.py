"""Predictions of trained models on validation or test, alone and as mixtures; nothing is trained.

Besides the trainer, a trainer's module has `predict(params, run, part, *, augmented=0)`, `score(predictions)` and
optionally `snapshots(params, run, part)`.
"""

import importlib
import inspect
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.core.errors import TrainerError
from hpsearch.core.replicates import Replicate, Replicates
from hpsearch.core.trial import Report
from hpsearch.evaluation import ensembles
from hpsearch.evaluation.candidates import GREEDY, Candidates, Member, Mixture
from hpsearch.provenance.module_search import module_of
from hpsearch.trainer import arguments, state
from hpsearch.trainer.adapters import side_by_side
from hpsearch.trainer.failures import headline
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.trainer.predictions import Part, Predictions
from hpsearch.trainer.seal import unsealed
from hpsearch.trainer.training_run import Run
from hpsearch.workers import checkpoints

COPIES = 8
"""Augmented copies of every input, for test-time augmentation."""

Scores = Mapping[str, float]
"""Values by metric; the names are those of the trainer's reports without "val_"."""


def scored_as(metric: str) -> str:
    """The name that `score` has for a metric of the trainer's reports."""
    return metric.removeprefix("val_")


@dataclass(frozen=True, slots=True)
class Scored:
    """scores: for each candidate, the scores of its mixtures, in order.

    problems: by a member's index, why it does not predict; "" if the trainer does not offer this way to predict. The
    mixtures are scored without such members (see `Candidates.without`). greedy: the selected mixture; () if none was
    requested. problem: why nothing could be scored.
    """

    scores: Mapping[str, tuple[Scores, ...]] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    greedy: Mixture = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Predict:
    """Predict a part of the data with trained models, and score mixtures of them.

    The greedy ensemble is selected on this part, by the study's objective. opening: for the test part, the entry of the
    test-set ledger. seconds: the time limit.
    """

    candidates: Candidates
    part: Part = "validation"
    opening: str = ""
    seconds: float = 86400.0

    def measure(self, context: TrainerContext) -> Scored:
        """`Scored.problem` says what the trainer lacks, or has the exception of its `score`."""
        try:
            companion = _Companion(context)
            with unsealed(self.opening) if self.part == "test" else nullcontext():
                return _scored(self.candidates, self.part, companion)
        except TrainerError as problem:
            return Scored(problem=str(problem))


def _scored(candidates: Candidates, part: Part, companion: "_Companion") -> Scored:
    predicted: dict[int, Predictions] = {}
    problems: dict[int, str] = {}
    for place in sorted(candidates.indices):
        try:
            predicted[place] = companion.predict(candidates.members[place], part)
        except Exception as problem:  # any exception of a trainer: only this member is left out
            problems[place] = str(problem) if isinstance(problem, _NotOffered | TrainerError) else headline(problem)

    def score(mixture: Mixture) -> Scores:
        return companion.score(ensembles.averaged([predicted[place] for place in mixture]))

    left = candidates.without(problems)
    scores = {name: tuple(score(one) for one in mixtures) for name, mixtures in left.mixtures.items()}
    if not left.greedy_from:
        return Scored(scores, problems)
    chosen = ensembles.greedy([predicted[place] for place in left.greedy_from], companion.loss)
    greedy = tuple(left.greedy_from[i] for i in chosen)
    return Scored({**scores, GREEDY: (score(greedy),)}, problems, greedy)


class _NotOffered(Exception):
    """The trainer does not offer this way to predict, which is not an error."""


class _Companion:
    """`predict`, `score` and `snapshots` of a trainer's module. TrainerError if `predict` or `score` is missing."""

    def __init__(self, context: TrainerContext):
        self._context = context
        if context.program is not None:
            raise TrainerError(
                f"{context.name} has no `predict` and no `score`, so these trials have no predictions and no test "
                "values; they need a trainer in Python (docs/evaluate.md)"
            )
        self._trainer = context.find()
        self._module = importlib.import_module(module_of(context.use, context.folder))
        missing = [name for name in ("predict", "score") if not callable(getattr(self._module, name, None))]
        if missing:
            raise TrainerError(
                f"{self._module.__name__} has no {' and no '.join(f'`{name}`' for name in missing)}, so "
                "these trials have no predictions and no test values; docs/evaluate.md describes both functions"
            )

    def predict(self, member: Member, part: Part) -> Predictions:
        """Raises the trainer's exceptions; TrainerError if the checkpoint is missing."""
        store = checkpoints.CheckpointStore.of(member.work, member.study_uid, member.number)
        snapshot = store.at(member.step)
        if snapshot is None:
            raise TrainerError("; ".join(store.warnings))
        context = self._context
        with tempfile.TemporaryDirectory(prefix="hpsearch-predict-", ignore_cleanup_errors=True) as scratch:
            runs: list[Run] = []

            def run(replicate: Replicate, restored: state.Snapshot) -> Run:
                state.seed_everything(member.seed)
                runs.append(
                    context.run(member.seed, member.epochs, Path(scratch), restored=restored, fold=replicate.fold)
                )
                return runs[-1]

            each = []
            for replicate, own in zip(member.replicates, side_by_side.parts(snapshot, member.replicates), strict=True):
                params = arguments.params_argument(self._trainer, context.params(member.params))
                each.append(self._predicted(member.way, params, partial(run, replicate, own), part))
            for made in runs:
                made.check_fold_was_read()
            return _combined(each, member.replicates, part)

    def _predicted(self, way: str, params: Any, run: Callable[[], Run], part: Part) -> Predictions:
        predict, snapshots = self._module.predict, getattr(self._module, "snapshots", None)
        match way:
            case "augmented":
                return _augmented(predict, params, run, part)
            case "snapshots":
                found = snapshots(params, run(), part) if snapshots else []
                if not found:
                    raise _NotOffered
                return ensembles.averaged([_checked(one) for one in found])
        return _checked(predict(params, run(), part))

    def score(self, predictions: Predictions) -> Scores:
        try:
            scores = {str(name): float(value) for name, value in self._module.score(predictions).items()}
        except Exception as problem:
            raise TrainerError(f"{self._module.__name__}.score: {headline(problem)}") from problem
        if (wanted := scored_as(self._context.objective.metric)) not in scores:
            raise TrainerError(
                f"{self._module.__name__}.score returns {', '.join(scores) or 'nothing'}, but no {wanted}"
            )
        return scores

    def loss(self, predictions: Predictions) -> float:
        """By the study's objective; smaller is better."""
        objective = self._context.objective
        return objective.loss_of(Report(1, {objective.metric: self.score(predictions)[scored_as(objective.metric)]}))


def _combined(each: Sequence[Predictions], replicates: Replicates, part: Part) -> Predictions:
    """The mean over repeats. On validation each fold predicts its own part; on the test set the folds are averaged."""
    if part == "test" or not replicates.folds:
        return ensembles.averaged(each)
    folds = [ensembles.averaged(each[fold :: replicates.folds]) for fold in range(replicates.folds)]
    return Predictions(np.concatenate([one.outputs for one in folds]), np.concatenate([one.targets for one in folds]))


def _augmented(predict: Any, params: Any, run: Callable[[], Run], part: Part) -> Predictions:
    if "augmented" not in inspect.signature(predict).parameters:
        raise _NotOffered
    plain = _checked(predict(params, run(), part))
    varied = _checked(predict(params, run(), part, augmented=COPIES))
    if np.allclose(plain.outputs, varied.outputs, rtol=1e-6, atol=1e-9):  # the parameters have no augmentation
        raise _NotOffered
    return varied


def _checked(predictions: Any) -> Predictions:
    if not isinstance(predictions, Predictions):
        raise TrainerError(
            f"`predict` returned a {type(predictions).__name__}, not hpsearch.Predictions(outputs, targets)"
        )
    if len(predictions.outputs) != len(predictions.targets):
        rows = f"{len(predictions.outputs)} outputs and {len(predictions.targets)} targets"
        raise TrainerError(f"`predict` returned {rows}: every example needs one of each")
    return predictions
