"""Which sweeps a study's range test makes, and the range that it finds."""

import json
import math
from pathlib import Path

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.preflight.judge.lr_curve import misses
from hpsearch.preflight.range_test import range_in_file, run_range_test, variants
from tests.preflight.fake_pools import LOST, Answering, Vanishing
from tests.support.study_text import LR, make_study

ASKED = ("", "[lr_range]\n")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestSweeps:
    def test_the_centre_and_every_other_choice(self) -> None:
        space = make_study(ASKED).space
        sets = variants(space, "lr", 9)
        assert sorted(str(one["opt"]) for one in sets) == ["adam", "sgd"]
        assert all(one["lr"] == 0.003162 for one in sets)  # the root of 1e-5, with four digits
        assert len(variants(space, "lr", 1)) == 1

    @pytest.mark.parametrize(
        ("lr", "bounds"),
        [(LR, (1e-5, 1.0)), ("[0.1, 0.001]", (0.001, 0.1)), ("0.05", (0.05, 0.05)), ("[1, 3]", (1.0, 3.0))],
    )
    def test_the_rates_in_the_study_file(self, lr: str, bounds: tuple[float, float]) -> None:
        assert range_in_file(make_study((LR, lr), ASKED).space, "lr") == bounds

    def test_the_sweeps_extend_beyond_the_range_in_the_file(self) -> None:
        measurer = Answering()
        run_range_test(make_study((LR, "{ low = 1e-2, high = 1e-1, log = true }"), ASKED), measurer)
        assert {(one.low < 1e-2, one.high > 1e-1, one.epochs) for one in measurer.asked} == {(True, True, 9)}

    def test_a_test_that_is_not_possible_is_not_repeated(self) -> None:
        measurer = Answering(loss=lambda _: math.nan)
        assert len(run_range_test(make_study(ASKED), measurer).results) > 1, (
            "losses were seen, other parameters may differ"
        )
        found = run_range_test(make_study(ASKED), Vanishing())
        (only,) = found.results
        assert only.problem.endswith(LOST.reason)


class TestResult:
    def test_auto_takes_the_range(self) -> None:
        found = run_range_test(make_study((LR, "{ auto = true }"), ASKED), Answering())
        assert found.auto
        assert found.found is not None
        assert found.says == found.found.reason
        assert found.document()["asked"] is None

    def test_a_range_that_is_right(self) -> None:
        found = run_range_test(make_study(ASKED), Answering())
        assert found.found is not None
        assert found.says == f"lr: the range [1e-05, 1] agrees with {found.found.evidence}"
        assert found.found.reason.endswith(f" from {found.found.evidence}")

    def test_one_that_misses(self) -> None:
        found = run_range_test(make_study((LR, "{ low = 1e-7, high = 1e-6, log = true }"), ASKED), Answering())
        assert found.says == misses(found.results, 1e-7, 1e-6)
        assert found.document()["asked"] == {"low": 1e-7, "high": 1e-6}

    def test_one_without_a_common_rate_is_outside_and_moves_only_where_it_may(self) -> None:
        low, high = 1e-7, 1e-6
        kept = run_range_test(make_study((LR, f"{{ low = {low}, high = {high}, log = true }}"), ASKED), Answering())
        assert (kept.outside, kept.moves, kept.document()["moves"]) == (True, False, False)
        moved = run_range_test(
            make_study((LR, f"{{ low = {low}, high = {high}, log = true, expand = true }}"), ASKED), Answering()
        )
        assert moved.found is not None
        assert (moved.outside, moved.moves) == (True, True)
        assert f"from [{low:.3g}, {high:.3g}] to [{moved.found.low:.3g}, {moved.found.high:.3g}]" in moved.says

    def test_a_range_that_overlaps_is_not_outside(self) -> None:
        found = run_range_test(make_study((LR, "{ low = 1e-7, high = 1e-2, log = true }"), ASKED), Answering())
        assert not found.outside

    def test_nothing_found(self) -> None:
        found = run_range_test(make_study(ASKED), Answering(loss=lambda _: 2.0))
        assert found.found is None
        assert all(one.problem for one in found.results)
        with pytest.raises(BadInput, match=r"space\.lr: auto = true, .* finds no range: .* Set low and high"):
            run_range_test(make_study((LR, "{ auto = true }"), ASKED), Answering(loss=lambda _: 2.0))

    def test_its_document_is_json(self) -> None:
        """Losses that are NaN become null."""
        found = run_range_test(make_study(ASKED), Answering(loss=lambda rate: math.nan if rate > 1 else 2.0))
        document = json.loads(json.dumps(found.document(), allow_nan=False))
        assert document["tests"][0]["losses"][-1] is None
        assert document["tests"][0]["begins"] is None
