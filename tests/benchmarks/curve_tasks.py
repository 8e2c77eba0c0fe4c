"""Tasks with known learning curves: the LCBench surrogate of YAHPO Gym, TaskSet's tables, and curves that
`trained_together` has recorded. From HPSEARCH_DATA.

LCBench (Zimmer, Lindauer and Hutter 2021, arXiv 2006.13799) by its surrogate (Pfisterer et al. 2022, arXiv 2109.03670)
needs onnxruntime. TaskSet: Metz et al. 2020, arXiv 2002.11887.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.folders import data_folder
from hpsearch.core.trial import Params, Report, key_of
from hpsearch.workers.pools.simulated.played_curves import Curve

METRIC = "val_loss"

Table = Mapping[str, Any]


class CurveTask(Protocol):
    """Curves with their optimum. best: the lowest loss that is known. scale: the loss of an untrained network, so that
    (loss - best) / (scale - best) is the regret in [0, 1]."""

    name: str
    epochs: int
    space: Table
    best: float
    scale: float

    @property
    def rows(self) -> Sequence[Params] | None: ...

    def curve(self, params: Params, seed: int, epochs: int) -> Curve: ...


def folder(name: str) -> Path:
    data = data_folder()
    if data is None or not (data / name).is_dir():
        raise FileNotFoundError(f"HPSEARCH_DATA has no folder `{name}`; this benchmark needs it")
    return data / name


class LCBench:
    """100 - validation accuracy of a funnel-shaped MLP on one OpenML task, in 51 epochs. The times are those of the
    surrogate. The learning rate was annealed over all epochs, so a trainer of these curves reads their number."""

    epochs = 51
    rows: Sequence[Params] | None = None
    space: ClassVar[Table] = {
        "batch_size": {"low": 16, "high": 512, "log": True},
        "learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
        "momentum": {"low": 0.1, "high": 0.99},
        "weight_decay": {"low": 1e-5, "high": 0.1},
        "num_layers": {"low": 1, "high": 5},
        "max_units": {"low": 64, "high": 1024, "log": True},
        "max_dropout": {"low": 0.0, "high": 1.0},
    }

    def __init__(self, instance: str):
        self.name = f"LCBench {instance}"
        self._folder, self._instance = folder("lcbench"), instance
        encoding = json.loads((self._folder / "encoding.json").read_text())
        self._code = encoding["OpenML_task_id"][instance]
        self.best, self.scale = self._bounds()

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(self._folder / "model.onnx", options)

    def _run(self, points: NDArray[np.float64], epochs: Sequence[int]) -> NDArray[np.float64]:
        """points: (n, 7). Returns (n, epochs, 6): time, validation accuracy, …"""
        steps = np.tile(np.asarray(epochs, np.float32)[None, :, None], (len(points), 1, 1))
        rows = np.concatenate([steps, np.repeat(points[:, None], len(epochs), 1)], axis=2).reshape(-1, 8)
        inputs = {"x_cat": np.full((len(rows), 1), self._code, np.int32), "x_cont": rows.astype(np.float32)}
        return np.asarray(self._session.run(None, inputs)[0], float).reshape(len(points), len(epochs), 6)

    def curve(self, params: Params, seed: int, epochs: int) -> Curve:
        """The surrogate's first epoch is the untrained network, which is left out."""
        found = self._run(np.array([[params[name] for name in self.space]]), range(2, epochs + 2))[0]
        seconds = max(float(found[-1, 0]), 1e-3) / (epochs + 1)
        reports = tuple(Report(epoch, {METRIC: 100 - float(row[1])}) for epoch, row in enumerate(found, 1))
        return Curve(reports, (seconds,) * len(reports), reads_epochs=True)

    def _bounds(self) -> tuple[float, float]:
        """Of a file beside the data, where there is one; else by 4,000 random points, and a local search."""
        known = self._folder / f"norm_{self._instance}.json"
        if known.is_file():
            best, scale = json.loads(known.read_text())
            return float(best), float(scale)
        generator, epochs = np.random.default_rng(0), [5, 15, 26, 39, 46, 52]

        def lowest(units: NDArray[np.float64]) -> NDArray[np.float64]:
            return 100 - self._run(self._decoded(units), epochs)[:, :, 1].max(axis=1)

        units = generator.random((4000, 7))
        scale = float(np.median(100 - self._run(self._decoded(units), [1])[:, 0, 1]))
        losses = lowest(units)
        for step in (0.15, 0.08, 0.04, 0.02, 0.01):
            near = np.argsort(losses)[:30]
            changes = step * generator.standard_normal((900, 7)) * (generator.random((900, 7)) < 0.5)
            more = np.clip(np.repeat(units[near], 30, axis=0) + changes, 0, 1)
            units, losses = np.r_[units[near], more], np.r_[losses[near], lowest(more)]
        return float(losses.min()), scale

    def _decoded(self, units: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = []
        for own, u in zip(self.space.values(), units.T, strict=True):
            low, high = own["low"], own["high"]
            column = np.exp(np.log(low) + u * np.log(high / low)) if own.get("log") else low + u * (high - low)
            columns.append(np.round(column) if isinstance(high, int) else column)
        return np.stack(columns, axis=1)


class CurveRows:
    """Curves of a table of settings; each can be trained once. losses: (settings, epochs + 1), of the untrained network
    first. The untrained network decides the scale, and twice its loss is the worst loss. An epoch takes 1 s."""

    def __init__(
        self, name: str, space: Table, settings: Mapping[str, NDArray[np.float64]], losses: NDArray[np.float64]
    ):
        self.name, self.space, self.reads_epochs = name, space, False
        self.epochs = losses.shape[1] - 1
        self.scale = float(np.nanmedian(losses[:, 0]))
        worst = 2 * self.scale
        losses = np.where(np.isfinite(losses), np.minimum(losses, worst), worst)[:, 1:]
        self.best = float(losses.min())
        within = {key: np.clip(settings[key], own["low"], own["high"]).tolist() for key, own in space.items()}
        whole = [key for key, own in space.items() if isinstance(own["low"], int)]
        self.rows = [dict(zip(within, own, strict=True)) for own in zip(*within.values(), strict=True)]
        self.rows = [row | {key: round(row[key]) for key in whole} for row in self.rows]
        self._curves = {key_of(row): curve for row, curve in zip(self.rows, losses, strict=True)}

    def curve(self, params: Params, seed: int, epochs: int) -> Curve:
        losses = self._curves[key_of(params)][:epochs]
        reports = tuple(Report(epoch, {METRIC: float(loss)}) for epoch, loss in enumerate(losses, 1))
        return Curve(reports, (1.0,) * len(reports), reads_epochs=self.reads_epochs)


class TaskSet(CurveRows):
    """The validation loss of a recurrent network with 1,000 settings of Adam (eight parameters), at 50 points of its
    training; each point counts as one epoch."""

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "learning_rate": (1e-8, 10),
        "one_minus_beta1": (1e-4, 1),
        "one_minus_beta2": (1e-6, 1),
        "epsilon": (1e-10, 1e3),
        "l1": (1e-8, 10),
        "l2": (1e-8, 10),
        "linear_decay": (1e-7, 1e-4),
        "exponential_decay": (1e-6, 1e-3),
    }

    def __init__(self, task: str):
        data = np.load(folder("taskset") / f"{task}.npz")
        settings = data["hp"].astype(float)
        settings[:, 1:3] = np.clip(1 - settings[:, 1:3], 1e-12, None)
        space = {
            name: {"low": float(low), "high": float(high), "log": True} for name, (low, high) in self.RANGES.items()
        }
        columns = dict(zip(self.RANGES, settings.T, strict=True))
        super().__init__(f"TaskSet {task}", space, columns, data["valid"].astype(float))


class Trainings(CurveRows):
    """A family of `trained_together`. Networks whose learning rate was annealed read the number of epochs."""

    def __init__(self, family: str):
        from tests.benchmarks.trained_together import FAMILIES

        path = folder("trainings") / f"{family}.npz"
        data, own = np.load(path), FAMILIES[family]
        settings = {name: data[name].astype(float) for name in own.space}
        super().__init__(
            f"trainings {family}", {name: one.table for name, one in own.space.items()}, settings, data["curves"]
        )
        self.reads_epochs = own.cosine


def load(name: str) -> CurveTask:
    """A task by its name: a number of LCBench, the file of TaskSet, or a family of `trained_together`."""
    if name.isdigit():
        return LCBench(name)
    return TaskSet(name) if name.startswith("patch") else Trainings(name)
