from hpsearch.study.definition import Study
from hpsearch.study.file.prune_sections import HalvingPrune, MedianPrune
from hpsearch.study.recorded_rules import add_former_rules, none_is_implied, with_recorded_key


def test_a_key_that_the_file_lacks_has_its_recorded_value() -> None:
    table = HalvingPrune(method="halving")
    assert table.promote
    assert not with_recorded_key(table, "promote", {"method": "halving", "promote": False}).promote


def test_a_key_of_the_file_stays() -> None:
    table = HalvingPrune(method="halving", promote=True)
    assert with_recorded_key(table, "promote", {"promote": False}) is table


def test_a_table_without_the_key_stays() -> None:
    table = MedianPrune(method="median")
    assert with_recorded_key(table, "promote", {"promote": False}) is table
    assert with_recorded_key(None, "promote", {"promote": False}) is None
    assert with_recorded_key(HalvingPrune(method="halving"), "promote", {}).promote


FILE = {
    "study": {"name": "a", "metric": "val_loss", "goal": "minimize"},
    "trainer": {"epochs": 1},
    "space": {"lr": {"low": 0.1, "high": 1.0}, "clip": ["none", 0.5, 1, True], "norm": ["none", "batch"]},
    "search": {"method": "random", "trials": 3},
}


def a_study(**about: object) -> Study:
    return Study.from_dict({**FILE, "study": {**FILE["study"], **about}})


def test_none_beside_numbers_means_none() -> None:
    space = a_study().space
    assert (space["clip"].none, space["norm"].none) == (True, False)
    assert none_is_implied(("none", 1, True))
    assert not none_is_implied(("none", "batch", 1))
    assert not none_is_implied((1, 2))


def test_it_is_written_as_it_was_given() -> None:
    assert a_study().spec()["space"]["clip"] == ["none", 0.5, 1, True]
    kept = Study.from_dict({**FILE, "space": {"clip": {"values": ["none", 0.5], "none": False}}})
    assert kept.spec()["space"]["clip"] == {"values": ["none", 0.5], "none": False}
    assert not kept.space["clip"].none


def test_a_study_of_an_earlier_version_keeps_its_numbers_and_texts() -> None:
    recorded = a_study().spec()
    del recorded["study"]["numbers"]
    add_former_rules(recorded)
    again = a_study().with_recorded_rules(recorded)
    assert again.study.numbers == "full"
    assert not again.space["lr"].short
    assert not again.space["clip"].none
    assert again.spec()["space"] == recorded["space"]
    assert again.identity()["space"] == recorded["space"]


def test_a_study_of_this_version_keeps_its_rules() -> None:
    recorded = a_study().spec()
    add_former_rules(recorded)
    again = a_study().with_recorded_rules(recorded)
    assert again.identity() == a_study().identity()
    assert again.space["lr"].short
    assert again.space["clip"].none


def test_full_numbers_of_the_file() -> None:
    study = a_study(numbers="full")
    assert not study.space["lr"].short
    assert study.spec()["study"]["numbers"] == "full"
    assert not Study.from_dict(study.spec()).space["lr"].short
