import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from hpsearch.core.decisions import New, Over, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Params, Report, State
from hpsearch.samplers.coarse_to_fine import CoarseToFine, RoundProgress
from hpsearch.samplers.recipe.search_ranges import next_ranges
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS, Simulation, diverges, flat


@dataclass(frozen=True)
class Round:
    trials: int
    epochs: int


SPACE = Space(
    (
        Float("lr", 1e-5, 1.0, log=True),
        Choice("optimizer", ("sgd", "adam")),
        Float("momentum", 0.0, 0.99, when={"optimizer": ("sgd",)}),
    )
)
ROUNDS = (Round(24, 3), Round(12, 10), Round(6, 30))


def searcher(rounds: Sequence[Round] = ROUNDS, space: Space = SPACE, keep: float = 0.5) -> CoarseToFine:
    return CoarseToFine(space, 0, rounds, keep, top=0.25, margin=0.1)


def valley(params: Params, epoch: int) -> float:
    """Best at lr = 0.01 for any other values; better with every epoch."""
    return abs(math.log10(float(params["lr"]) / 0.01)) + 1 / epoch


def rising(params: Params, epoch: int) -> float:
    return valley(params, 1) + 100 * epoch


def run(
    rounds: Sequence[Round] = ROUNDS, parallel: int = 1, seed: int = 0, history: History | None = None
) -> Simulation:
    return Simulation(searcher(rounds), valley, epochs=30, parallel=parallel, seed=seed, history=history).run()


