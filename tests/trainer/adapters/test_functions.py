"""A function that calls `run.report` and returns: judged at every report, stopped inside it, and what it returns."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import torch

import hpsearch
from hpsearch import Infeasible, Report, Run, TrainerError, TrialStopped
from hpsearch.core.trial import Params
from hpsearch.trainer import forms
from hpsearch.trainer.adapters import functions
from hpsearch.trainer.failures import NothingReported, failure_of
from hpsearch.trainer.open_trial import OpenTrial
from hpsearch.trainer.state import Snapshot

PARAMS: Params = {"lr": 0.5, "hidden": 4}
Curve = list[tuple[int, dict[str, float]]]


@pytest.fixture(autouse=True)
def _notes_are_new() -> None:
    functions.note.cache_clear()


def opened(trainer: Any, params: Params = PARAMS, epochs: int = 5) -> OpenTrial:
    return OpenTrial(forms.as_trainer("the trainer", trainer), params, Run(3, epochs, metric="val_loss"))


def curve(trainer: Any, params: Params = PARAMS, epochs: int = 5) -> Curve:
    reports = iter(opened(trainer, params, epochs).next_report, None)
    return [(report.step, dict(report.metrics)) for report in reports if report]


def returning(value: Any) -> Callable[[Params], Any]:
    def function(config: Params) -> Any:
        return value

    return function


def network(params: Params, run: Run, report: Callable[[int, dict[str, float]], None]) -> None:
    model = torch.nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), float(str(params["lr"])))
    for epoch in run.epochs():
        loss = (model(torch.randn(32, 8)) - torch.randn(32, 1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            report(epoch, {"val_loss": loss.item() + random.random()})


class TestReports:
    def test_the_curve_of_a_generator_bit_for_bit(self) -> None:
        def function(params: Params, run: Run) -> None:
            network(params, run, run.report)

        def generator(params: Params, run: Run) -> Iterator[Report]:
            reports: list[Report] = []
            network(params, run, lambda step, metrics: reports.append(Report(step, metrics)))
            yield from reports

        assert curve(function) == curve(generator)

    def test_one_epoch_is_trained_for_each_report_that_is_asked_for(self) -> None:
        trained = []

        def function(params: Params, run: Run) -> None:
            for epoch in run.epochs():
                trained.append(epoch)
                run.report(epoch, {"val_loss": 1.0})

        trial = opened(function)
        trial.next_report()
        trial.next_report()
        trial.close()
        assert trained == [1, 2]

    def test_without_a_step_a_report_is_of_the_epoch_or_of_the_next_step(self) -> None:
        def second(params: Params, run: Run) -> None:
            for epoch in run.epochs():
                if epoch % 2 == 0:
                    run.report({"val_loss": 1.0})

        def own_loop(params: Params, run: Run) -> None:
            run.report({"val_loss": 1.0})
            run.report(4, {"val_loss": 1.0})
            run.report({"val_loss": 1.0})

        assert [step for step, _ in curve(second)] == [2, 4]
        assert [step for step, _ in curve(own_loop, epochs=9)] == [1, 4, 5]

    def test_metrics_may_be_named_arguments_and_the_step_may_come_after_them(self) -> None:
        def function(params: Params, run: Run) -> None:
            run.report(2, val_loss=0.5, accuracy=0.25)
            run.report({"val_loss": 0.5, "accuracy": 0.25}, 3)
            run.report(4, {"val_loss": 0.5}, accuracy=0.25)
            hpsearch.report(5, val_loss=0.5, accuracy=0.25)

        assert curve(function) == [(step, {"val_loss": 0.5, "accuracy": 0.25}) for step in (2, 3, 4, 5)]

    def test_the_public_function_reports_to_the_run(self) -> None:
        def function(params: Params) -> None:
            hpsearch.report(1, {"val_loss": 0.25})
            hpsearch.report({"val_loss": 0.125})

        assert curve(function) == [(1, {"val_loss": 0.25}), (2, {"val_loss": 0.125})]
        hpsearch.report(1, {"val_loss": 0.25})  # no search runs here

    def test_two_that_take_turns_report_to_their_own_runs(self) -> None:
        def function(params: Params) -> None:
            for _ in range(2):
                hpsearch.report({"val_loss": params["lr"]})

        trials = [opened(function, {"lr": lr}) for lr in (1.0, 2.0)]
        reports = [trial.next_report() for _ in range(2) for trial in trials]
        assert [report.metrics["val_loss"] for report in reports if report] == [1.0, 2.0, 1.0, 2.0]
        for trial in trials:
            trial.close()

    def test_gradients_are_on_between_reports_made_without_them(self) -> None:
        def function(params: Params, run: Run) -> None:
            with torch.inference_mode():
                run.report(1, {"val_loss": 1.0})

        trial = opened(function)
        trial.next_report()
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        trial.close()

    def test_its_thread_has_as_many_threads_of_torch(self) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            assert curve(lambda config: torch.get_num_threads() * len(config)) == [(1, {"val_loss": 2.0})]
        finally:
            torch.set_num_threads(before)

    @pytest.mark.parametrize("arguments", [(3,), ("val_loss",), (1, None)])
    def test_a_report_without_metrics(self, arguments: tuple[Any, ...]) -> None:
        def report(params: Params, run: Run) -> None:
            run.report(*arguments)

        with pytest.raises(TrainerError, match="has no metrics"):
            curve(report)

    def test_a_report_that_breaks_the_contract(self) -> None:
        with pytest.raises(TrainerError, match="reported step 0: steps are whole numbers from 1"):
            curve(lambda params, run: run.report(0, {"val_loss": params["lr"]}))

    def test_in_a_generator(self) -> None:
        def generator(params: Params, run: Run) -> Iterator[Report]:
            run.report(1, {"val_loss": 1.0})
            yield Report(1, {"val_loss": 1.0})

        with pytest.raises(TrainerError, match="called in a generator"):
            curve(generator)

    def test_without_a_search_the_run_keeps_the_reports(self) -> None:
        def function(params: Params, run: Run) -> None:
            for epoch in run.epochs():
                run.report(epoch, {"val_loss": 1 / epoch})

        function(PARAMS, run := Run.local(epochs=2))
        assert run.reports == [Report(1, {"val_loss": 1.0}), Report(2, {"val_loss": 0.5})]


class TestStop:
    def test_it_is_raised_in_the_report_and_finally_runs(self) -> None:
        seen: list[str] = []

        def function(params: Params, run: Run) -> None:
            for epoch in run.epochs():
                try:
                    run.report(epoch, {"val_loss": 1.0})
                except Exception:
                    seen.append("an exception")
                except TrialStopped:
                    seen.append("the stop")
                    raise
                finally:
                    seen.append("finally")

        trial = opened(function)
        trial.next_report()
        trial.close()
        assert seen == ["the stop", "finally"]

    def test_before_it_has_begun(self) -> None:
        opened(returning(1.0)).close()

    def test_what_finally_raises_is_raised_by_close(self) -> None:
        def function(params: Params, run: Run) -> None:
            try:
                run.report(1, {"val_loss": 1.0})
            finally:
                raise OSError("no space left")

        trial = opened(function)
        trial.next_report()
        with pytest.raises(OSError, match="no space left"):
            trial.close()

    def test_one_that_catches_it_and_continues_is_given_up(self) -> None:
        def function(params: Params, run: Run) -> None:
            while True:
                with suppress(BaseException):
                    run.report({"val_loss": 1.0})

        trial = opened(function)
        trial.next_report()
        with pytest.raises(TrainerError, match="caught TrialStopped and continued to report"):
            trial.close()

    def test_one_that_raises_it_itself_has_ended(self) -> None:
        def function(params: Params, run: Run) -> None:
            run.report(1, {"val_loss": 1.0})
            raise TrialStopped

        assert curve(function) == [(1, {"val_loss": 1.0})]

    def test_a_signal_that_arrives_during_an_epoch_ends_the_function(self) -> None:
        """The worker's thread waits then; Python raises KeyboardInterrupt in the main thread."""
        import signal

        ended = threading.Event()

        def function(params: Params, run: Run) -> None:
            try:
                os.kill(os.getpid(), signal.SIGINT)
                while True:
                    threading.Event().wait(0.01)
            finally:
                ended.set()

        trial = opened(function)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # the parent process may ignore it
        try:
            with pytest.raises(KeyboardInterrupt):
                trial.next_report()
        finally:
            signal.signal(signal.SIGINT, before)
        assert ended.is_set()


