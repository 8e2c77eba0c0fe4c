"""hpsearch: a hyperparameter search that is run like an experiment.

Public is what `__all__` lists, which is what a trainer imports, and the command line. Every other module may change
from one version to the next.
"""

from hpsearch.core.replicates import Fold
from hpsearch.core.trial import Report
from hpsearch.trainer.predictions import Part, Predictions
from hpsearch.trainer.seal import check_unsealed
from hpsearch.trainer.training_run import Run

__all__ = ["Fold", "Part", "Predictions", "Report", "Run", "__version__", "check_unsealed"]
__version__ = "0.1.0"
