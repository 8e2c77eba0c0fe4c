"""Two faults in one file are both reported, each as if it were alone, and nothing else is."""

import itertools
import random
import re
from collections.abc import Sequence

import pytest

from hpsearch.core.errors import StudyFileError
from tests.study.file.test_faults import FAULTS
from tests.support.study_text import FILE, LR, RANDOM, SETS, make_study

UNITS = "low = 16, high = 256, log = true"

Change = tuple[str, str]
Found = tuple[str, str]
"""The key, and the message without what depends on other keys."""

FURTHER: list[Change] = [
    (UNITS, f"{UNITS}, prior = {{ value = 1 }}"),
    (UNITS, f'{UNITS}, prior = {{ value = 20, weight = "storng" }}'),
    (UNITS, f"{UNITS}, was = 3"),
    (UNITS, f'{UNITS}, renamed = "lr"'),
    (LR, "{ low = 0.0, high = 1.0, scale = 'logit' }"),
    (LR, f"{LR[:-2]}, digits = 0 }}"),
    ("opt =", 'depth = { count = "unts", low = 1, high = 3 }\nopt ='),
    ("opt =", 'constraints = ["lr <= unts"]\nopt ='),
    ("opt =", 'constraints = ["lr / (1 - 1) <= 2"]\nopt ='),
    ("opt =", 'constraints = ["lr <"]\nopt ='),
    ("trials = 5", "trials = 5\nfirst = [{ lr = 0.1, opt = 'sdg', units = 20 }]"),
    ("trials = 5", "trials = 5\nfirst = [{ lr = 0.1, opt = 'sgd', unts = 20, units = 20 }]"),
    (RANDOM, f'{SETS}[{{ params = {{ lr = 0.1, opt = "sgd", units = 20 }}, epochs = 10 }}]'),
    ('"minimize"', '"minimize"\nrequire = ["ms / (1 - 1) <= 3"]'),
]

HIDDEN = [
    ("space.*", "space.*.when*", "conditions on the values of a parameter that has none"),
    ("space.*", "search.sets.*.params", "the values that are missing, where parameters have faults"),
    ("space.lr*", "space.lr", "whether a grid has steps on a range that has a fault"),
    ("space.*", "space.constraints*", "whether a constraint can be computed of a parameter that has no values"),
    ("space.*", "search.first*", "values of a parameter that has none"),
    ("trainer.epochs", "trainer.options*", "the table of a required key that has a fault"),
    ("trainer.epochs", "*epochs", "comparisons with it"),
    ("search", "search*", "a table that is not there: [extra] resembles no table"),
    ("search", "space.lr", "whether a grid has steps, without a search"),
    ("space", "search.sets*", "whether a set has all parameters, without parameters"),
    ("search.method", "search*", "what the method needs, without a method"),
    ("prune", "prune*", "TOML itself refuses a table beside a value of the same name"),
    ("limits", "limits*", "TOML itself refuses a table beside a value of the same name"),
]
"""(key of a fault, key of a fault that is not seen beside it, what it is)."""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def found(*changes: Change) -> set[Found]:
    with pytest.raises(StudyFileError) as problem:
        make_study(*changes)
    faults = ((one.key.replace("spcae", "space"), one.message) for one in problem.value.faults)
    return {(key, re.split(r"; (?:known here|did you mean)", message)[0]) for key, message in faults}


def region(change: Change) -> tuple[int, int]:
    start = FILE.index(change[0]) if change[0] else len(FILE)
    return start, start + len(change[0])


def may_be_combined(one: Change, other: Change) -> bool:
    """Whether they change different parts of the file."""
    (start, end), (other_start, other_end) = sorted([region(one), region(other)])
    return end <= other_start and (start, end) != (other_start, other_end)


def is_hidden(missing: Found, others: Sequence[Found]) -> bool:
    def matches(pattern: str, key: str) -> bool:
        return re.fullmatch(pattern.replace(".", r"\.").replace("*", ".*"), key) is not None

    return any(matches(by, key) and matches(what, missing[0]) for by, what, _ in HIDDEN for key, _ in others)


def pairs() -> list[tuple[Change, Change]]:
    """Without changes that remove a parameter, which are faults of other places that name it."""
    single = [*((old, new) for old, new, *_ in FAULTS if "opt = " not in old), *FURTHER]
    return [pair for pair in itertools.combinations(single, 2) if may_be_combined(*pair)]


