"""hpsearch: a hyperparameter search that is run like an experiment.

What a trainer imports is here; everything else is reached through the command line or its own module.
"""

from hpsearch.copies import Fold
from hpsearch.predictions import Part, Predictions
from hpsearch.run import Run
from hpsearch.seal import check_unsealed
from hpsearch.trial import Report

__all__ = ["Fold", "Part", "Predictions", "Report", "Run", "__version__", "check_unsealed"]
__version__ = "0.1.0"
