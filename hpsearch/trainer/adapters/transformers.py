"""`transformers_callback(run)`: a training with the transformers Trainer as a trial, with the Trainer's checkpoints.

After each evaluation the Trainer writes a checkpoint folder. Its files are part of the trial's checkpoint, and then the
evaluation is reported.
"""

import importlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpsearch.core.errors import TrainerError, TrialStopped
from hpsearch.trainer.checkpoint_files import read_files, write_files
from hpsearch.trainer.state import NotResumable
from hpsearch.trainer.training_run import Run

MEASURED_TIMES = ("_runtime", "_per_second", "_time")
"""Suffixes of metrics that are not reproducible."""

FOR_TRAINING = ("optimizer", "scheduler", "rng_state", "scaler")
"""Prefixes of files that predictions do not need."""

DEFAULT_FOLDER = "trainer_output"


def transformers_callback(run: Run) -> Any:
    """A callback that reports the evaluations of a transformers Trainer to the search, and resumes and stops it.

    `callback = hpsearch.transformers_callback(run)`, then `Trainer(…, callbacks=[callback])` and
    `trainer.train(resume_from_checkpoint=callback.checkpoint)`; `checkpoint` is a folder in a resumed trial,
    else None. A report has the metrics of the evaluation and those that were logged since the last report.
    With `eval_strategy="epoch"` its step is the epoch, with "steps" it is the Trainer's `global_step`.

    If the trial is stopped or paused, the Trainer stops after this evaluation, calls `on_train_end` of all its
    callbacks, and `train` raises TrialStopped. `output_dir` becomes a folder in `run.scratch_dir`.

    TrainerError: transformers is not imported.
    """
    if "transformers" not in sys.modules:
        raise TrainerError("hpsearch.transformers_callback(run): import transformers before")
    base = importlib.import_module("transformers").TrainerCallback
    return type("HpsearchCallback", (_Hooks, base), {})(run)


class _Hooks:
    """The callback's hooks; `transformers_callback` adds the class of transformers.

    checkpoint: the folder to resume from; None in a new trial.
    """

    def __init__(self, run: Run):
        self._run = run
        self.checkpoint: str | None = None
        self._restored_step = 0
        self._saved: Path | None = None
        self._saved_step = 0
        self._is_own = self._is_own_saved = self._is_training = False
        self._logged: dict[str, Any] = {}
        self._metrics: dict[str, Any] = {}
        self._stop: TrialStopped | None = None
        run.track(transformers=self)

    # The state of a checkpoint ──────────────────────────────────────────────────────────────────

    def state_dict(self) -> dict[str, Any]:
        assert self._saved is not None  # each report comes after a save
        return {"files": read_files(self._saved), "global_step": self._saved_step}

    def weights_dict(self) -> dict[str, Any]:
        state = self.state_dict()
        files = {name: content for name, content in state["files"].items() if not name.startswith(FOR_TRAINING)}
        return {**state, "files": files}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        folder = self._run.scratch_dir / "resumed"
        shutil.rmtree(folder, ignore_errors=True)
        write_files(state["files"], folder)
        self.checkpoint, self._restored_step = str(folder), state["global_step"]

    # Hooks ───────────────────────────────────────────────────────────────────────────────────────

    def on_init_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        given, scratch = Path(args.output_dir), self._run.scratch_dir
        if not given.resolve().is_relative_to(scratch.resolve()):
            args.output_dir = str(scratch / given.name)
            if str(given) == DEFAULT_FOLDER and given.is_dir() and not any(given.iterdir()):
                given.rmdir()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if args.eval_strategy == "no":
            raise TrainerError(
                "the Trainer does not evaluate, so it would report nothing: write "
                'TrainingArguments(eval_strategy="epoch")'
            )
        if args.save_strategy == "best" or args.save_only_model:
            raise TrainerError(
                "the Trainer does not save a complete checkpoint after each evaluation: write "
                'TrainingArguments(save_strategy="no"), so that hpsearch requests one, and leave out save_only_model'
            )
        self._run.first_epoch()
        if state.global_step != self._restored_step:
            raise NotResumable(
                f"the checkpoint is of step {self._restored_step}, and the Trainer begins after step "
                f"{state.global_step}: write trainer.train(resume_from_checkpoint=callback.checkpoint), where callback "
                "is hpsearch.transformers_callback(run)"
            )
        self._is_training = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:  # noqa: ARG002
        self._logged.update(_numbers({name: value for name, value in (logs or {}).items() if name[:5] != "eval_"}))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any], **_: Any) -> Any:  # noqa: ARG002
        if self._is_training and state.global_step > 0:
            self._metrics.update(_numbers(metrics))
            self._is_own, control.should_save = self._is_own or not control.should_save, True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if self._stop is not None:
            raise self._stop
        if not self._metrics:
            return control
        self._remove_saved()
        self._saved, self._saved_step = Path(args.output_dir) / f"checkpoint-{state.global_step}", state.global_step
        step = round(state.epoch) if args.eval_strategy == "epoch" else state.global_step
        metrics, self._metrics, self._logged = {**self._logged, **self._metrics}, {}, {}
        try:
            self._run.report(step, metrics)
        except TrialStopped as stop:
            self._stop, control.should_training_stop = stop, True
        return control

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Called after the hooks of other callbacks, so it may raise TrialStopped."""
        self._is_training = False
        if self._stop is not None:
            raise self._stop

    def _remove_saved(self) -> None:
        """A checkpoint that only hpsearch requested is removed after the next one is written."""
        if self._saved is not None and self._is_own_saved:
            shutil.rmtree(self._saved, ignore_errors=True)
        self._is_own_saved, self._is_own = self._is_own, False


def _numbers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics without measured times, the epoch and values that are not numbers."""
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, int | float) and name != "epoch" and not name.endswith(MEASURED_TIMES)
    }
