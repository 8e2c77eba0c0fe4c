"""The Cleveland heart disease table: download, checks, and encoding as 29 inputs."""

import csv
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from trainers.kit.data import Strata
from trainers.kit.fetch import DataMissing, fetch

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/heart-disease/processed.cleveland.data"
LOCAL = Path("heart_disease") / "heart_cleveland.csv"

SHA256 = "14bcc1aadd4f26fddfa2965e35d9ac3ceb1549d584655278f75a79cdde0ad056"
"""The hash of the content (see `sha256`), not of the file's bytes: the repository publishes no checksum, and copies
differ in
header, row order, and the grades of the target. It was computed from such a copy of the 303 patients."""

NUMERIC = ("age", "trestbps", "chol", "thalach", "oldpeak")
CATEGORIES = {
    "sex": (0, 1),
    "cp": (1, 2, 3, 4),
    "fbs": (0, 1),
    "restecg": (0, 1, 2),
    "exang": (0, 1),
    "slope": (1, 2, 3),
    "ca": (0, 1, 2, 3),
    "thal": (3, 6, 7),
}
"""All values in the repository's description, even if some are missing in the training rows."""

GRADES = (0, 1, 2, 3, 4)
"""Of the target: 0 is healthy."""

COLUMNS = (
    "age", "sex", "cp", "trestbps", "chol", "fbs", "restecg",
    "thalach", "exang", "oldpeak", "slope", "ca", "thal", "target",
)  # fmt: skip
INPUTS = len(NUMERIC) + sum(map(len, CATEGORIES.values())) + 1
"""29: five standardised numbers, 23 one-hot columns, and a column that is 1 if a value of the patient is missing."""

Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]
"""(patients, 14) in the order of COLUMNS, rows sorted; NaN where a value is missing; target 0 or 1."""


@cache
def table(data_dir: Path | None, url: str = URL) -> Table:
    """The table from the data folder, else from the cache or the repository. Raises DataMissing, ValueError."""
    local = data_dir / LOCAL if data_dir else None
    if local is not None and local.is_file():
        return parse(local.read_bytes(), str(local))
    try:
        return fetch(url, "processed.cleveland.data", lambda content: _verified(parse(content, url)))
    except DataMissing as problem:
        raise DataMissing(
            f"set HPSEARCH_DATA (in a notebook: Run.local(data_dir=…)) to a folder that holds {LOCAL}, "
            f"the rows of {url}; {problem}"
        ) from problem


def parse(content: bytes, where: str) -> Table:
    """The table in a CSV with or without a header, "?" for a missing value. ValueError with the line of the error."""
    lines = enumerate(csv.reader(content.decode().splitlines()), start=1)
    rows = [_row(cells, f"{where}:{number}") for number, cells in lines if cells and tuple(cells) != COLUMNS]
    if not rows:
        raise ValueError(f"{where}: it has no patients")
    return np.array(sorted(rows, key=_line))


def sick(table: Table) -> Strata:
    """The target: 1 for a patient with the disease, else 0."""
    return table[:, -1].astype(np.int64)


def sha256(table: Table) -> str:
    """Equal for two copies with the same patients, in any order and notation."""
    return hashlib.sha256("\n".join(map(_line, table.tolist())).encode()).hexdigest()


def _row(cells: list[str], where: str) -> list[float]:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{where}: a row has {len(COLUMNS)} values ({', '.join(COLUMNS)}), this one has {len(cells)}")
    row = [_value(name, cell, where) for name, cell in zip(COLUMNS, cells, strict=True)]
    row[-1] = float(row[-1] > 0)  # the repository grades the disease from 1 to 4
    return row


def _value(name: str, cell: str, where: str) -> float:
    allowed = GRADES if name == "target" else CATEGORIES.get(name)
    if cell == "?" and name != "target":
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (allowed and value not in allowed):
        wanted = f"one of {allowed}" if allowed else "a number"
        raise ValueError(f"{where}: {name} must be {wanted}, got {cell!r}")
    return value


def _line(row: list[float]) -> str:
    return ",".join("?" if math.isnan(value) else f"{value:.10g}" for value in row)


def _verified(table: Table) -> Table:
    found = sha256(table)
    if found != SHA256:
        raise ValueError(f"its {len(table)} rows are not the 303 patients (SHA-256 {found}, not {SHA256})")
    return table


@dataclass(frozen=True)
class Encoding:
    """The encoding of rows as inputs, fitted on the training rows.

    mean, std: of each of NUMERIC (1 for a constant). modes: the most frequent value of each of CATEGORIES.
    """

    mean: np.ndarray[tuple[int], np.dtype[np.float64]]
    std: np.ndarray[tuple[int], np.dtype[np.float64]]
    modes: Mapping[str, float]

    @classmethod
    def of(cls, table: Table) -> "Encoding":
        numbers = table[:, [COLUMNS.index(name) for name in NUMERIC]]
        std = np.nanstd(numbers, axis=0)
        modes = {
            name: max(values, key=lambda value: np.count_nonzero(_column(table, name) == value))
            for name, values in CATEGORIES.items()
        }
        return cls(np.nanmean(numbers, axis=0), np.where(std > 0, std, 1.0), modes)

    def inputs(self, table: Table) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """(n, 14) -> (n, 29). A missing value is replaced by the mean or the mode; the last input marks such rows."""
        numbers = (table[:, [COLUMNS.index(name) for name in NUMERIC]] - self.mean) / self.std
        hot = [
            np.where(np.isnan(_column(table, name)), self.modes[name], _column(table, name)) == value
            for name, values in CATEGORIES.items()
            for value in values
        ]
        missing = np.isnan(table).any(axis=1)
        return np.column_stack([np.nan_to_num(numbers), *hot, missing])


def _column(table: Table, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return table[:, COLUMNS.index(name)]
