"""A trainer that is called, and what it may report."""

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hpsearch import Report, Run
from hpsearch.core.errors import Infeasible, TrainerError
from hpsearch.core.replicates import Fold
from hpsearch.core.trial import Params
from hpsearch.trainer.open_trial import OpenTrial, TrainerContext, checked_report
from tests.support.studies import LOSS


def drawn(params: Params, run: Run) -> Iterator[Report]:
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": random.random() * float(params["scale"])})


def silent(params: Params, run: Run) -> Iterator[Report]:
    yield from ()


def nothing(params: Params, run: Run) -> Iterator[Any]:
    yield None


class TestOpenTrial:
    def test_the_same_seed_the_same_curve(self) -> None:
        one, other = (OpenTrial(drawn, {"scale": 2}, Run(3, 2)) for _ in range(2))
        assert (first := one.next_report()) is not None
        assert one.next_report() != first
        random.seed(3)
        assert other.next_report() == first

    def test_its_end_comes_after_its_last_report(self) -> None:
        trial = OpenTrial(drawn, {"scale": 1}, Run(3, 2))
        assert [trial.next_report() is None for _ in range(3)] == [False, False, True]
        assert trial.step == 2

    def test_one_that_reports_nothing(self) -> None:
        with pytest.raises(Infeasible, match=r"^the trainer returned before its first report$"):
            OpenTrial(silent, {}, Run(3, 2)).next_report()
        with pytest.raises(Infeasible, match=r"^repeat2 returned before its first report$"):
            OpenTrial(silent, {}, Run(3, 2), name="repeat2").next_report()
        assert OpenTrial(silent, {}, Run(3, 2), step=2).next_report() is None

    def test_metrics_without_a_step_are_of_the_epoch_or_of_the_next_step(self) -> None:
        def second(params: Params, run: Run) -> Iterator[Any]:
            for epoch in run.epochs():
                if epoch % 2 == 0:
                    yield {"val_loss": 1 / epoch}

        def own_loop(params: Params, run: Run) -> Iterator[Any]:
            yield {"val_loss": 1.0}
            yield Report(5, {"val_loss": 0.5})
            yield {"val_loss": torch.tensor(0.25)}

        trials = OpenTrial(second, {}, Run(3, 5)), OpenTrial(own_loop, {}, Run(3, 9))
        steps = [[report.step for report in iter(trial.next_report, None) if report] for trial in trials]
        assert steps == [[2, 4], [1, 5, 6]]

    def test_a_system_exit_without_an_error_is_an_end(self) -> None:
        def leaving(params: Params, run: Run) -> Iterator[Report]:
            yield Report(1, {"val_loss": 1.0})
            raise SystemExit(params["code"])

        trial = OpenTrial(leaving, {"code": 0}, Run(3, 2))
        assert [trial.next_report() is None for _ in range(2)] == [False, True]
        failing = OpenTrial(leaving, {"code": 3}, Run(3, 2))
        failing.next_report()
        with pytest.raises(SystemExit):
            failing.next_report()

    def test_none_is_no_end(self) -> None:
        with pytest.raises(TrainerError, match="the trainer yielded None, not a Report"):
            OpenTrial(nothing, {}, Run(3, 2)).next_report()

    def test_a_fold_that_is_not_asked_for(self) -> None:
        with pytest.raises(TrainerError, match=r"does not read `run\.fold`"):
            OpenTrial(drawn, {"scale": 1}, Run(3, 2, fold=Fold(1, 2))).next_report()

    def test_a_run_has_what_the_context_says(self, tmp_path: Path) -> None:
        context = TrainerContext("tests.support.toys:noop", tmp_path, {}, LOSS, threads=3, data_dir=tmp_path)
        run = context.run(5, 7, tmp_path / "scratch", fold=Fold(2, 2))
        assert (run.seed, run.max_epochs, run.threads, run.device, run.data_dir) == (5, 7, 3, "cpu", tmp_path)
        assert (run.fold, run.scratch_dir) == (Fold(2, 2), tmp_path / "scratch")


