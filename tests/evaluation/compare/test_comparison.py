"""Comparisons of studies: which leads, by how much, whether that may be chance, and whether it is fair."""

import math
from dataclasses import replace
from statistics import fmean, stdev

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.trial import State
from hpsearch.evaluation.compare.compared_study import ComparedStudy
from hpsearch.evaluation.compare.comparison import Gap
from hpsearch.journal import Environment, TrainingSegment
from tests.evaluation.compare.helpers import compared, comparison, trial

pytestmark = pytest.mark.usefixtures("in_a_folder")

SHORT = [trial(0, 0.9, 0.8), trial(1, 0.7, 0.3)]
LONG = [trial(0, 0.6, 0.5), trial(1, 0.8, 0.4), trial(2, 0.2, 0.1)]


# Which is better ─────────────────────────────────────────────────────────────────────────────────


def test_values_at_equal_cost() -> None:
    rows = comparison(compared("long", LONG), compared("short", SHORT)).equal_cost
    assert [row.epochs for row in rows] == [1, 2, 4], "the shorter one has trained 4"
    assert [row.values for row in rows] == [[0.6, 0.9], [0.5, 0.8], [0.4, 0.3]]
    assert [row.leads for row in rows] == [["long"], ["long"], ["short"]]


def test_the_verdict_is_that_of_the_last_equal_cost() -> None:
    verdict = comparison(compared("long", LONG), compared("short", SHORT)).verdict
    assert verdict is not None
    assert (verdict.epochs, verdict.leads, verdict.value, verdict.noise) == (4, ["short"], 0.3, None)
    assert verdict.behind == [Gap("long", pytest.approx(0.1), may_be_luck=None)]


def test_of_a_metric_that_is_maximised_the_highest_leads() -> None:
    verdict = comparison(*(compared(n, t, 'study.goal="maximize"') for n, t in (("a", SHORT), ("b", LONG)))).verdict
    assert verdict is not None
    assert (verdict.leads, verdict.value) == (["a"], 0.9)


def test_as_a_document() -> None:
    document = comparison(compared("long", LONG), compared("short", SHORT)).document()
    assert list(document) == [
        *("studies", "comparable", "obstacles", "notes", "equal_cost", "verdict", "fresh_seeds", "differences")
    ]
    assert document["equal_cost"][0] == {"epochs": 1, "values": [0.6, 0.9], "leads": ["long"]}
    assert document["verdict"] == {
        "epochs": 4,
        "leads": ["short"],
        "value": 0.3,
        "noise": None,
        "behind": [{"label": "long", "by": pytest.approx(0.1), "may_be_luck": None}],
    }
    assert document["differences"] == [{"from": "long", "to": "short", "file": [], "environment": []}]


# Luck ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_noise_is_estimated_from_searches_that_differ_in_their_seeds() -> None:
    values = {"s0": 0.3, "s1": 0.5, "s2": 0.4}
    searches = [
        compared(name, [trial(0, value)], f"study.seed={seed}") for seed, (name, value) in enumerate(values.items())
    ]
    again = compared("s0 again", [trial(0, 0.3)], "study.seed=0")
    other = compared("other", [trial(0, 0.9)], "search.trials=7")
    verdict = comparison(*searches, again, other).verdict
    assert verdict is not None
    assert verdict.noise is not None
    sd = stdev(values.values())
    assert verdict.noise.noise.sd == pytest.approx(sd)
    assert verdict.noise.noise.limit == pytest.approx(4.3027 * 2**0.5 * sd, rel=1e-4)
    assert (verdict.noise.of, verdict.noise.source) == ("search", "3 searches that differ only in their seeds")
    assert {one.label: one.may_be_luck for one in verdict.behind} == {"s1": True, "s2": True, "other": True}
    assert list(verdict.noise.document()) == ["sd", "freedom", "limit", "of", "from"]


def test_a_difference_above_the_limit_is_no_chance() -> None:
    searches = [compared(f"s{seed}", [trial(0, 0.3 + seed / 1000)], f"study.seed={seed}") for seed in range(4)]
    verdict = comparison(*searches, compared("other", [trial(0, 0.9)], "search.trials=7")).verdict
    assert verdict is not None
    assert {one.label: one.may_be_luck for one in verdict.behind}["other"] is False


def test_the_noise_is_estimated_from_parameters_that_were_trained_again() -> None:
    groups = [(0.1, 0.2, 0.4), (0.5, 0.5, 0.8)]
    trained = [trial(3 * i + j, value, params={"x": i}) for i, own in enumerate(groups) for j, value in enumerate(own)]
    one, other = compared("one", trained), compared("other", SHORT)
    assert one.noise is not None
    assert one.noise.noise.sd == pytest.approx(fmean(stdev(own) ** 2 for own in groups) ** 0.5)
    assert (one.noise.noise.freedom, one.noise.source) == (4, "6 trainings of 2 sets of parameters")
    assert other.noise is None
    verdict = comparison(one, other).verdict
    assert verdict is not None
    assert verdict.noise is not None
    assert (verdict.noise.of, verdict.noise.source) == ("training", "one: 6 trainings of 2 sets of parameters")