class TestExceptions:
    def test_are_raised_in_the_worker(self) -> None:
        with pytest.raises(ZeroDivisionError):
            curve(lambda config: config["lr"] / 0)

    def test_a_system_exit(self) -> None:
        def function(params: Params) -> None:
            raise SystemExit(3)

        with pytest.raises(SystemExit):
            curve(function)

    def test_a_system_exit_without_an_error_is_a_return(self) -> None:
        def function(params: Params, run: Run) -> None:
            run.report(1, {"val_loss": 1.0})
            raise SystemExit(0)

        assert curve(function) == [(1, {"val_loss": 1.0})]

    def test_a_report_in_another_thread_also_where_that_thread_drops_the_error(self) -> None:
        def function(params: Params, run: Run) -> float:
            def other() -> None:
                with suppress(TrainerError):
                    run.report(1, {"val_loss": 1.0})

            thread = threading.Thread(target=other, name="validation")
            thread.start()
            thread.join()
            return 1.0

        with pytest.raises(TrainerError, match="was called in the thread validation"):
            curve(function)

    def test_a_report_in_another_process(self) -> None:
        def function(params: Params, run: Run) -> float:
            pid = os.fork()
            if pid == 0:
                try:
                    run.report(1, {"val_loss": 1.0})
                except TrainerError:
                    os._exit(7)
                os._exit(0)
            return float(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

        assert curve(function) == [(1, {"val_loss": 7.0})]


class TestReturnValue:
    def test_a_number_is_the_metric_of_the_study_at_step_1(self) -> None:
        assert curve(lambda config: config["lr"]) == [(1, {"val_loss": 0.5})]
        assert curve(returning(torch.tensor([0.5]))) == [(1, {"val_loss": 0.5})]

    def test_a_dictionary_has_several(self) -> None:
        assert curve(returning({"val_loss": 1, "accuracy": 0.5})) == [(1, {"val_loss": 1.0, "accuracy": 0.5})]

    def test_a_tuple_has_the_metrics_of_several_goals(self) -> None:
        goals = Run(0, 5, metric="loss", further_metrics=["latency"])
        assert [dict(report.metrics) for report in functions.results((0.5, 2.0), "train", goals)] == [
            {"loss": 0.5, "latency": 2.0}
        ]
        with pytest.raises(TrainerError):
            list(functions.results((0.5, 2.0, 3.0), "train", goals))

    def test_after_a_loop_over_the_epochs_it_is_of_the_last_one(self) -> None:
        def whole(params: Params, run: Run) -> float:
            return [0.5 for _ in run.epochs()][-1]

        def part(params: Params, run: Run) -> float:
            return next(0.5 for epoch in run.epochs() if epoch == 2)

        assert curve(whole) == [(5, {"val_loss": 0.5})]
        assert curve(part) == [(2, {"val_loss": 0.5})]

    def test_after_reports_it_is_of_the_step_after_them(self) -> None:
        def function(params: Params, run: Run) -> float:
            run.report(1, {"val_loss": 1.0})
            run.report(3, {"val_loss": 1.0})
            return 0.5

        assert curve(function)[-1] == (4, {"val_loss": 0.5})

    @pytest.mark.parametrize("returned", [0.5, {"val_loss": 0.5}])
    def test_after_the_report_of_the_last_epoch_it_is_not_recorded(
        self, returned: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def function(params: Params, run: Run) -> Any:
            for epoch in run.epochs():
                run.report(epoch, {"val_loss": 1.0})
            return returned

        assert [step for step, _ in curve(function, epochs=2)] == [1, 2]
        assert "the return value of `function` is not recorded" in capsys.readouterr().err

    @pytest.mark.parametrize("returned", ["model", {"model": None}, (1, 2), {"accuracy": 1.0}])
    def test_after_reports_another_value_is_ignored(self, returned: Any) -> None:
        def function(params: Params, run: Run) -> Any:
            run.report(1, {"val_loss": 1.0})
            return returned

        assert curve(function) == [(1, {"val_loss": 1.0})]

    @pytest.mark.parametrize("returned", ["model", {"model": "it"}, (1, 2), True, [Report(1, {"val_loss": 1.0})]])
    def test_alone_another_value_is_refused(self, returned: Any) -> None:
        with pytest.raises(TrainerError, match="return a number, which is val_loss"):
            curve(returning(returned))

    def test_nothing_at_all(self) -> None:
        with pytest.raises(NothingReported, match="returned None and reported nothing") as raised:
            curve(returning(None))
        assert failure_of(raised.value).kind == "no_report"

    def test_a_return_before_its_first_report_is_for_infeasible_parameters(self) -> None:
        def guarded(params: Params, run: Run) -> None:
            if params:
                return
            run.report(1, {"val_loss": 1.0})

        assert curve(guarded, {}) == [(1, {"val_loss": 1.0})]
        with pytest.raises(Infeasible, match="returned before its first report"):
            opened(guarded, {"x": 1.0}).next_report()

    def test_nothing_after_a_checkpoint(self) -> None:
        """A trial that is continued has reported before."""
        run = Run(0, 3, restored=Snapshot("", 3, 0.0, {}, {}))
        assert list(functions.results(None, "train", run)) == []

    def test_a_generator_is_trained(self) -> None:
        def inner(params: Params, run: Run) -> Iterator[Report]:
            yield Report(1, {"val_loss": 1.0})

        assert curve(lambda params, run: inner(params, run)) == [(1, {"val_loss": 1.0})]
