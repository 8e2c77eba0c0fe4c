"""Compares a trial with the other trials of its study. Their results outrank the signs of its own curve."""

from collections.abc import Sequence

from hpsearch.core.format import number as text
from hpsearch.doctor.curves import Curves
from hpsearch.doctor.evidence import Computed, Fact
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.shape import HIGH_LOSS, SOME_GAP, gap, weights_hardly_moved
from hpsearch.doctor.study_evidence import FAR, GOOD, RateResult, StudyEvidence
from hpsearch.doctor.transfer_signs import HELD, TRANSFERS

RATES = frozenset({Label.LR_TOO_HIGH, Label.LR_TOO_LOW})

EXPLAINED = frozenset(
    {
        *(Label.PLATEAU, Label.STILL_IMPROVING, Label.UNDERFITTING, Label.OVERFITTING, Label.METRIC_STUCK),
        *(Label.DECAYED_TOO_EARLY, Label.PLATEAU_AT_END, Label.EXPLODING_GRADIENTS, *RATES),
    }
)
"""Findings that are consequences of a wrong learning rate, if other trials show that it is wrong."""


def compared(found: Sequence[Finding], number: int, c: Curves, evidence: StudyEvidence) -> list[Finding]:
    """The findings of trial `number`, without those that other trials contradict, and with those that they show."""
    own = evidence.of_trial(number)
    found = _without_hopeless(found, number, c, evidence)
    if own is None:
        return found
    kept = [one for one in found if not _contradicted(one, own, evidence, c)]
    shown = _by_rates(c, own, evidence)
    if shown is None:
        return kept
    first = [one for one in kept if one.label is Label.DIVERGED]
    return [*first, shown, *(one for one in kept if one.label not in EXPLAINED | {Label.DIVERGED})]


def _without_hopeless(found: Sequence[Finding], number: int, c: Curves, evidence: StudyEvidence) -> list[Finding]:
    """Omits advice to train longer for a trial that stays far behind the best even after twice its epochs."""
    later = behind(number, c, evidence) if evidence.lacks_later(c) > FAR else None
    return [later if one.label is Label.STILL_IMPROVING and later is not None else one for one in found]


def _contradicted(one: Finding, own: RateResult, evidence: StudyEvidence, c: Curves) -> bool:
    """Whether the finding says that the rate is too high (low), but all trials with lower (higher) rates are worse.

    Also whether it says that the loss is high, but no trial of the study has a lower one. Where the weights hardly
    moved, the result is that of the initial weights, which says nothing about rates.
    """
    if one.label is Label.LR_TOO_LOW and weights_hardly_moved(c) is not None:
        return False
    if one.label is Label.UNDERFITTING and c.fraction is None and len(evidence.rates) > 1 and own.lacking <= GOOD:
        return True
    upwards = one.label is Label.LR_TOO_LOW
    return one.label in RATES and evidence.contradicts(own, upwards, kept=upwards or evidence.keeps(c))


def others_transfer(c: Curves, evidence: StudyEvidence) -> bool:
    """Whether the data teaches another trial what holds for the validation split: its validation loss is far below that
    of untrained trials, and below that of this trial after its first epoch. The first alone may be the level of a
    constant prediction, which this trial has reached too."""
    if c.validation is None or evidence.lowest is None or evidence.loss_level <= 0:
        return False
    from_untrained = (evidence.loss_level - evidence.lowest) / evidence.loss_level
    from_first = (c.validation.first - evidence.lowest) / c.scale
    return from_untrained > TRANSFERS and from_first > HELD


def _by_rates(c: Curves, own: RateResult, evidence: StudyEvidence) -> Finding | None:
    """A finding if trials that differ only in the rate are much better, and all have lower (higher) rates."""
    better = evidence.better_rates(own)
    lower = [one for one in better if one.rate < own.rate]
    if own.lacking <= FAR or not better or 0 < len(lower) < len(better) or evidence.same_rate_is_good(own):
        return None
    nearest = max(lower, key=lambda one: one.rate) if lower else min(better, key=lambda one: one.rate)
    said = (
        f"trial {nearest.trial} differs only in its learning rate ({text(nearest.rate)}, here {text(own.rate)}) "
        "and is far better"
    )
    facts = [Computed(said)] + ([c.losses[0].change] if c.losses else [])
    numbers = {"lr": own.rate, "better_lr": nearest.rate, "lacking": own.lacking}
    label = Label.LR_TOO_HIGH if lower else Label.LR_TOO_LOW
    return Finding(label, Severity.WARNING, tuple(facts), numbers, (1, c.last))


def _stays_high(c: Curves) -> bool:
    return c.train is not None and c.train.end > HIGH_LOSS * c.scale and (gap(c) or 0.0) < SOME_GAP


def behind(number: int, c: Curves, evidence: StudyEvidence) -> Finding | None:
    """A finding if the curve shows no fault, but the result is far behind the study's best."""
    lacking = evidence.lacks(c)
    if lacking <= FAR or c.metric is None:
        return None
    said = f"its distance to the best trial is {lacking:.0%} of the best trial's improvement over a typical first epoch"
    facts: list[Fact] = [c.metric.change, Computed(said)]
    if evidence.lacks_later(c) > FAR:
        facts.append(Computed("twice the epochs would not be enough to catch up"))
    label = Label.UNDERFITTING if _stays_high(c) and evidence.rate_is_good(number) else Label.BEHIND
    return Finding(label, Severity.WARNING, tuple(facts), {"lacking": lacking}, (1, c.last))
