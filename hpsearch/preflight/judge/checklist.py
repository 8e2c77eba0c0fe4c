"""The checks of a preflight, one for each common cause of a training that does not learn.

The causes are from Karpathy 2019, "A Recipe for Training Neural Networks", and Stanford's CS231n, "Babysitting the
learning process". A check is skipped, with the reason, if it cannot be measured with this trainer.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hpsearch.core.trial import EPOCH, Objective
from hpsearch.preflight.judge import first_step_checks as first_steps
from hpsearch.preflight.judge import learning_checks as learning
from hpsearch.preflight.judge.check import Check, skipped
from hpsearch.preflight.measurements import Measurements

USABLE_MEMORY = 0.9
"""The fraction of a GPU's memory that trials may use together."""

CHECKS: Mapping[str, Callable[[Measurements, Objective], Check]] = {
    "metrics": learning.metrics,
    "inputs": first_steps.inputs,
    "outputs": first_steps.outputs,
    "loss at start": first_steps.loss_at_start,
    "loss sign": learning.loss_sign,
    "initial weights": first_steps.initial_weights,
    "gradients": first_steps.gradients,
    "optimizer": first_steps.optimizer,
    "zero_grad": first_steps.zero_grad,
    "eval mode": learning.eval_mode,
    "overfits": learning.overfits,
    "labels": learning.labels,
}
"""The checks by name, in the order of display. `runs` comes before them: if it fails, the others are not made, except
`gradients` where they are the cause."""


def judge(measured: Measurements, objective: Objective, skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """`runs`, and every check that is not in `skip`."""
    runs = learning.runs(measured)
    if runs.outcome == "failed":
        return (runs, first_steps.gradients(measured, objective)) if measured.steps.detached else (runs,)
    checks = [check(measured, objective) for name, check in CHECKS.items() if name not in skip]
    return (runs, *(_without_consequences(check, checks) for check in checks))


def _without_consequences(check: Check, others: Sequence[Check]) -> Check:
    """Skips `labels` if another check failed: a trainer that cannot learn says nothing about the labels."""
    causes = [one.name for one in others if one.name != "labels" and one.stops]
    if check.name == "labels" and check.stops and causes:
        return skipped("labels", f"cannot be judged while other checks fail: {', '.join(causes)}")
    return check


@dataclass(frozen=True)
class Cost:
    """seconds: per epoch, None if no epoch could be timed. host, gpu: peak memory in bytes. gpu_total: bytes of the
    GPU.

    checkpoint: bytes of a full checkpoint. weights: bytes of a checkpoint without objects that only training needs.
    Both are 0 if nothing is tracked. per_gpu: the number of trials that fit on one GPU together; None without a GPU.
    unit: the word for an epoch, see `Objective.unit`.
    """

    seconds: float | None
    host: int
    gpu: int = 0
    gpu_total: int = 0
    checkpoint: int = 0
    weights: int = 0
    unit: str = EPOCH

    @property
    def per_gpu(self) -> int | None:
        if not (self.gpu and self.gpu_total):
            return None
        return max(math.floor(USABLE_MEMORY * self.gpu_total / self.gpu), 1)


def cost(measured: Measurements, replicates: int = 1, unit: str = EPOCH) -> Cost:
    """The cost of a trial. replicates: the number of networks that a trial trains together in one process.

    Host memory that was in use before training counts once; memory of the CUDA context counts for each replicate.
    """
    memory, seconds = measured.memory, measured.trained.seconds if measured.trained else None
    of_all = None if seconds is None else replicates * seconds
    host = memory.idle + replicates * (memory.host - memory.idle)
    checkpoint, weights = replicates * measured.sizes.whole, replicates * measured.sizes.weights
    return Cost(of_all, host, replicates * memory.gpu, memory.gpu_total, checkpoint, weights, unit)
