"""What was written for ray.tune runs as it is, as trials: reported, paused, continued, killed, ended."""

import functools
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import tune

from hpsearch import Report
from hpsearch.core.messages import Kill
from hpsearch.preflight.judge.checklist import judge
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.trainer import contract, forms
from hpsearch.trainer.training_run import Run
from hpsearch.workers.pools.ray.actors import RayActors
from hpsearch.workers.pools.ray.cluster import Cluster
from hpsearch.workers.worker import Worker
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.contracts.pool_contract import Driver
from tests.support import tune_toys
from tests.support.studies import COMPLETE, LOSS, ROOT, RoundsSampler, Search, setup
from tests.support.workers import EPOCHS, checkpoint_files, start, train, train_and_release

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("quick_collections")

__all__ = ["cli"]  # a fixture

LR = {"lr": 0.01}
KINDS = ("Network", "network", "Counter")

CONTINUED = """
import sys
from pathlib import Path
from tests.support.studies import setup
from tests.support.workers import start, train
from hpsearch.workers.worker import Worker
for kind in sys.argv[2:]:
    worker = Worker(setup(Path(sys.argv[1]) / kind, f"tune_toys:{kind}"))
    worker.warm_up()
    print([(r.step, dict(r.metrics)) for r in train(worker, start(params={"lr": 0.01}, after=3)).reports])
"""


def worker(work: Path, name: str, **changes: Any) -> Worker:
    return Worker(setup(work, f"tune_toys:{name}", **changes))


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def unbroken(kind: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, ...]:
    """The curve when nothing interrupts it."""
    return train(worker(tmp_path_factory.mktemp("unbroken"), kind), start(params=LR)).reports


