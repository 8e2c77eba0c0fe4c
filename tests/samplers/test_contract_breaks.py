"""Each clause of the sampler contract is broken by a sampler that is wrong in one way: a grid, and one that draws."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from hpsearch.core.decisions import New, Proposal, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import State
from hpsearch.samplers.base import Sampler
from hpsearch.testing.sampler_contract import SamplerContract
from tests.samplers.test_contract import CASES

Break = Callable[["Broken", History, New], Proposal | None]
"""What is proposed in place of a sound proposal. `Broken.memory` is what it remembers."""


@dataclass
class Broken:
    inner: Sampler
    broken: Break
    ends: bool = True
    memory: dict[str, Any] = field(default_factory=dict)
    slow: bool = False

    def ask(self, history: History) -> Proposal | None:
        proposal = self.inner.ask(history)
        if proposal is None and not self.ends:
            return self.inner.ask(History(history.objective))
        return self.broken(self, history, proposal) if isinstance(proposal, New) else proposal


def outside(_: Broken, history: History, new: New) -> Proposal:
    return replace(new, params={**new.params, "lr": 99.0})


def numbers_of_numpy(_: Broken, history: History, new: New) -> Proposal:
    return replace(new, params={**new.params, "lr": np.float64(new.params["lr"])})


def no_reason(_: Broken, history: History, new: New) -> Proposal:
    return replace(new, reason="")


def too_long(_: Broken, history: History, new: New) -> Proposal:
    return replace(new, until=99)


def global_random_state(_: Broken, history: History, new: New) -> Proposal:
    return replace(new, reason=str(random.random()))


def looks_at_results(_: Broken, history: History, new: New) -> Proposal:
    return replace(new, reason=str([trial.state for trial in history]))


def seed_left_out(_: Broken, history: History, new: New) -> Proposal:
    return replace(new, params={"lr": 0.1}, reason=str(len(history)))


def counts_its_asks(own: Broken, history: History, new: New) -> Proposal:
    own.memory["asks"] = own.memory.get("asks", 0) + 1
    return replace(new, reason=f"ask {own.memory['asks']}")


def remembers_the_longest_history(own: Broken, history: History, new: New) -> Proposal | None:
    own.memory["longest"] = max(len(history), own.memory.get("longest", 0))
    return new if len(history) == own.memory["longest"] else None


def writes_into_the_history(_: Broken, history: History, new: New) -> Proposal:
    if len(history):
        history.put(replace(history[0], origin=history[0].origin + "!"))
    return new


def never_ends(_: Broken, history: History, new: New) -> Proposal:
    return new


def ends_early(_: Broken, history: History, new: New) -> Proposal | None:
    return new if len(history) < 3 else None


def waits_for_the_others(_: Broken, history: History, new: New) -> Proposal | None:
    return None if any(trial.state.is_active for trial in history) else new


def same_point_again(own: Broken, history: History, new: New) -> Proposal:
    return replace(new, params=history[0].params) if len(history) else new


def ends_at_a_failure(_: Broken, history: History, new: New) -> Proposal | None:
    return None if any(trial.state is State.FAILED for trial in history) else new


def ends_at_a_divergence(_: Broken, history: History, new: New) -> Proposal | None:
    return None if any(trial.diverged for trial in history) else new


def resumes_a_failure(_: Broken, history: History, new: New) -> Proposal:
    failed = [trial.number for trial in history if trial.state is State.FAILED]
    return Resume(failed[0], new.until, new.reason) if failed else new


def needs_a_spread(_: Broken, history: History, new: New) -> Proposal | None:
    losses = [history.loss(trial) for trial in history]
    return None if len(losses) > 2 and len(set(losses)) == 1 else new


def holds_what_does_not_pickle(own: Broken, history: History, new: New) -> Proposal:
    own.memory["callback"] = lambda: None
    return new


BREAKS: list[tuple[Break, str]] = [
    (outside, "test_proposals_are_plain_values_within_the_space"),
    (numbers_of_numpy, "test_proposals_are_plain_values_within_the_space"),
    (no_reason, "test_proposals_are_plain_values_within_the_space"),
    (too_long, "test_proposals_are_plain_values_within_the_space"),
    (global_random_state, "test_the_same_seed_gives_the_same_sequence"),
    (looks_at_results, "test_another_seed_gives_other_proposals"),
    (seed_left_out, "test_another_seed_gives_other_proposals"),
    (counts_its_asks, "test_a_new_sampler_with_the_same_history_makes_the_same_proposals"),
    (counts_its_asks, "test_asking_changes_nothing"),
    (writes_into_the_history, "test_asking_changes_nothing"),
    (remembers_the_longest_history, "test_a_shorter_history_gives_the_proposal_of_a_new_sampler"),
    (ends_early, "test_it_ends_within_its_budget"),
    (never_ends, "test_it_ends_within_its_budget"),
    (waits_for_the_others, "test_it_proposes_different_points_while_all_others_are_pending"),
    (same_point_again, "test_it_proposes_different_points_while_all_others_are_pending"),
    (ends_at_a_failure, "test_failed_diverged_and_pruned_trials_do_not_end_it"),
    (ends_at_a_divergence, "test_failed_diverged_and_pruned_trials_do_not_end_it"),
    (ends_at_a_divergence, "test_it_ends_where_every_trial_fails_or_diverges"),
    (resumes_a_failure, "test_it_ends_where_every_trial_fails_or_diverges"),
    (needs_a_spread, "test_equal_losses_do_not_end_it"),
    (holds_what_does_not_pickle, "test_it_pickles"),
]
ONE_KIND_ONLY = {looks_at_results: "grid", seed_left_out: "random"}
BREAKS_OF_KINDS = [
    (kind, how, clause) for kind in ("grid", "random") for how, clause in BREAKS if ONE_KIND_ONLY.get(how, kind) == kind
]


@pytest.mark.parametrize(("kind", "how", "clause"), BREAKS_OF_KINDS, ids=lambda one: getattr(one, "__name__", one))
def test_a_broken_sampler_breaks_its_clause(kind: str, how: Break, clause: str) -> None:
    case = CASES[kind]
    broken = replace(case, make=lambda seed: Broken(case.make(seed), how, ends=how is not never_ends))
    with pytest.raises((AssertionError, AttributeError)):
        getattr(SamplerContract(), clause)(broken)


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_every_clause_can_be_broken(kind: str) -> None:
    broken = {clause for one, _, clause in BREAKS_OF_KINDS if one == kind}
    assert broken == {name for name in vars(SamplerContract) if name.startswith("test_")}
