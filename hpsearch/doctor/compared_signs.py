"""What the other trials of the study say about one: they outrank the signs of its own curve."""

from collections.abc import Sequence

from hpsearch.core.format import number as text
from hpsearch.doctor.curves import Curves
from hpsearch.doctor.evidence import Computed, Fact
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.shape import HIGH_LOSS, SOME_GAP, gap
from hpsearch.doctor.study_evidence import FAR, GOOD, RateResult, StudyEvidence

RATES = frozenset({Label.LR_TOO_HIGH, Label.LR_TOO_LOW})

EXPLAINED = frozenset(
    {
        *(Label.PLATEAU, Label.STILL_IMPROVING, Label.UNDERFITTING, Label.OVERFITTING, Label.METRIC_STUCK),
        *(Label.DECAYED_TOO_EARLY, Label.PLATEAU_AT_END, Label.EXPLODING_GRADIENTS, *RATES),
    }
)
"""Signs that a wrong learning rate has as consequences, where other trials show that it is wrong."""


def compared(found: Sequence[Finding], number: int, c: Curves, evidence: StudyEvidence) -> list[Finding]:
    """The findings without those that other trials contradict, and with what they show.

    number: of the trial, whose findings these are.
    """
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
    """A trial that improves, and is still far behind the best after twice its epochs, is not worth training longer."""
    later = behind(number, c, evidence) if evidence.lacks_later(c) > FAR else None
    return [later if one.label is Label.STILL_IMPROVING and later is not None else one for one in found]


def _contradicted(one: Finding, own: RateResult, evidence: StudyEvidence, c: Curves) -> bool:
    """A rate that is said to be too high (low), where all trials with lower (higher) ones are worse; and a loss that is
    said to be high, where no trial of the study has a lower one."""
    if one.label is Label.UNDERFITTING and c.fraction is None and len(evidence.rates) > 1 and own.lacking <= GOOD:
        return True
    return one.label in RATES and evidence.contradicts(own, upwards=one.label is Label.LR_TOO_LOW)


def _by_rates(c: Curves, own: RateResult, evidence: StudyEvidence) -> Finding | None:
    """Trials with the same other parameters are much better, and all of them have lower (higher) learning rates."""
    better = evidence.better_rates(own)
    lower = [one for one in better if one.rate < own.rate]
    if own.lacking <= FAR or not better or 0 < len(lower) < len(better) or evidence.same_rate_is_good(own):
        return None
    nearest = max(lower, key=lambda one: one.rate) if lower else min(better, key=lambda one: one.rate)
    said = (
        f"trial {nearest.trial} differs in its learning rate alone ({text(nearest.rate)}, here {text(own.rate)}) "
        "and is far better"
    )
    facts = [Computed(said)] + ([c.losses[0].change] if c.losses else [])
    numbers = {"lr": own.rate, "better_lr": nearest.rate, "lacking": own.lacking}
    label = Label.LR_TOO_HIGH if lower else Label.LR_TOO_LOW
    return Finding(label, Severity.WARNING, tuple(facts), numbers, (1, c.last))


def _stays_high(c: Curves) -> bool:
    return c.train is not None and c.train.end > HIGH_LOSS * c.scale and (gap(c) or 0.0) < SOME_GAP


def behind(number: int, c: Curves, evidence: StudyEvidence) -> Finding | None:
    """Its curve shows no fault, and its result is far behind the study's best."""
    lacking = evidence.lacks(c)
    if lacking <= FAR or c.metric is None:
        return None
    said = f"it lacks {lacking:.0%} of what the best trial gained over the typical first epoch"
    facts: list[Fact] = [c.metric.change, Computed(said)]
    if evidence.lacks_later(c) > FAR:
        facts.append(Computed("twice the epochs would not be enough"))
    label = Label.UNDERFITTING if _stays_high(c) and evidence.rate_is_good(number) else Label.BEHIND
    return Finding(label, Severity.WARNING, tuple(facts), {"lacking": lacking}, (1, c.last))