# Whether it is fair ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ('study.metric="weight"', "different metrics: val_loss (a), weight (other)"),
        ('study.goal="maximize"', "different goals: minimize (a), maximize (other)"),
        ('study.at="last"', "different epochs by which a trial is judged (study.at): best (a), last (other)"),
        (
            'trainer.use="trainers.iris:train"',
            "different trainers: trainers.digits:train (a), trainers.iris:train (other)",
        ),
        ("trainer.repeats=2", "different folds or repeats: one training a trial (a), 2 repeats (other)"),
    ],
)
def test_values_that_mean_different_things(override: str, says: str) -> None:
    found = comparison(compared("a", SHORT), compared("other", LONG, override))
    assert found.obstacles == [says]
    assert (found.document()["comparable"], found.verdict, found.fresh_seeds) == (False, None, [])
    assert [row.leads for row in found.equal_cost] == [[], [], []]
    assert all(row.values[0] is not None for row in found.equal_cost), "they are shown all the same"


def test_who_has_which_of_several() -> None:
    use = 'trainer.use="trainers.iris:train"'
    studies = compared("a", SHORT), compared("b", LONG), compared("other", LONG, use, "trainer.repeats=2")
    assert comparison(*studies).obstacles == [
        "different trainers: trainers.digits:train (a, b), trainers.iris:train (other)",
        "different folds or repeats: one training a trial (a, b), 2 repeats (other)",
    ]


def test_other_data() -> None:
    def on(name: str, digest: str) -> ComparedStudy:
        where = Environment({"environment": {}, "code": {"repositories": []}})
        return compared(name, SHORT, segments=[TrainingSegment(1, 0, where, {"mood": digest * 64})])

    studies = on("a", "0"), on("b", "0"), on("other", "1"), compared("unknown", SHORT)
    (obstacle,) = comparison(*studies).obstacles
    assert obstacle == f"different data: mood {'0' * 12} (a, b), mood {'1' * 12} (other)"


def test_the_noise_is_estimated_from_a_reported_standard_error() -> None:
    (report,) = trial(0, 0.5).curve
    reported = replace(trial(0, 0.5), curve=(replace(report, metrics={"val_loss": 0.5, "val_loss_se": 0.25}),))
    noise = compared("a", [reported], "trainer.repeats=3").noise
    assert noise is not None
    assert (noise.noise.sd, noise.noise.freedom) == (0.25, 2)
    assert (noise.of, noise.source) == ("training", "the standard error over 3 repeats")


def test_a_study_is_named_once() -> None:
    with pytest.raises(BadInput, match='study "a" is named twice: compare it with another one'):
        comparison(compared("a", SHORT), compared("a", SHORT))


def test_a_study_that_failed_takes_no_part() -> None:
    failed = compared("failed", [trial(0, math.nan, state=State.FAILED), trial(1, state=State.FAILED)])
    found = comparison(failed, compared("good", SHORT))
    assert found.studies[0].document()["best"] is None
    assert found.notes == [
        "failed has no trial with a value, so it is not compared",
        "the data of good is not recorded, since the trainer does not call run.uses",
    ]
    assert [row.leads for row in found.equal_cost] == [[]] * len(found.equal_cost)
    assert found.verdict is None, "one alone leads nobody"


def test_studies_without_a_trial() -> None:
    found = comparison(compared("new", []), compared("short", SHORT), compared("long", LONG))
    assert found.studies[0].document()["epochs_trained"] == 0
    assert [row.values[0] for row in found.equal_cost] == [None, None, None]
    assert found.verdict is not None
    assert set(found.verdict.leads) == {"short"}
    both = comparison(compared("new", []), compared("newer", []))
    assert (both.equal_cost, both.verdict, both.fresh_seeds) == ([], None, [])


def test_notes() -> None:
    fork = compared("fork", LONG)
    fork = replace(fork, record=replace(fork.record, forked_from="toy"))
    slow = compared("slow", SHORT, state="RUNNING")
    slow = replace(slow, status=replace(slow.status, busy_seconds=100.0))
    assert comparison(fork, slow).notes == [
        "slow has not ended (RUNNING): it is compared with the trials that it has",
        "the data of fork and slow is not recorded, since the trainer does not call run.uses",
        "fork is a fork of toy and may have learned from its trials, at no cost here",
        "an epoch took 25 s in slow and 2 s in fork: equal epochs are not equal time",
    ]


def test_what_differs_from_the_first() -> None:
    one, other = compared("a", SHORT), compared("b", SHORT, "study.seed=4", "search.trials=6")
    (found,) = comparison(one, other).differences
    assert (found.first, found.other, found.environment) == ("a", "b", [])
    assert found.file == ["study.seed: was 0, is 4", "search.trials: was 5, is 6"]
