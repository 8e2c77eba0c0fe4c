"""Trials whose length is in training steps (`trainer.unit = "step"`): thousands of steps, some of which are reported.

Defaults for trials of about 30 epochs, such as a first rung of 1 epoch, become shares of trainer.steps.
"""

from collections.abc import Mapping

from hpsearch.study.file.prune_sections import HalvingPrune, HyperbandPrune, MedianPrune
from hpsearch.study.file.section import Section
from hpsearch.study.file.trainer_sections import Trainer
from hpsearch.study.schedule import STEP, first_rung

WARMUP_SHARE = 100
"""The median rule prunes nothing in the first 1 / WARMUP_SHARE of a trial."""


def with_step_defaults(sections: Mapping[str, Section]) -> dict[str, Section]:
    """The sections, in which keys of [prune] that the file does not have become shares of trainer.steps. sections:
    without faults."""
    trainer, prune = sections["trainer"], sections.get("prune")
    if not isinstance(trainer, Trainer) or trainer.word != STEP or prune is None:
        return dict(sections)
    match prune:
        case HalvingPrune(eta=eta) | HyperbandPrune(eta=eta) if "min_epochs" not in prune.model_fields_set:
            changed = {"min_epochs": first_rung(trainer.epochs, STEP, eta)}
        case MedianPrune() if "warmup_epochs" not in prune.model_fields_set:
            changed = {"warmup_epochs": trainer.epochs // WARMUP_SHARE}
        case _:
            return dict(sections)
    return {**sections, "prune": prune.model_copy(update=changed)}
