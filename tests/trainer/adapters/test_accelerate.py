"""`run.track(accelerator=…)` with the real package: `make test-frameworks`."""

from pathlib import Path
from typing import Any

import pytest

from hpsearch import Run, TrainerError
from hpsearch.trainer import state
from hpsearch.trainer.adapters.accelerate import TrackedAccelerator, is_accelerator
from hpsearch.workers.worker import Worker
from tests.support.documented import write_example
from tests.support.studies import setup
from tests.support.workers import EPOCHS, checkpoint_files, start, train, train_and_release

accelerate = pytest.importorskip("accelerate", reason="needs accelerate: make test-frameworks")
pytestmark = [pytest.mark.usefixtures("quick_collections"), pytest.mark.filterwarnings("default")]
pytest_plugins = ["tests.support.fixtures"]

PARAMS = {"lr": 0.01, "batch_size": 32}


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    use = write_example("frameworks.md", "accelerate_loop.py", tmp_path)
    return Worker(setup(tmp_path / "work", use=f"{use}:train", folder=tmp_path))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_documented_loop_resumes_bit_for_bit(worker: Worker, k: int) -> None:
    whole = train(worker, start(params=PARAMS)).reports
    worker.release()
    first = train_and_release(worker, start(1, PARAMS, until=k))
    then = train(worker, start(1, PARAMS, after=k))
    assert first.reports + then.reports == whole
    assert then.notes == ()
    assert whole[-1].metrics["val_loss"] < whole[0].metrics["val_loss"]


def test_nothing_is_left_but_checkpoints(worker: Worker, tmp_path: Path) -> None:
    train(worker, start(params=PARAMS, until=3))
    worker.release(over=True)
    assert checkpoint_files(tmp_path / "work") == ["best.pt"]
    assert [path for path in (tmp_path / "work" / "scratch").rglob("*") if path.is_file()] == []


def prepared(tmp_path: Path, seedable: bool) -> tuple[Any, Any]:
    import torch

    state.seed_everything(0)
    naming = accelerate.utils.ProjectConfiguration(project_dir=str(tmp_path), automatic_checkpoint_naming=True)
    options = accelerate.utils.DataLoaderConfiguration(use_seedable_sampler=seedable)
    accelerator = accelerate.Accelerator(cpu=True, project_config=naming, dataloader_config=options)
    loader = torch.utils.data.DataLoader(torch.arange(32), 4, shuffle=True)
    _, loader = accelerator.prepare(torch.nn.Linear(1, 1), loader)
    return accelerator, loader


@pytest.mark.parametrize("seedable", [False, True])
def test_the_order_of_the_data_goes_on(tmp_path: Path, seedable: bool) -> None:
    """Accelerate by itself starts the order of its seedable sampler again."""
    accelerator, loader = prepared(tmp_path, seedable)
    list(loader)
    saved = TrackedAccelerator(accelerator, tmp_path).state_dict()
    random = state.random_state()
    expected = [batch.tolist() for batch in loader]
    accelerator, loader = prepared(tmp_path, seedable)
    TrackedAccelerator(accelerator, tmp_path).load_state_dict(saved)
    state.set_random_state(random)
    assert [batch.tolist() for batch in loader] == expected
    assert accelerator.project_configuration.automatic_checkpoint_naming
    assert not (tmp_path / "checkpoints").exists()


def test_it_is_tracked_once_it_has_prepared_a_model(tmp_path: Path) -> None:
    accelerator = accelerate.Accelerator(cpu=True)
    assert is_accelerator(accelerator)
    with pytest.raises(TrainerError, match=r"after accelerator\.prepare"):
        Run.local(EPOCHS).track(accelerator=accelerator)