def check(chosen: Sequence[tuple[Change, Change]]) -> None:
    alone: dict[Change, set[Found]] = {}
    seen = 0
    for one, other in chosen:
        for change in (one, other):
            alone[change] = alone.get(change) or found(change)
        last_first = sorted([one, other], key=region, reverse=True)
        together = found(*(last_first if last_first[0][0] else reversed(last_first)))
        wanted = alone[one] | alone[other]
        missing = [fault for fault in wanted - together if not is_hidden(fault, [*(wanted - {fault})])]
        is_syntax = any(not key for key, _ in together)
        more = {key for key, _ in together - wanted} - {key for key, _ in wanted}
        assert is_syntax or (not missing and not more), (one, other, missing, more)
        seen += not is_syntax and wanted <= together
    assert seen > 0.9 * len(chosen)


def test_two_faults_are_both_reported():
    check(random.Random(0).sample(pairs(), 1000))


@pytest.mark.slow
def test_every_pair_of_faults_is_reported():
    check(pairs())


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        (
            (UNITS, f'{UNITS}, lgo = true, prior = {{ value = 1, weight = "storng" }}'),
            ["lgo", "prior.weight", "prior.value"],
        ),
        ((LR, "{ low = 0.0, high = 1.0, scale = 'logit', digits = 0 }"), ["digits", ""]),
        ((LR, "{ low = 0.0, high = 1.0, log = true, prior = { value = 2.0 } }"), ["prior.value", ""]),
        ((LR, "{ low = 2.0, high = 1.0, lgo = true }"), ["lgo", ""]),
        (
            ('["sgd", "adam"]', '{ values = ["a", "a"], names = ["x"], none = true }'),
            ["", "", ""],
        ),
        (('["sgd", "adam"]', '{ values = ["a", "b"], names = 3, prior = { value = "c" } }'), ["names", "prior.value"]),
    ],
)
def test_several_faults_of_one_entry(change, keys):
    with pytest.raises(StudyFileError) as problem:
        make_study(change)
    assert sorted(one.key.split(".", 2)[2] if one.key.count(".") > 1 else "" for one in problem.value.faults) == sorted(
        keys
    )


def test_without_a_known_method_rounds_sets_and_first_are_checked_in_a_space_with_faults():
    search = "\n".join(
        (
            "rounds = [{ trials = 1, epochs = 3 }, { trials = 1, epochs = 2 }]",
            "sets = [{ params = { units = 1000, opt = 'sgd' }, epochs = 10 }]",
            "first = [{ units = 3, unts = 4, lr = 0.1 }]",
        )
    )
    faults = found(('"random"\ntrials = 5', f'"randm"\n{search}'), (LR, "{ low = 2.0, high = 1.0 }"))
    assert {key for key, _ in faults} == {
        "space.lr",
        "search.method",
        "search.rounds.1.epochs",
        "search.sets.0.epochs",
        "search.sets.0.params.units",
        "search.first.0.units",
        "search.first.0.unts",
    }


def test_a_family_is_checked_beside_a_fault_of_its_length():
    family = 'units = { count = "n", low = 3, high = 1, stp = 2 }'
    change = ("units = { low = 16, high = 256, log = true }", f"n = {{ low = 3, high = 1 }}\n{family}")
    assert {key for key, _ in found(change, ("opt =", 'constraints = ["units_1 <= lr"]\nopt ='))} == {
        "space.n",
        "space.units",
        "space.units.stp",
    }


def test_was_and_renamed_are_checked_in_a_space_with_faults():
    units = (UNITS, f'{UNITS}, was = 3, renamed = "opt"')
    assert {key for key, _ in found(units, (LR, "{ low = 2.0, high = 1.0 }"))} == {
        "space.lr",
        "space.units.was",
        "space.units.renamed",
    }


def test_a_table_with_a_misspelt_name_is_checked():
    with pytest.raises(StudyFileError) as problem:
        make_study(("", '[limit]\nretries = -1\nstal = "5m"\n'))
    assert [(one.line, one.key) for one in problem.value.faults] == [
        (16, "limit"),
        (17, "limit.retries"),
        (18, "limit.stal"),
    ]
