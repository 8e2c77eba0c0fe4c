"""The decisions of one turn of the loop, before they are recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hpsearch.core.decisions import Decision, Verdict
from hpsearch.core.messages import Order, Provenance
from hpsearch.core.trial import Report, Trial
from hpsearch.orchestrator.observers import Observer


@dataclass
class Turn:
    """The decisions of one turn. They are recorded, then carried out, then shown.

    unsaved: why trials of this trainer have no checkpoints, if it was found in this turn. warnings: about the trainer.
    """

    trials: dict[int, Trial] = field(default_factory=dict)
    reports: list[tuple[int, Report]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    provenance: list[tuple[int, Provenance]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    judged: list[tuple[Trial, Verdict]] = field(default_factory=list)
    ended: list[Trial] = field(default_factory=list)
    started: list[tuple[Trial, tuple[str, ...]]] = field(default_factory=list)
    unsaved: str = ""
    warnings: list[str] = field(default_factory=list)

    def show(self, observers: Sequence[Observer]) -> None:
        """Notify the observers, after the decisions were recorded and carried out."""
        for one in observers if self.unsaved else ():
            one.unsaved(self.unsaved)
        for warning in self.warnings:
            for one in observers:
                one.warned(warning)
        for trial, verdict in self.judged:
            for one in observers:
                one.reported(trial)
                one.judged(trial, verdict)
        for trial in self.ended:
            for one in observers:
                one.ended(trial)
        for trial, notes in self.started:
            for one in observers:
                one.trial_started(trial, notes)