def test_the_rounds_have_their_proposals_their_epochs_and_their_kept_trials() -> None:
    proposals = run().proposals
    for number, round_ in enumerate(ROUNDS, start=1):
        own = [proposal for proposal in proposals if proposal.round == number]
        assert len(own) == round_.trials
        assert {proposal.until for proposal in own} == {round_.epochs}
        kept = [proposal for proposal in own if isinstance(proposal, Resume)]
        assert own[: len(kept)] == kept
        assert len(kept) == (0 if number == 1 else round_.trials // 2)


def test_the_best_are_continued_in_the_order_of_their_rank() -> None:
    simulation = run()
    first = sorted(list(simulation.history)[:24], key=lambda trial: valley(trial.params, 3))
    kept = [p for p in simulation.proposals if isinstance(p, Resume) and p.round == 2]
    assert [proposal.number for proposal in kept] == [trial.number for trial in first[:6]]
    assert all(simulation.history[trial.number].state is State.PAUSED for trial in first[6:])


def test_no_epoch_is_trained_twice() -> None:
    for trial in run(parallel=3).history:
        assert [report.step for report in trial.curve] == list(range(1, trial.epoch + 1))
        assert trial.epoch == ROUNDS[trial.round - 1].epochs


def test_the_search_does_not_depend_on_workers_or_the_order_of_ends() -> None:
    alone = run().proposals
    for seed, parallel in ((1, 2), (2, 5), (3, 40)):
        assert run(parallel=parallel, seed=seed).proposals == alone


def test_a_round_waits_for_the_one_before() -> None:
    simulation = Simulation(searcher(), valley, epochs=30, parallel=30).run(turns=20)
    assert len(simulation.history) == 24
    assert simulation.sampler.ask(simulation.history) is None
    simulation.run(turns=4)
    assert isinstance(simulation.sampler.ask(simulation.history), Resume)


def test_new_trials_are_drawn_from_the_ranges_of_their_round() -> None:
    simulation = run()
    ranges = searcher().ranges(simulation.history)
    assert [len(of_round) for of_round in ranges] == [2, 2, 2]
    lows, highs = [of_round[0].low for of_round in ranges], [of_round[0].high for of_round in ranges]
    assert lows[0] < lows[1] <= 0.01 <= highs[1] < highs[0]
    assert highs[2] / lows[2] < highs[1] / lows[1]
    for proposal in simulation.proposals:
        if isinstance(proposal, New):
            assert lows[proposal.round - 1] <= proposal.params["lr"] <= highs[proposal.round - 1]
    reasons = [proposal.reason for proposal in simulation.proposals if isinstance(proposal, New)]
    assert reasons[0] == "round 1: drawn from the full space"
    assert reasons[-1].startswith(f"round 3: drawn from the search ranges lr {ranges[2][0].range}")


def test_the_ranges_of_a_round_do_not_change_while_it_runs() -> None:
    simulation = Simulation(searcher(), valley, epochs=30, parallel=2)
    seen: list[object] = []
    while True:
        ranges = searcher().ranges(simulation.history)
        assert ranges[: len(seen)] == tuple(seen)
        seen = list(ranges)
        before = len(simulation.proposals), simulation.history.ended
        simulation.run(turns=1)
        if (len(simulation.proposals), simulation.history.ended) == before:
            break
    assert len(seen) == 3


def test_a_trial_that_fails_in_a_later_round_does_not_change_its_ranges() -> None:
    def breaks(params: Params, epoch: int) -> float:
        if epoch == 7:
            raise ArithmeticError
        return math.nan if epoch == 5 and params["optimizer"] == "sgd" else valley(params, epoch)

    simulation = Simulation(searcher(), breaks, epochs=30).run()
    assert len(simulation.proposals) == 42
    assert searcher().ranges(simulation.history)[:2] == searcher().ranges(run().history)[:2]


def test_new_trials_replace_those_that_were_pruned() -> None:
    simulation = Simulation(searcher(), valley, epochs=30, prune=lambda number: number not in (3, 4)).run()
    assert len(simulation.proposals) == 42
    second = [proposal for proposal in simulation.proposals if proposal.round == 2]
    assert {p.number for p in second if isinstance(p, Resume)} == {3, 4}
    assert len(second) == 12


def test_without_results_the_ranges_stay() -> None:
    simulation = Simulation(searcher(), diverges, epochs=30).run()
    assert len(simulation.proposals) == 42
    assert {one.range for of_round in searcher().ranges(simulation.history) for one in of_round} == {
        "[1e-05, 1]",
        "[0, 0.99]",
    }


def test_a_maximised_metric_is_ranked_and_shown_without_negation() -> None:
    accuracy = Objective("val_accuracy", "maximize")
    simulation = Simulation(
        searcher(), lambda params, epoch: 1 - 0.1 * valley(params, epoch), epochs=30, objective=accuracy
    ).run()
    alike = run().proposals
    assert [p.number for p in simulation.proposals if isinstance(p, Resume)] == [
        p.number for p in alike if isinstance(p, Resume)
    ]
    kept = next(p for p in simulation.proposals if isinstance(p, Resume))
    value = f"{1 - 0.1 * valley(simulation.history[kept.number].params, 3):.4g}"
    assert kept.reason == f"round 2: rank 1 of 24 (val_accuracy {value}), continued to epoch 10"


def test_a_round_can_be_appended() -> None:
    two = run(ROUNDS[:2])
    assert run(history=two.history).proposals == run().proposals[36:]


def test_the_next_round_is_planned_without_the_epochs_of_hpsearch_extend() -> None:
    """Values of different epochs are not compared."""
    history = run(ROUNDS[:2]).history
    before = searcher().ranges(history)
    for trial in [one for one in history if one.round == 2][1::2]:
        history.put(replace(trial, state=State.COMPLETE, curve=(*trial.curve, Report(30, {"val_loss": -9.0}))))
    assert (len(before), searcher().ranges(history)) == (3, before)


def test_more_trials_in_the_last_round_are_added() -> None:
    larger = (*ROUNDS[:2], Round(10, 30))
    added = run(larger, history=run().history).proposals
    assert len(added) == 4
    assert {proposal.round for proposal in added} == {3}
    assert sum(isinstance(proposal, Resume) for proposal in added) == 2  # half of ten, minus three continued before
    assert run(larger, history=run(larger).history).proposals == []


def test_an_interrupted_search_equals_an_uninterrupted_one() -> None:
    for turns in (5, 24, 27, 36, 40):
        first = Simulation(searcher(), valley, epochs=30).run(turns=turns)
        assert first.proposals + run(history=first.history).proposals == run().proposals


def test_a_trial_at_the_epoch_of_the_next_round_is_not_continued() -> None:
    simulation = Simulation(searcher((Round(6, 3), Round(4, 3))), valley, epochs=30).run()
    assert not any(isinstance(proposal, Resume) for proposal in simulation.proposals)
    assert len(simulation.proposals) == 10


@pytest.mark.parametrize(("keep", "kept"), [(0.0, 0), (0.01, 1), (0.28, 7), (1.0, 25)])
def test_the_fraction_of_continued_trials_is_rounded_up(keep: float, kept: int) -> None:
    simulation = Simulation(searcher((Round(25, 1), Round(25, 2)), keep=keep), flat, epochs=2).run()
    assert sum(isinstance(proposal, Resume) for proposal in simulation.proposals) == kept
    assert len(simulation.proposals) == 50


def test_only_trials_of_the_previous_round_are_continued() -> None:
    # Judged by the last epoch of a loss that rises, trials that were not continued rank before those that were.
    last = Objective("val_loss", "minimize", at="last")
    simulation = Simulation(searcher((Round(10, 1), Round(4, 2), Round(4, 3))), rising, epochs=3, objective=last).run()
    kept = {
        number: {p.number for p in simulation.proposals if isinstance(p, Resume) and p.round == number}
        for number in (2, 3)
    }
    assert [len(numbers) for numbers in kept.values()] == [2, 2]
    assert kept[3] <= kept[2] | {10, 11}


def test_a_range_is_around_three_trials_at_least() -> None:
    rounds = (Round(6, 1), Round(4, 2))
    history = run(rounds).history
    first, second = searcher(rounds).ranges(history)
    best = sorted(list(history)[:6], key=lambda trial: valley(trial.params, 1))[:3]
    assert second == next_ranges(SPACE, first, [trial.params for trial in best], among=6, margin=0.1)


def test_a_failed_trial_is_ignored_for_any_loss() -> None:
    def tempting(params: Params, epoch: int) -> float:
        if float(params["lr"]) > 0.3 and epoch == 2:
            raise ArithmeticError
        return -100.0 if float(params["lr"]) > 0.3 else valley(params, epoch)

    simulation = Simulation(searcher(), tempting, epochs=30).run()
    assert any(trial.state is State.FAILED for trial in simulation.history)
    assert searcher().ranges(simulation.history)[1][0].high < 0.3


def test_the_progress_of_each_round() -> None:
    simulation = Simulation(searcher(), valley, epochs=30).run(turns=28)
    assert searcher().progress(simulation.history) == [
        RoundProgress(0, 24, 0),
        RoundProgress(24, 24, 4),
        RoundProgress(24, 24, 0),
    ]
    assert searcher().progress(run().history) == [
        RoundProgress(0, 24, 0),
        RoundProgress(24, 30, 6),
        RoundProgress(30, 33, 3),
    ]


def test_with_expand_the_search_leaves_the_range_of_the_file() -> None:
    space = Space((Float("lr", 1e-5, 1e-4, log=True, expand=True), Int("hidden", 1, 4)))
    simulation = Simulation(
        searcher((Round(20, 1), Round(20, 2), Round(20, 3)), space), valley, epochs=3, objective=LOSS
    ).run()
    lrs = [float(trial.params["lr"]) for trial in simulation.history]
    assert max(lrs[:20]) <= 1e-4 < max(lrs)


SMALL = Space((Int("n", 1, 5), Int("m", 0, 3)))


def cliff(params: Params, epoch: int) -> float:
    return (float(params["n"]) - 5) ** 2 + float(params["m"]) + 1 / epoch


@pytest.mark.parametrize(
    ("space", "sizes"),
    [
        (SMALL, ((8, 1), (6, 2), (4, 4))),
        (SMALL, ((18, 1), (8, 2), (6, 4))),
        (SMALL, ((30, 1), (20, 2), (20, 4))),
        (Space((Choice("n", (1, 2)), Choice("m", (0, 3)))), ((8, 1), (6, 2), (4, 4))),
        (Space((Int("n", 1, 3), Choice("m", (0,)))), ((2, 1), (2, 2), (6, 3), (2, 4))),
    ],
)
@pytest.mark.parametrize("parallel", [1, 3])
def test_no_point_has_two_trials(space: Space, sizes: Sequence[tuple[int, int]], parallel: int) -> None:
    rounds = [Round(trials, epochs) for trials, epochs in sizes]
    simulation = Simulation(searcher(rounds, space), cliff, epochs=4, parallel=parallel).run()
    history = simulation.history
    points = [tuple(trial.params.items()) for trial in history]
    assert len(set(points)) == len(points)
    ended = simulation.sampler.ask(history)
    of_rounds = [sum(one.round == number for one in simulation.proposals) for number in range(1, len(rounds) + 1)]
    is_short = of_rounds != [one.trials for one in rounds]
    assert isinstance(ended, Over) == is_short
    if is_short:
        assert (ended.cause, len(points)) == (Cause.EXHAUSTED, space.size())
    assert any(trial.epoch == 4 for trial in history)


def test_a_round_without_new_points_continues_more_trials() -> None:
    space = Space((Choice("n", (1, 2)), Choice("m", (0, 3))))
    simulation = Simulation(searcher((Round(8, 1), Round(3, 2), Round(3, 4)), space), cliff, epochs=4).run()
    assert [len(trial.curve) for trial in sorted(simulation.history, key=lambda t: cliff(t.params, 4))] == [4, 4, 4, 1]
    assert simulation.proposals[0].notes[0] == "round 1: 4 trials, trained to epoch 1"
