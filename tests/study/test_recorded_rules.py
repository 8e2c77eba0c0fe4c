from hpsearch.study.file.sections import HalvingPrune, MedianPrune
from hpsearch.study.recorded_rules import with_recorded_key


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
