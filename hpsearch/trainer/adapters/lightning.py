"""`lightning_callback(run)`: Lightning's training as a trial, for `lightning` and `pytorch_lightning`.

The checkpoint is Lightning's (`dump_checkpoint`), without a file: its weights are tracked as "model", so that `predict`
finds them, and the rest as "lightning". Lightning has no public API to restore a checkpoint that is not a file passed
to `fit`, so this module uses its checkpoint connector, and `make test-frameworks` tests that.
"""

import functools
import importlib
import sys
from collections.abc import Mapping
from typing import Any

from hpsearch.core.errors import TrainerError, TrialStopped
from hpsearch.trainer.state import NotResumable
from hpsearch.trainer.training_run import Run

PACKAGES = ("lightning.pytorch", "pytorch_lightning")

HYPERPARAMETERS = ("hyper_parameters", "hparams_name", "hparams_type")
"""Keys of a checkpoint that may have any object as value, and that restoring does not read; a data module's keys begin
with `datamodule_`."""

MONITORED = "hpsearch_monitored"


def lightning_callback(run: Run) -> Any:
    """A callback that reports the metrics of a Lightning Trainer to the search, and resumes and stops its training.

    `Trainer(max_epochs=run.max_epochs, callbacks=[hpsearch.lightning_callback(run)])`, then `trainer.fit(…)`. A report
    has `trainer.callback_metrics` of an epoch, after its validation. With other validation
    intervals (`val_check_interval`) or a number of steps (`max_steps`), there is a report for each validation, and its
    step is `trainer.global_step`.

    If the trial is stopped or paused, `trainer.should_stop` is set and `fit` returns. The Trainer's files go to
    `run.scratch_dir` unless `default_root_dir` is given. There is no progress bar unless it is enabled.

    TrainerError: Lightning is not imported.
    """
    packages = [importlib.import_module(name) for name in PACKAGES if name in sys.modules]
    if not packages:
        raise TrainerError("hpsearch.lightning_callback(run): import lightning (or pytorch_lightning) before")
    for package in packages:
        _use_defaults_of_trials(package.Trainer)
    # The callback is an EarlyStopping, since Lightning calls its hooks last, when all metrics of the epoch are known.
    bases = (_Hooks, *(package.callbacks.EarlyStopping for package in packages))
    return type("HpsearchCallback", bases, {})(run)


def _use_defaults_of_trials(trainer_class: Any) -> None:
    """A Trainer with this callback writes no files into the working directory, which two trials would share.

    It changes the constructor, because Lightning opens its default logger's files before it calls a callback.
    """
    init = trainer_class.__init__
    if hasattr(init, "before_hpsearch"):
        return

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807
        callbacks = options.get("callbacks") or []
        callbacks = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
        own = [callback for callback in callbacks if isinstance(callback, _Hooks)]
        if own and options.get("default_root_dir") is None:
            options["default_root_dir"] = own[0].run.scratch_dir
        if own and options.get("enable_progress_bar") is None:
            options["enable_progress_bar"] = False
        init(self, *args, **options)
        if own and self.world_size > 1:
            raise TrainerError(
                f"the Trainer has {self.world_size} devices: a trial of Lightning trains on one; write "
                "Trainer(devices=1), and give each trial one GPU ([resources] per_trial)"
            )

    __init__.before_hpsearch = init  # type: ignore[attr-defined]
    trainer_class.__init__ = __init__


class _Part:
    """A part of the Trainer's checkpoint, as an object to track. restored: its state, in a trial that is resumed."""

    def __init__(self, hooks: "_Hooks", is_model: bool):
        self._hooks, self._is_model = hooks, is_model
        self.restored: Mapping[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        checkpoint = self._hooks.checkpoint()
        weights: dict[str, Any] = checkpoint.pop("state_dict")
        return weights if self._is_model else checkpoint

    def weights_dict(self) -> dict[str, Any]:
        return self.state_dict() if self._is_model else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.restored = state


class _Hooks:
    """The callback's hooks; `lightning_callback` adds Lightning's class."""

    state_key = "HpsearchCallback"

    def __init__(self, run: Run):
        self.run = run
        self._trainer: Any = None
        self._model, self._rest = _Part(self, is_model=True), _Part(self, is_model=False)
        self._by_step = self._has_validated = False
        self._last = 0
        self._stop: TrialStopped | None = None

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing: this callback has no state in the Trainer's checkpoint."""

    def setup(self, trainer: Any, module: Any, stage: str) -> None:  # noqa: ARG002
        if self._stop is not None:
            raise self._stop
        if stage != "fit":
            return
        self._trainer = trainer
        trainer.callbacks = [*(other for other in trainer.callbacks if other is not self), self]
        self.run.track(model=self._model, lightning=self._rest)
        if self._rest.restored:
            checkpoint = {**self._rest.restored, "state_dict": self._model.restored}
            trainer._checkpoint_connector._loaded_checkpoint = checkpoint

    def on_train_start(self, trainer: Any, module: Any) -> None:
        self._by_step = (
            trainer.max_steps != -1 or trainer.val_check_interval != 1.0 or not trainer.check_val_every_n_epoch
        )
        restored, self._rest.restored, self._model.restored = self._rest.restored, {}, {}
        self._last = max(self._last, self.run.first_epoch() - 1)
        if not restored:
            return
        if (at := self._step(trainer)) != self._last:
            raise NotResumable(
                f"the checkpoint is of step {self._last}, and the Trainer begins after step {at}: call trainer.fit "
                "without a ckpt_path of your own"
            )
        for config in trainer.lr_scheduler_configs:  # Lightning saves these before their step with the epoch's metric
            is_due = config.interval == "epoch" and trainer.current_epoch % config.frequency == 0
            if config.monitor in restored[MONITORED] and is_due and not self._by_step:
                module.lr_scheduler_step(config.scheduler, restored[MONITORED][config.monitor])
        if getattr(trainer.fit_loop, "is_resuming", False):  # it drew the data order with another random state
            iter(trainer.fit_loop._data_fetcher)

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:  # noqa: ARG002
        if self._stop is not None:  # `min_epochs` has prevented the stop
            raise self._stop

    def on_validation_end(self, trainer: Any, module: Any) -> None:  # noqa: ARG002
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        self._has_validated = True
        if self._by_step:
            self._report(trainer)

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:  # noqa: ARG002
        """Metrics of a validation stay in callback_metrics until the next: an epoch without one is not reported."""
        if not self._by_step and (self._has_validated or not trainer.enable_validation):
            self._report(trainer)
        self._has_validated = False

    def _step(self, trainer: Any) -> int:
        return int(trainer.global_step if self._by_step else trainer.current_epoch)

    def _report(self, trainer: Any) -> None:
        step = self._step(trainer) + (not self._by_step)
        if step <= self._last:
            return
        self._last = step
        try:
            self.run.report(step, {name: float(value) for name, value in trainer.callback_metrics.items()})
        except TrialStopped as stop:
            self._stop, trainer.should_stop = stop, True

    def checkpoint(self) -> dict[str, Any]:
        """Lightning's present checkpoint."""
        trainer = self._trainer
        found: dict[str, Any] = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)
        monitors = {config.monitor for config in trainer.lr_scheduler_configs if config.reduce_on_plateau}
        metrics = {name: value for name, value in trainer.callback_metrics.items() if name in monitors}
        kept = {key: value for key, value in found.items() if key.removeprefix("datamodule_") not in HYPERPARAMETERS}
        return {**kept, MONITORED: metrics}