class TestContinuation:
    """With the random states, a trial goes on bit for bit where its own checkpoint holds the rest."""

    @pytest.mark.usefixtures("slices")
    @pytest.mark.parametrize("k", [1, 3, 5])
    def test_after_a_pause(self, tmp_path: Path, kind: str, unbroken: tuple[Report, ...], k: int) -> None:
        trained = worker(tmp_path, kind)
        first = train_and_release(trained, start(params=LR, until=k))
        train_and_release(trained, start(1, {"lr": 0.1}, seed=9, until=2))
        then = train(trained, start(params=LR, after=k))
        assert first.reports + then.reports == unbroken
        assert then.notes == ()

    def test_after_a_kill(self, tmp_path: Path, kind: str, unbroken: tuple[Report, ...]) -> None:
        """A worker that is gone has closed nothing: what it left in its scratch folder disturbs nobody."""
        gone = worker(tmp_path, kind)
        gone.start(start(params=LR, until=4))
        then = train(worker(tmp_path, kind), start(params=LR, after=1))
        assert then.reports == unbroken[1:]
        gone.release()

    def test_several_take_turns_in_one_process(
        self, tmp_path: Path, kind: str, unbroken: tuple[Report, ...], one_epoch_a_slice: None
    ) -> None:
        first, second = (worker(tmp_path, kind, shared=True) for _ in range(2))
        curves = [[*first.start(start(params=LR)).reports], [*second.start(start(1, LR, seed=4)).reports]]
        for _ in range(1, EPOCHS):
            curves[0] += first.advance().reports
            curves[1] += second.advance().reports
        first.release()
        second.release()
        assert tuple(curves[0]) == unbroken
        assert curves[1] != curves[0]

    @pytest.mark.slow
    def test_in_a_fresh_process(self, tmp_path: Path) -> None:
        whole = [train(worker(tmp_path / "whole", kind), start(params=LR)).reports for kind in KINDS]
        for kind in KINDS:
            train_and_release(worker(tmp_path / kind, kind), start(params=LR, until=3))
        printed = subprocess.run(
            [sys.executable, "-c", CONTINUED, tmp_path, *KINDS], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.splitlines()
        assert printed[-3:] == [str([(r.step, dict(r.metrics)) for r in reports[3:]]) for reports in whole]

    @pytest.mark.parametrize("k", [1, 2, 3, 5])
    def test_a_function_goes_on_from_the_last_checkpoint_that_it_made(self, tmp_path: Path, k: int) -> None:
        """What it reports again on its way is kept to itself."""
        params = {**LR, "every": 2}
        whole = train(worker(tmp_path / "whole", "network"), start(params=params)).reports
        trained = worker(tmp_path, "network")
        first = train_and_release(trained, start(params=params, until=k))
        then = train(trained, start(params=params, after=k))
        assert first.reports + then.reports == whole

    @pytest.mark.parametrize(("name", "params"), [("Forgetful", {}), ("short", {"last": 9})])
    def test_what_saves_nothing_is_trained_again(self, tmp_path: Path, name: str, params: dict[str, Any]) -> None:
        whole = train(worker(tmp_path / "whole", name), start(params=params)).reports
        trained = worker(tmp_path, name)
        first = train_and_release(trained, start(params=params, until=3))
        assert first.reports + train(trained, start(params=params, after=3)).reports == whole

    def test_nothing_is_left_but_checkpoints(self, tmp_path: Path, kind: str) -> None:
        trained = worker(tmp_path, kind)
        train(trained, start(params=LR, until=4))
        trained.release(over=True)
        assert checkpoint_files(tmp_path) == ["best.pt"]
        assert [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()] == []


class TestResults:
    def test_numbers_by_name(self, unbroken: tuple[Report, ...], kind: str) -> None:
        names = {"Network": ["iteration", "train/loss", "val_loss"], "network": ["epoch", "threads", "val_loss"]}
        assert sorted(unbroken[-1].metrics) == names.get(kind, ["val_loss"])

    def test_a_class_finds_its_iteration_restored(self, tmp_path: Path) -> None:
        trained = worker(tmp_path, "Network")
        train_and_release(trained, start(params=LR, until=3))
        assert [r.metrics["iteration"] for r in train(trained, start(params=LR, after=3)).reports] == [3, 4, 5]

    def test_done_ends_a_trial(self, tmp_path: Path) -> None:
        reported = train(worker(tmp_path, "Counter"), start(params={"last": 3}))
        assert (len(reported.reports), reported.ended) == (3, True)

    def test_so_does_a_function_that_returns(self, tmp_path: Path) -> None:
        reported = train(worker(tmp_path, "short"), start(params={"last": 3}))
        assert (len(reported.reports), reported.ended) == (3, True)

    def test_what_a_function_returns_is_a_report(self, tmp_path: Path) -> None:
        reported = train(worker(tmp_path, "returned"), start())
        assert [dict(report.metrics) for report in reported.reports] == [{"val_loss": 0.5}]

    def test_a_function_has_the_threads_of_its_trial(self, tmp_path: Path) -> None:
        reported = train(worker(tmp_path, "network", cpus=2.0), start(params=LR, until=1))
        assert reported.reports[0].metrics["threads"] == 2


class TestEnd:
    @pytest.mark.parametrize("name", ["Network", "network"])
    def test_it_is_closed(self, tmp_path: Path, name: str) -> None:
        note = tmp_path / "closed"
        trained = worker(tmp_path, name)
        train(trained, start(params={**LR, "note": str(note)}, until=2))
        assert not note.exists()
        trained.release()
        assert note.exists()

    @pytest.mark.parametrize(("name", "params"), [("Counter", {"wrong_at": 3}), ("short", {"last": 2, "wrong": 1})])
    def test_what_it_raises_is_its_own(self, tmp_path: Path, name: str, params: dict[str, Any]) -> None:
        reported = train(worker(tmp_path, name), start(params=params))
        assert reported.failure is not None
        assert (reported.failure.kind, reported.failure.summary) == ("error", "ValueError: no such batch")
        assert "tune_toys.py" in reported.failure.traceback
        assert len(reported.reports) == 2

    @pytest.mark.usefixtures("slices")
    def test_one_that_cannot_save_is_told_so(self, tmp_path: Path) -> None:
        failure = train(worker(tmp_path, "Counter"), start(params={"unsaved": 1}, until=3)).failure
        assert failure is not None
        assert (failure.kind, failure.summary) == ("contract", "Counter.save_checkpoint: ValueError: nothing to save")

    def test_a_plain_function_is_told_what_a_trainer_is(self, tmp_path: Path) -> None:
        failure = train(worker(tmp_path, "reports_nothing"), start()).failure
        assert failure is not None
        assert failure.kind == "contract"
        assert "`reports_nothing` returned and reported nothing: a trainer is a generator" in failure.summary

    def test_a_number_that_is_returned_is_the_metric_of_the_study(self, tmp_path: Path) -> None:
        assert train(worker(tmp_path, "number"), start(params=LR)).reports == (Report(1, {"val_loss": 0.01}),)

    def test_one_that_calls_the_report_of_hpsearch(self, tmp_path: Path) -> None:
        reports = train(worker(tmp_path, "reports_to_hpsearch"), start()).reports
        assert [(report.step, report.metrics["val_loss"]) for report in reports] == [(1, 1.0), (2, 2.0), (3, 3.0)]

    def test_one_that_does_not_let_itself_be_ended_is_left_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hpsearch.trainer.adapters.ray_tune.GRACE", 0.1)
        trained = worker(tmp_path, "catches_system_exit")
        train(trained, start(until=2))
        trained.release()
        assert "does it catch SystemExit?" in (tmp_path / "logs" / "trial-00000.log").read_text()


@pytest.mark.parametrize("name", ["Network", "network"])
def test_preflight_skips_what_it_cannot_see(tmp_path: Path, name: str) -> None:
    found = worker(tmp_path, name).measure(LearningMeasurement(LR, 0, EPOCHS))
    outcomes = {check.name: check.outcome for check in judge(found, LOSS)}
    assert {name for name, outcome in outcomes.items() if outcome != "skipped"} == {
        "runs",
        "metrics",
        "loss at start",
        "loss sign",
    }


@pytest.mark.xdist_group("ray")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["Network", "network"])
def test_on_ray_a_worker_may_be_killed(tmp_path: Path, name: str) -> None:
    whole = train(worker(tmp_path / "whole", name), start(params=LR)).reports
    pool = RayActors(setup(tmp_path / "ray", f"tune_toys:{name}"), Cluster(workers=1), LR)
    try:
        driver = Driver(pool)
        first = driver.start(LR, until=2, epochs=EPOCHS)
        driver.train(first)
        pool.execute(Kill(first.number))
        then = replace(first, until=EPOCHS, after=2)
        driver.order(then)
        driver.train(then)
        assert tuple(driver.curve(first)) == whole
    finally:
        pool.close()


