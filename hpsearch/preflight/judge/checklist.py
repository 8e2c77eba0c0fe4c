"""What a preflight's measurements mean: one check each for what commonly keeps a training from learning.

Lists of these: Karpathy 2019, "A Recipe for Training Neural Networks"; Stanford's CS231n, "Babysitting the learning
process". Nothing is guessed: what a trainer does not let preflight measure is skipped, and said.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hpsearch.core.trial import Objective
from hpsearch.preflight.judge import first_step_checks as first_steps
from hpsearch.preflight.judge import learning_checks as learning
from hpsearch.preflight.judge.check import Check, skipped
from hpsearch.preflight.measurements import Measured

ROOM = 0.9
"""Of a GPU's memory that trials may share."""

CHECKS: Mapping[str, Callable[[Measured, Objective], Check]] = {
    "metrics": learning.metrics,
    "inputs": first_steps.inputs,
    "outputs": first_steps.outputs,
    "loss at start": first_steps.loss_at_start,
    "loss sign": learning.loss_sign,
    "gradients": first_steps.gradients,
    "optimizer": first_steps.optimizer,
    "zero_grad": first_steps.zero_grad,
    "overfits": learning.overfits,
    "labels": learning.labels,
}
"""By name, in the order in which a person should read them; `runs` comes before, without which there is nothing."""


def judge(measured: Measured, objective: Objective, skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """`runs`, and every check that is not in `skip`."""
    runs = learning.runs(measured)
    if runs.outcome == "failed":
        return (runs,)
    checks = [check(measured, objective) for name, check in CHECKS.items() if name not in skip]
    return (runs, *(_in_view_of(check, checks) for check in checks))


def _in_view_of(check: Check, others: Sequence[Check]) -> Check:
    """Where something else is wrong, that nothing is learned is no news, and says nothing about the labels."""
    causes = [one.name for one in others if one.name != "labels" and one.stops]
    if check.name == "labels" and check.stops and causes:
        return skipped("labels", f"nothing can be said about them while this fails: {', '.join(causes)}")
    return check


@dataclass(frozen=True)
class Cost:
    """seconds: of an epoch, None where none could be timed. Bytes at the most: host, gpu; gpu_total: what there is.

    per_gpu: so many trials fit one GPU together; None without one.
    """

    seconds: float | None
    host: int
    gpu: int = 0
    gpu_total: int = 0

    @property
    def per_gpu(self) -> int | None:
        if not (self.gpu and self.gpu_total):
            return None
        return max(math.floor(ROOM * self.gpu_total / self.gpu), 1)


def cost(measured: Measured, replicates: int = 1) -> Cost:
    """replicates: so many of what was measured train side by side in a trial, in one process: what that has before any
    is trained counts once. Of a GPU's memory, what CUDA itself takes counts for each."""
    memory, seconds = measured.memory, measured.trained.seconds if measured.trained else None
    of_all = None if seconds is None else replicates * seconds
    host = memory.idle + replicates * (memory.host - memory.idle)
    return Cost(of_all, host, replicates * memory.gpu, memory.gpu_total)
