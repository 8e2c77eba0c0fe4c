"""What a trainer is handed besides its parameters, in a search and in a notebook alike."""

import importlib.util
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hpsearch.core.errors import TrainerError
from hpsearch.core.replicates import Fold
from hpsearch.provenance import data_hashes
from hpsearch.trainer import state

Batch = TypeVar("Batch")


class Instrument(Protocol):
    """Observes and steers a training that is measured before a search: preflight, and the learning-rate range test."""

    def batches(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """What the trainer is to train on in place of these."""
        ...

    def tracked(self, objects: Mapping[str, Any]) -> None:
        """The trainer has named these to `Run.track`."""
        ...


class Run:
    """One training of one trial.

    seed: already given to random, NumPy and torch by the worker.
    max_epochs: the most that the trial may train in this study, over all its pauses: what a schedule stretches over.
    device: "cpu", or "cuda" where the trial has (a share of) a GPU.
    threads: how many threads the trial may use: its cpus.
    data_dir: the folder that HPSEARCH_DATA names. Where it is not set, it is false, and to use it as a path raises
    TrainerError, which says what to set.
    scratch_dir: a folder of this trial's own for whatever it writes.
    """

    def __init__(
        self,
        seed: int,
        epochs: int,
        *,
        device: str = "cpu",
        threads: int = 1,
        data_dir: Path | None = None,
        scratch_dir: Path | None = None,
        restored: state.Snapshot | None = None,
        instrument: Instrument | None = None,
        fold: Fold | None = None,
    ):
        self.seed = seed
        self.device = device
        self.threads = threads
        self.data_dir: Path = data_dir or _no_data_folder
        self._scratch_dir = scratch_dir
        self.max_epochs = epochs
        self._restored = restored
        self._instrument = instrument
        self._fold, self._fold_is_asked_for = fold, False
        self.tracked: dict[str, Any] = {}
        self.used: dict[str, str] = {}

    @classmethod
    def local(
        cls,
        epochs: int,
        seed: int = 0,
        device: str | None = None,
        data_dir: Path | None = None,
        fold: Fold | None = None,
    ) -> "Run":
        """A run without a search: `for report in train(params, Run.local(epochs=3)): …`. Seeds as a worker does."""
        state.seed_everything(seed)
        return cls(seed, epochs, device=device or best_device(), data_dir=data_dir, fold=fold)

    @property
    def fold(self) -> Fold | None:
        """What to validate on, where the study asks for a cross-validation; None: the trainer's one split."""
        self._fold_is_asked_for = True
        return self._fold

    def check_fold_is_asked_for(self) -> None:
        """TrainerError where there is a fold that a trainer, which has trained an epoch, does not know of."""
        if self._fold is not None and not self._fold_is_asked_for:
            raise TrainerError(
                f"trainer.validation asks for {self._fold.of} folds, and the trainer never looks at `run.fold`, so all "
                "of them would be validated on the same examples; docs/trainers.md says how to deal them"
            )

    @property
    def scratch_dir(self) -> Path:
        if self._scratch_dir is None:
            self._scratch_dir = Path(tempfile.mkdtemp(prefix="hpsearch-"))
        self._scratch_dir.mkdir(parents=True, exist_ok=True)
        return self._scratch_dir

    def track(self, **objects: Any) -> None:
        """Name what a checkpoint holds; where the trial is continued, its state is restored here.

        Anything with state_dict and load_state_dict (modules, optimizers, schedules, scalers), a torch.Generator, or a
        numpy.random.Generator. Call it once everything is built, before the first epoch. Random states need no naming.
        """
        for name, thing in objects.items():
            state.check_can_be_tracked(name, thing)
            if self._restored is not None:
                state.restore(thing, self._restored.object_state(name))
        self.tracked.update(objects)
        if self._instrument is not None:
            self._instrument.tracked(objects)

    def uses(self, name: str, *things: Any) -> None:
        """Say what the trial trains on: paths of files or folders, bytes, arrays, tensors. Their SHA-256 is recorded.

        Called before the first epoch, so that `hpsearch reproduce` can tell data that have changed from a trainer that
        has. What was hashed once in a process is not read again while it is the same: see `data_hashes`.
        TrainerError: it cannot be read or hashed, or the name stands for something else already.
        """
        if self._instrument is not None:
            return  # nothing of it lasts
        try:
            found = data_hashes.digest(*things)
        except (OSError, TypeError, RuntimeError) as problem:
            raise TrainerError(f"run.uses({name!r}, …): {problem}") from None
        if self.used.setdefault(name, found) != found:
            raise TrainerError(f"run.uses({name!r}, …) stands for other data already: say all of it at once")

    def batches(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """The minibatches to train on in an epoch: those given. `for inputs, targets in run.batches(loader): …`

        A trainer that asks for them can be tried before the search: preflight overfits the first of them, and the
        learning-rate range test goes on until it has seen enough.
        """
        return batches if self._instrument is None else self._instrument.batches(batches)

    def epochs(self) -> Iterator[int]:
        """The epochs to train: 1, 2, …; after a pause, from the one after the checkpoint."""
        first = 1
        if self._restored is not None:
            self._restored.check_all_is_tracked(self.tracked)
            first = self._restored.step + 1
            state.set_random_state(self._restored.random)
            self._restored = None
        yield from range(first, self.max_epochs + 1)


class _NoDataFolder:
    """In the place of `data_dir` where HPSEARCH_DATA is not set, so that a trainer may still ask for it: `if
    run.data_dir`, `run.data_dir or Path("data")`."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "(HPSEARCH_DATA is not set)"

    def __truediv__(self, part: object) -> Path:
        raise TrainerError(
            "run.data_dir is not set: set HPSEARCH_DATA to the folder that holds the data, or call "
            "Run.local(data_dir=…) in a notebook"
        )

    def __fspath__(self) -> str:
        return str(self / "")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self / name


_no_data_folder: Any = _NoDataFolder()


def best_device() -> str:
    """ "cuda" where torch is installed and sees one, else "cpu"."""
    if importlib.util.find_spec("torch") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