def test_a_search_over_one(tmp_path: Path) -> None:
    search = Search(tmp_path, RoundsSampler([{"lr": 0.1}, {"lr": 0.001}], first=2, then=5), "tune_toys:Network")
    search.run()
    (best,) = [trial for trial in search.recorder.history(LOSS) if trial.state is COMPLETE]
    assert [report.step for report in best.curve] == [1, 2, 3, 4, 5]


def test_a_study_of_one(cli: CliRunner) -> None:
    cli.study(trainer="tests.support.tune_toys:network", space="lr = { low = 1e-3, high = 1e-1, log = true }")
    answer = cli.run("--json")
    assert answer.data["trials"]["complete"] == 4, answer.err
    assert sorted(cli.export()["trials"][0]["curve"][0]) == ["epoch", "step", "threads", "val_loss"]
    assert cli.invoke("check", "study.toml").code == 0


def test_the_one_of_the_documentation_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "trainers.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n# mine.py\n(.*?)```", text, re.DOTALL)
    (tmp_path / "tune_of_the_docs.py").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    trained = Worker(setup(tmp_path, use="tune_of_the_docs:train"))
    first = train_and_release(trained, start(params=LR, until=3))
    then = train(trained, start(params=LR, after=3))
    losses = [report.metrics["val_loss"] for report in first.reports + then.reports]
    assert len(losses) == EPOCHS
    assert losses[-1] < losses[0]


def test_in_a_notebook() -> None:
    network = contract.find("tests.support.tune_toys:Network", ROOT)
    assert [report.step for report in network(LR, Run.local(epochs=2))] == [1, 2]


class TestToldFromOtherFunctions:
    """By what their code imports: this module imports ray, by way of tune_toys."""

    @pytest.mark.parametrize(
        "thing", [tune_toys.Network, tune_toys.network, tune_toys.number, lambda config: config["lr"]]
    )
    def test_a_function_of_one_argument(self, thing: Any) -> None:
        assert forms.is_trainable(thing)

    @pytest.mark.parametrize("bind", [functools.partial, tune.with_parameters])
    def test_objects_are_bound_to_one(self, bind: Any) -> None:
        def with_model(config: Any, model: Any) -> None:
            tune.report({"val_loss": model.loss * config["lr"]})

        trainer = forms.as_trainer("the trainer", bind(with_model, model=SimpleNamespace(loss=2.0)))
        assert [report.metrics["val_loss"] for report in trainer({"lr": 0.5}, Run.local(epochs=2))] == [1.0]

    def test_a_partial_of_one(self) -> None:
        bound = functools.partial(tune_toys.network)
        assert forms.is_trainable(bound)
        assert not forms.is_trainable(functools.partial(print))

    def test_one_that_takes_a_run_or_the_parameters_by_name_is_not_of_tune(self) -> None:
        def with_run(config: Any, run: Any = None) -> None: ...

        def with_default(lr: Any = 0.1) -> None: ...

        def with_value(lr: float) -> None: ...

        def with_names(lr: Any, hidden: Any) -> None: ...

        assert not any(map(forms.is_trainable, [with_run, with_default, with_value, with_names]))


class TestNothingOfRay:
    """Whoever does not use it does not wait for it."""

    def loaded(self, code: str) -> str:
        code += "; import sys; print('ray' in sys.modules, 'ray.tune' in sys.modules)"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.splitlines()[-1]

    def test_a_worker_of_a_generator(self, tmp_path: Path) -> None:
        code = (
            "from pathlib import Path; from hpsearch.workers.worker import Worker; "
            "from tests.support.studies import setup; "
            "from tests.support.workers import start, train; "
            f"train(Worker(setup(Path({str(tmp_path)!r}), 'toys:learner')), start())"
        )
        assert self.loaded(code) == "False False"

    def test_the_check_of_a_study_with_a_trainable(self, tmp_path: Path) -> None:
        (tmp_path / "study.toml").write_text(
            '[study]\nname = "x"\nmetric = "val_loss"\ngoal = "minimize"\n'
            '[trainer]\nuse = "tests.support.tune_toys:Network"\nepochs = 3\n'
            '[space]\nlr = { low = 1e-3, high = 1.0, log = true }\n[search]\nmethod = "random"\ntrials = 2\n'
        )
        code = f"from hpsearch.cli.main import main; assert main(['check', {str(tmp_path / 'study.toml')!r}]) == 0"
        assert self.loaded(code) == "False False"