class TestReports:
    @pytest.mark.parametrize(
        "value",
        [1.0, 1, True, np.float32(1), np.ones(()), np.ones((1, 1)), torch.ones(()), torch.ones(1).requires_grad_()],
    )
    def test_any_number_is_a_float(self, value: Any) -> None:
        report = checked_report(Report(1, {"loss": value}), 0)
        assert type(report.metrics["loss"]) is float
        assert report.metrics["loss"] == 1.0

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_one_that_is_not_finite_too(self, value: float) -> None:
        assert repr(checked_report(Report(1, {"loss": value}), 0).metrics["loss"]) == repr(value)

    @pytest.mark.parametrize("value", ["1", b"1", None, [1.0], torch.ones(2), 1j, object()])
    def test_anything_else_is_not(self, value: Any) -> None:
        with pytest.raises(TrainerError, match=rf"metric 'loss' is .*, a {type(value).__name__}, not a number"):
            checked_report(Report(1, {"loss": value}), 0)

    def test_an_int_that_no_float_can_hold(self) -> None:
        with pytest.raises(TrainerError, match="metric 'loss' is too large for a float"):
            checked_report(Report(1, {"loss": 10**400}), 0)

    def test_the_next_epoch_may_use_the_same_mapping(self) -> None:
        metrics = {"loss": 1.0}
        report = checked_report(Report(1, metrics), 0)
        metrics["loss"] = 2.0
        assert report.metrics == {"loss": 1.0}

    @pytest.mark.parametrize("step", [0, 1, 2, -3, 3.0, True, "3", None, torch.ones(2), torch.tensor(3.0)])
    def test_steps_rise(self, step: Any) -> None:
        with pytest.raises(TrainerError, match=r"reported step .* after step 2: steps are whole numbers"):
            checked_report(Report(step, {"loss": 1.0}), 2)

    @pytest.mark.parametrize("step", [3, 4, 100, np.int64(3), torch.tensor(200)])
    def test_by_any_amount(self, step: Any) -> None:
        report = checked_report(Report(step, {"loss": 1.0}), 2)
        assert type(report.step) is int
        assert report.step == int(step)

    def test_so_many_and_no_more(self) -> None:
        most = checked_report(Report(1, {f"w{i}": 1.0 for i in range(1000)}), 0)
        assert len(most.metrics) == 1000
        with pytest.raises(TrainerError) as caught:
            checked_report(Report(1, {f"w{i}": 1.0 for i in range(1_000_000)}), 0)
        assert str(caught.value) == (
            "Report(1, …) has 1,000,000 metrics; the maximum is 1,000: "
            "report sums or means in place of single weights or examples"
        )

    def test_a_name_is_no_text(self) -> None:
        checked_report(Report(1, {"x" * 500: 1.0, "größe @ 5 %": 1.0, 7: 1.0}), 0)  # type: ignore[dict-item]
        with pytest.raises(TrainerError) as caught:
            checked_report(Report(1, {"x" * 501: 1.0}), 0)
        said = f"metric '{'x' * 60}' must have a name of 1 to 500 printable characters, got 501"
        assert str(caught.value) == said

    @pytest.mark.parametrize("name", ["", "new\nline", "nul\0", "\x1b[31mred", "right\u202eleft", "\ud800"])
    def test_nor_is_it_to_be_acted_on_by_a_terminal(self, name: str) -> None:
        with pytest.raises(TrainerError, match="printable characters"):
            checked_report(Report(1, {name: 1.0}), 0)

    @pytest.mark.parametrize("thing", [None, 1.0, {"loss": 1.0}, (1, {"loss": 1.0})])
    def test_nothing_but_reports(self, thing: Any) -> None:
        with pytest.raises(TrainerError, match="not a Report"):
            checked_report(thing, 0)


def test_no_two_trials_share_a_list_of_the_options() -> None:
    context = TrainerContext("toys:noop", Path(), {"layers": [64]}, LOSS)
    first = context.params({"x": 1.0})
    first["layers"].append(32)
    assert context.params({"x": 2.0}) == {"layers": [64], "x": 2.0}
