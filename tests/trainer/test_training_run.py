import copy
import os
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hpsearch import Run
from hpsearch.core.errors import TrainerError
from hpsearch.trainer import state
from hpsearch.trainer.training_run import Batch, best_device
from tests.support import toys
from tests.support.toys import Weight


def restored(**objects: Any) -> state.Snapshot:
    return state.unpack(state.pack(state.take_snapshot("study/0", 2, 0.5, objects)))


class TestEpochs:
    def test_count_from_one(self) -> None:
        assert list(Run(0, 3).epochs()) == [1, 2, 3]

    def test_go_on_after_the_checkpoint(self) -> None:
        assert list(Run(0, 4, restored=restored()).epochs()) == [3, 4]

    def test_none_are_left_at_the_end(self) -> None:
        assert list(Run(0, 2, restored=restored()).epochs()) == []

    def test_random_states_are_restored_when_they_begin(self) -> None:
        """What a trainer draws to build its model must not shift what it draws when it trains."""
        torch.manual_seed(1)
        snapshot = restored()
        expected = torch.rand(1).item()
        run = Run(0, 4, restored=snapshot)
        torch.rand(100)
        next(run.epochs())
        assert torch.rand(1).item() == expected


class TestTrack:
    def test_restores_what_is_named(self) -> None:
        before, after = Weight(), Weight()
        before.value = 3.0
        run = Run(0, 4, restored=restored(weight=before))
        run.track(weight=after)
        assert after.value == 3.0
        assert run.tracked == {"weight": after}

    def test_may_be_called_more_than_once(self) -> None:
        run = Run(0, 4, restored=restored(first=Weight(), second=Weight()))
        run.track(first=Weight())
        run.track(second=Weight())
        assert next(run.epochs()) == 3
        assert sorted(run.tracked) == ["first", "second"]

    def test_a_new_trial_has_nothing_to_restore(self) -> None:
        weight = Weight()
        weight.value = 1.0
        run = Run(0, 4)
        run.track(weight=weight)
        assert weight.value == 1.0

    def test_something_without_a_state_is_refused(self) -> None:
        with pytest.raises(TrainerError, match="a list has neither state_dict/load_state_dict nor"):
            Run(0, 1).track(history=[])

    def test_something_without_a_name_is_refused_with_the_line_to_write(self) -> None:
        with pytest.raises(TrainerError, match=r"given Weight, Weight without a name.*run\.track\(model=model, opt"):
            Run(0, 1).track(Weight(), Weight())

    def test_something_that_the_checkpoint_does_not_hold_is_refused(self) -> None:
        run = Run(0, 4, restored=restored(weight=Weight()))
        with pytest.raises(TrainerError, match=r"(?s)run\.track\(model=…\).*--fork"):
            run.track(model=Weight())

    def test_something_that_is_named_too_late_is_refused(self) -> None:
        run = Run(0, 4, restored=restored(weight=Weight()))
        with pytest.raises(TrainerError, match="has weight, which the trainer has not passed"):
            next(run.epochs())


class TestBatches:
    def test_are_those_given(self) -> None:
        given = [1, 2, 3]
        assert Run(0, 1).batches(given) is given

    def test_an_instrument_replaces_them(self) -> None:
        assert list(Run(0, 1, instrument=Twice()).batches([1, 2])) == [1, 1, 2, 2]

    def test_an_instrument_is_notified_of_what_is_tracked(self) -> None:
        twice, weight = Twice(), Weight()
        Run(0, 1, instrument=twice).track(weight=weight)
        assert twice.objects == {"weight": weight}


