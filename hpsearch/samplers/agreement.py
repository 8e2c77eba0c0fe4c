"""How well a prediction of the ranks of trials, by a prior or by an earlier study, agrees with their losses."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

EXPECTED, COUNTED = 0.4, 4.0
"""The agreement that is assumed before the first trial, and the number of trials that it counts as."""

WORTHLESS = 0.1
"""A prediction with a smaller agreement is not used."""


def agreement(predicted: Array, losses: Array) -> float:
    """Kendall's rank correlation of the predicted losses with the losses, shrunk towards EXPECTED; 0 if it is below
    WORTHLESS. Equal predictions agree and disagree with nothing."""
    count = len(losses)
    found = 0.0
    if count > 1:
        upper = np.triu_indices(count, 1)
        signs = np.sign(predicted[:, None] - predicted)[upper] * np.sign(losses[:, None] - losses)[upper]
        found = float(signs.mean())
    shrunk = (count * found + COUNTED * EXPECTED) / (count + COUNTED)
    return shrunk if shrunk >= WORTHLESS else 0.0
