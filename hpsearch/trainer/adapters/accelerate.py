"""`run.track(accelerator=accelerator)`: the files of Accelerate's `save_state` are part of the trial's checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.trainer.checkpoint_files import read_files, temporary_folder, write_files


def is_accelerator(thing: Any) -> bool:
    """Does not import Accelerate."""
    return any(kind.__module__.partition(".")[0] == "accelerate" for kind in type(thing).__mro__) and hasattr(
        thing, "save_state"
    )


class TrackedAccelerator:
    """An `accelerate.Accelerator` with a state_dict. folder: for its temporary files.

    Accelerate does not save the epoch of a DataLoader, which determines the order with `use_seedable_sampler`, so it is
    saved here. Accelerate reads its files and unpickles the random states among them.
    """

    def __init__(self, accelerator: Any, folder: Path):
        """TrainerError if nothing is prepared: load_state would then restore nothing, without an error."""
        if not accelerator._models:
            raise TrainerError(
                "run.track(accelerator=…): the accelerator has prepared no model; call it after accelerator.prepare(…)"
            )
        self._accelerator, self._folder = accelerator, folder

    def state_dict(self) -> dict[str, Any]:
        naming = self._accelerator.project_configuration
        named, naming.automatic_checkpoint_naming = naming.automatic_checkpoint_naming, False  # it ignores the folder
        try:
            with temporary_folder(self._folder, "accelerate-") as folder:
                self._accelerator.save_state(str(folder))
                files = read_files(folder)
        finally:
            naming.automatic_checkpoint_naming = named
        epochs = [getattr(loader, "iteration", 0) for loader in self._accelerator._dataloaders]
        return {"files": files, "epochs": epochs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        with temporary_folder(self._folder, "accelerate-") as folder:
            write_files(state["files"], folder)
            self._accelerator.load_state(str(folder))
        for loader, epoch in zip(self._accelerator._dataloaders, state["epochs"], strict=False):
            if hasattr(loader, "iteration"):
                loader.iteration = epoch
