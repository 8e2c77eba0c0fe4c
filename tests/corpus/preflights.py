"""What the preflight finds in the corpus: `python -m tests.corpus.preflights [--held-back | --unseen] [NAME…]`.

Sound trainings should start, and each fault that the first batches show should be found by the check meant for it. It
takes about ten minutes on one core. `--sound` and `--faults` measure one half.
"""

import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from hpsearch.preflight.judge.check import Check
from hpsearch.preflight.judge.checklist import judge
from hpsearch.preflight.measure.learning import LearningMeasurement
from tests.corpus import stored
from tests.corpus.as_trainers import WITHOUT_LABELS, context
from tests.corpus.planted import FAULTS, SOUND
from tests.corpus.trainers import Trainer, chosen

SEEDS = range(2)
"""Of sound trainings; faults have one seed."""

LEARNING = ("overfits", "labels")
"""Checks that are measured only where one of them is meant for the fault: they take most of the time."""

CAUGHT = {
    "no zero_grad": "zero_grad",
    "no step": "optimizer",
    "labels shuffled": "labels",
    "weights 0": "initial weights",
    "weights x 20": "initial weights",
    "inputs x 100": "inputs",
    "a layer detached": "gradients",
    "units dead": "gradients",
    "softmax twice": "outputs",
    "wrong sign": "loss sign",
}
"""The check that is meant for a fault."""

CLASSIFIERS = (
    *("wine", "one_by_one", "moons", "noisy_labels", "convolutions", "residual", "parity"),
    *("transformer", "fine_tuned", "attention"),
)


@dataclass(frozen=True)
class Tried:
    """checks: those that failed; seconds: of the measurement."""

    trainer: Trainer
    fault: str
    checks: tuple[Check, ...]
    seconds: float

    @property
    def starts(self) -> bool:
        return not any(one.stops for one in self.checks)

    @property
    def names(self) -> str:
        """Warnings in brackets."""
        return ", ".join(one.name if one.stops else f"({one.name})" for one in self.checks) or "nothing"

    @property
    def is_caught(self) -> bool:
        return any(one.name == CAUGHT[self.fault] for one in self.checks)


def can_show(trainer: Trainer, fault: str) -> bool:
    """Whether the fault can be planted in the trainer, can be seen in its first batches, and does harm."""
    if fault in FAULTS and not any(one.harmful for one in stored.trainings(trainer.name) if one.fault == fault):
        return False
    match fault:
        case "labels shuffled":
            return trainer.name not in (*WITHOUT_LABELS, "moons")  # which has no batches
        case "softmax twice":
            return trainer.name in CLASSIFIERS
        case "inputs x 100":  # of letters, or after a normalisation
            return trainer.name not in ("equation", "two_optimizers", "transformer", "attention")
    return True


def tried(trainer: Trainer, fault: str, seed: int = 0) -> Tried:
    params = {"trainer": trainer.name, "fault": fault, "lr": trainer.lr}
    skip = () if CAUGHT.get(fault, LEARNING[0]) in (*LEARNING, "loss sign") else LEARNING
    measured = LearningMeasurement(params, seed, 20, skip=skip).measure(context(trainer.name))
    checks = judge(measured, trainer.objective, skip)
    return Tried(trainer, fault, tuple(one for one in checks if one.outcome == "failed"), measured.seconds)


def table(found: Iterable[Tried]) -> str:
    """One row for each fault."""
    found = list(found)
    lines = ["| fault | check | caught | of | found by others, or not |", "| --- | --- | ---: | ---: | --- |"]
    for fault, check in CAUGHT.items():
        mine = [one for one in found if one.fault == fault]
        others = Counter(f"{one.trainer.name}: {one.names}" for one in mine if not one.is_caught)
        caught = sum(one.is_caught for one in mine)
        lines.append(f"| {fault} | {check} | {caught} | {len(mine)} | {'; '.join(others)} |")
    return "\n".join(lines)


def main(options: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    sound, faulty = [], []
    for trainer in chosen(options):
        for seed in SEEDS if "--faults" not in options else ():
            sound.append(tried(trainer, SOUND, seed))
            print(f"{trainer.name}, sound, seed {seed}: {sound[-1].names}, {sound[-1].seconds:.1f} s", flush=True)
        for fault in CAUGHT if "--sound" not in options else ():
            if can_show(trainer, fault):
                faulty.append(tried(trainer, fault))
                print(f"{trainer.name}, {fault}: {faulty[-1].names}, {faulty[-1].seconds:.1f} s", flush=True)
    stopped = Counter(f"{one.trainer.name}: {one.names}" for one in sound if one.checks)
    print(f"\n{sum(one.starts for one in sound)} of {len(sound)} sound trainings start")
    print("\n".join(f"{count} of {len(SEEDS)}: {what}" for what, count in stopped.items()))
    print("\n" + table(faulty))


if __name__ == "__main__":
    main(sys.argv[1:])