class Twice:
    """Every batch twice."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}

    def batches(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        return (batch for batch in batches for _ in range(2))

    def tracked(self, objects: Mapping[str, Any]) -> None:
        self.objects.update(objects)


class TestLocal:
    def test_a_trainer_runs_with_a_plain_for(self) -> None:
        assert [report.step for report in toys.noop({}, Run.local(epochs=3))] == [1, 2, 3]

    def test_seeds_as_a_worker_does(self) -> None:
        curves = [[report.metrics for report in toys.learner({}, Run.local(epochs=3, seed=5))] for _ in range(2)]
        assert curves[0] == curves[1]
        Run.local(epochs=1, seed=5)
        torch_drawn, numpy_drawn = torch.rand(1).item(), np.random.rand()  # noqa: NPY002
        state.seed_everything(5)
        assert (torch_drawn, numpy_drawn) == (torch.rand(1).item(), np.random.rand())  # noqa: NPY002

    def test_offers_what_a_worker_offers(self, tmp_path: Path) -> None:
        run = Run.local(epochs=3, seed=5, device="cpu", data_dir=tmp_path)
        assert (run.seed, run.device, run.threads, run.data_dir, run.max_epochs) == (5, "cpu", 1, tmp_path, 3)


class TestFolders:
    def test_scratch_is_made_when_it_is_asked_for(self, tmp_path: Path) -> None:
        run = Run(0, 1, scratch_dir=tmp_path / "a" / "b")
        assert not (tmp_path / "a").exists()
        assert run.scratch_dir.is_dir()
        assert run.scratch_dir == tmp_path / "a" / "b"

    def test_a_notebook_gets_one_of_its_own(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        run = Run.local(epochs=1)
        assert run.scratch_dir.parent == tmp_path
        assert run.scratch_dir == run.scratch_dir


class TestNoDataFolder:
    """HPSEARCH_DATA is not set."""

    @pytest.mark.parametrize(
        "use",
        [
            lambda folder: folder / "x",
            lambda folder: folder.exists(),
            lambda folder: os.path.join(folder, "x"),  # noqa: PTH118 (what users write)
            lambda folder: Path(folder),
            lambda folder: open(folder),  # noqa: PTH123, SIM115
        ],
    )
    def test_to_use_it_as_a_path_says_what_to_set(self, use: Callable[[Path], object]) -> None:
        with pytest.raises(TrainerError, match="set HPSEARCH_DATA"):
            use(Run(0, 3).data_dir)

    def test_a_trainer_may_ask_for_it_and_have_a_folder_of_its_own(self) -> None:
        run = Run(0, 3)
        assert not run.data_dir
        assert (run.data_dir or Path("mine")) == Path("mine")
        assert f"{run.data_dir}/x" == "(HPSEARCH_DATA is not set)/x"
        assert not copy.deepcopy(pickle.loads(pickle.dumps(run.data_dir)))


def test_the_best_device_is_one_that_torch_has() -> None:
    assert best_device() == ("cuda" if torch.cuda.is_available() else "cpu")


class TestUntrackedParameters:
    """A checkpoint without the parameters that its optimizer updates would continue another model, in silence."""

    MODEL, HEAD = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    SCALE = torch.zeros(1, requires_grad=True)
    EVERYTHING = (*MODEL.parameters(), *HEAD.parameters(), SCALE)

    @pytest.mark.parametrize(
        ("parameters", "modules", "missing"),
        [
            ([*MODEL.parameters()], {"model": MODEL}, ""),
            ([*MODEL.parameters()], {"model": torch.nn.DataParallel(MODEL)}, ""),
            ([*MODEL.parameters()], {}, "of the 2 tensors that this optimizer updates, 2 "),
            (EVERYTHING, {"model": MODEL}, "of the 5 tensors that this optimizer updates, 3 "),
            (EVERYTHING, {"model": MODEL, "head": HEAD}, "of the 5 tensors that this optimizer updates, 1 "),
            ([torch.zeros(1)], {}, ""),  # frozen
            ([*MODEL.parameters()], {"weight": Weight()}, ""),  # an own class may have them
        ],
    )
    def test_are_named(self, parameters: Any, modules: dict[str, Any], missing: str) -> None:
        run = Run(0, 3)
        run.track(optimizer=torch.optim.SGD(parameters, lr=0.1), **modules)
        next(iter(run.epochs()))
        assert missing in run.why_not_resumable
        assert bool(missing) == bool(run.why_not_resumable)

    def test_a_checkpoint_without_them_is_not_continued(self) -> None:
        optimizer = torch.optim.SGD(self.MODEL.parameters(), lr=0.1)
        run = Run(0, 4, restored=restored(optimizer=optimizer))
        run.track(optimizer=optimizer)
        with pytest.raises(state.NotResumable, match="pass the model too"):
            run.first_epoch()

    def test_there_are_none_without_an_optimizer(self) -> None:
        run = Run(0, 3)
        run.track(model=self.MODEL)
        next(iter(run.epochs()))
        assert not run.why_not_resumable
